"""``-m connmark``: the mark of the connection (xt_connmark.c, connmark_mt)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, bits, both
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.matches._asked import tracked
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.remembered.own_state import is_told
from iptc_sim.value_types.mark import MARK
from iptc_sim.values import MaskedMark, Negatable


@extension
class Connmark(Match):
    """Compares as ``-m mark`` does; a packet without a connection never fits."""

    NAME = "connmark"
    USES_CONNTRACK = True

    mark: Negatable[MaskedMark] = option(MARK, "--mark", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the mark of the connection."""
        entry = at.connection
        if entry is None or not entry.is_tracked:
            return No(self, "mark", "the packet has no conntrack entry")
        if not is_told(entry) and not self.mark.value.value & ~self.mark.value.mask:
            return Unclear(self, f"{self.option_text('mark')}: the mark of the connection is not known")
        if (entry.mark in self.mark.value) != self.mark.negated:
            return YES
        return No(self, "mark", f"the mark of the connection is {entry.mark:#x}")

    def constraint(self, asked: Asked) -> Constraint:
        """Return the test of the mark, for packets with a connection."""
        wanted = self.mark.value
        return both([tracked(asked), bits(Field.CTMARK, wanted.value, wanted.mask, negated=self.mark.negated)])
