"""``-j TTL``: change the time to live of an IPv4 packet (xt_HL.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.options import option
from iptc_sim.targets._hops import NUMBER, STEP, HopsTarget
from iptc_sim.values import Family


@extension
class TtlTarget(HopsTarget):
    """IPv4 only."""

    NAME = "TTL"
    FAMILIES = frozenset({Family.IPV4})
    WHAT = "TTL"

    set_to: int | None = option(NUMBER, "--ttl-set")
    inc: int | None = option(STEP, "--ttl-inc")
    dec: int | None = option(STEP, "--ttl-dec")
