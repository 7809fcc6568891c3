"""``-j HL``: change the hop limit of an IPv6 packet (xt_HL.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.options import option
from iptc_sim.targets._hops import NUMBER, STEP, HopsTarget
from iptc_sim.values import Family


@extension
class HlTarget(HopsTarget):
    """IPv6 only."""

    NAME = "HL"
    FAMILIES = frozenset({Family.IPV6})
    WHAT = "hop limit"

    set_to: int | None = option(NUMBER, "--hl-set")
    inc: int | None = option(STEP, "--hl-inc")
    dec: int | None = option(STEP, "--hl-dec")
