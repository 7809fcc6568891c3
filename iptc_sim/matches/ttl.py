"""``-m ttl``: the time to live of an IPv4 packet (xt_hl.c, ttl_mt)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match, No, Outcome, decide
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, option
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Family, Negatable

NUMBER = Integer(0, 255)


@extension
class Ttl(Match):
    """IPv4 only; exactly one comparison, of which only equality can be negated."""

    NAME = "ttl"
    FAMILIES = frozenset({Family.IPV4})

    equal: Negatable[int] | None = option(NUMBER, "--ttl-eq", "--ttl", negatable=True)
    below: int | None = option(NUMBER, "--ttl-lt")
    above: int | None = option(NUMBER, "--ttl-gt")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or several comparisons."""
        self.demand_one("equal", "below", "above")

    def judge(self, at: Moment) -> Outcome:
        """Compare the number."""
        actual = at.packet.ttl
        equal = self.test("equal", actual, "TTL")
        if self.below is not None and actual >= self.below:
            return No(self, "below", f"the TTL is {actual}")
        if self.above is not None and actual <= self.above:
            return No(self, "above", f"the TTL is {actual}")
        return decide(equal)
