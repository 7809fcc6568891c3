"""``-m mark``: the packet's nfmark (xt_mark.c, mark_mt)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, bits
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.value_types.mark import MARK
from iptc_sim.values import MaskedMark, Negatable


@extension
class Mark(Match):
    """Fits where ``mark & mask == value``."""

    NAME = "mark"

    mark: Negatable[MaskedMark] = option(MARK, "--mark", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the mark."""
        if (at.packet.mark in self.mark.value) != self.mark.negated:
            return YES
        return No(self, "mark", f"the mark is {at.packet.mark:#x}")

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the test of the mark."""
        wanted = self.mark.value
        return bits(Field.MARK, wanted.value, wanted.mask, negated=self.mark.negated)
