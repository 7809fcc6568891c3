"""``-m ttl``: the time to live of an IPv4 packet (xt_hl.c, ttl_mt)."""

from __future__ import annotations

from iptc_sim.extension import Match, extension, option
from iptc_sim.options import Reading
from iptc_sim.value_types.basic import Integer
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
        if sum(value is not None for value in (self.equal, self.below, self.above)) != 1:
            raise ValueError("-m ttl needs exactly one of --ttl-eq, --ttl-lt, --ttl-gt")
