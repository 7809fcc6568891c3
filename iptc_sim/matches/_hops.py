"""What ttl and hl share: the number of hops that a packet may still go (xt_hl.c)."""

from __future__ import annotations

from typing import ClassVar

from iptc_sim.match import Match, No, Outcome, decide
from iptc_sim.moment import Moment
from iptc_sim.options import Reading
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable

NUMBER = Integer(0, 255)


class HopsMatch(Match):
    """Exactly one comparison, of which only equality can be negated; ``WHAT`` is what the number is called."""

    __slots__ = ()

    WHAT: ClassVar[str]

    equal: Negatable[int] | None
    below: int | None
    above: int | None

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or several comparisons."""
        self.demand_one("equal", "below", "above")

    def judge(self, at: Moment) -> Outcome:
        """Compare the number."""
        actual = at.packet.ttl
        equal = self.test("equal", actual, self.WHAT)
        if self.below is not None and actual >= self.below:
            return No(self, "below", f"the {self.WHAT} is {actual}")
        if self.above is not None and actual <= self.above:
            return No(self, "above", f"the {self.WHAT} is {actual}")
        return decide(equal)
