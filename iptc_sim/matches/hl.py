"""``-m hl``: the hop limit of an IPv6 packet (xt_hl.c, hl_mt6)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match, No, Outcome, decide
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, option
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Family, Negatable

NUMBER = Integer(0, 255)


@extension
class Hl(Match):
    """IPv6 only; exactly one comparison, of which only equality can be negated."""

    NAME = "hl"
    FAMILIES = frozenset({Family.IPV6})

    equal: Negatable[int] | None = option(NUMBER, "--hl-eq", "--hl", negatable=True)
    below: int | None = option(NUMBER, "--hl-lt")
    above: int | None = option(NUMBER, "--hl-gt")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or several comparisons."""
        self.demand_one("equal", "below", "above")

    def judge(self, at: Moment) -> Outcome:
        """Compare the number."""
        actual = at.packet.ttl
        equal = self.test("equal", actual, "hop limit")
        if self.below is not None and actual >= self.below:
            return No(self, "below", f"the hop limit is {actual}")
        if self.above is not None and actual <= self.above:
            return No(self, "above", f"the hop limit is {actual}")
        return decide(equal)
