"""``-m quota``: fits until so many bytes have passed the rule (xt_quota.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.memory import Memory
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.remembered.own_state import rule_key, size_of
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable


@extension
class Quota(Match):
    """What is left of the quota lives in the kernel; a dump shows the number that the rule began with.

    Remembered under :func:`~iptc_sim.remembered.own_state.rule_key`: the bytes that are left.
    """

    NAME = "quota"
    REMEMBERS = True

    quota: Negatable[int] = option(Integer(0, 2**64 - 1), "--quota", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """A packet fits whole or not at all."""
        left = self._left(at)
        if left is None:
            return Unclear(self, f"{self.option_text('quota')}: how much of it is left is not known")
        if (left >= size_of(at)) != self.quota.negated:
            return YES
        return No(self, "quota", f"{left} bytes of it are left, the packet has {size_of(at)}")

    def remember(self, at: Moment, fits: bool) -> Memory:  # noqa: ARG002 - the interface
        """Take the packet's bytes off; after a packet that was too large nothing is left for smaller ones."""
        left = self._left(at)
        if left is None:
            return at.memory
        size = size_of(at)
        return at.memory.put(rule_key(self, at), left - size if left >= size else 0)

    def _left(self, at: Moment) -> int | None:
        whole = self.quota.value if at.memory.fresh else None
        left: int | None = at.memory.get(rule_key(self, at), whole)
        return left
