"""``-m eui64``: an autoconfigured source whose last half is made from the sender's MAC (ip6t_eui64.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.moment import Hook
from iptc_sim.values import Family


@extension
class Eui64(Match):
    """IPv6 only, without options; taken where packets come in by Ethernet."""

    NAME = "eui64"
    FAMILIES = frozenset({Family.IPV6})
    HOOKS = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.FORWARD})
