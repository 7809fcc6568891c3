"""What ttl and hl share: the number of hops that a packet may still go (xt_hl.c)."""

from __future__ import annotations

from typing import ClassVar

from iptc_sim.constraint import Asked, Constraint, Field, within
from iptc_sim.match import Match, No, Outcome, decide
from iptc_sim.moment import Moment
from iptc_sim.options import Reading
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable

MOST = 255
NUMBER = Integer(0, MOST)


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

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the comparison."""
        if self.equal is not None:
            return within(Field.HOPS, [(self.equal.value, self.equal.value)], negated=self.equal.negated)
        below = self.below if self.below is not None else MOST + 1
        return within(Field.HOPS, [(self.above + 1 if self.above is not None else 0, below - 1)])
