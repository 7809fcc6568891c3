"""``-m ttl``: the time to live of an IPv4 packet (xt_hl.c, ttl_mt)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.matches._hops import NUMBER, HopsMatch
from iptc_sim.options import option
from iptc_sim.values import Family, Negatable


@extension
class Ttl(HopsMatch):
    """IPv4 only."""

    NAME = "ttl"
    FAMILIES = frozenset({Family.IPV4})
    WHAT = "TTL"

    equal: Negatable[int] | None = option(NUMBER, "--ttl-eq", "--ttl", negatable=True)
    below: int | None = option(NUMBER, "--ttl-lt")
    above: int | None = option(NUMBER, "--ttl-gt")
