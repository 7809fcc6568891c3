"""``-j SNPT``: swap the prefix of the source, without connection tracking (ip6t_NPT.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.targets._prefixes import PrefixTarget
from iptc_sim.tracking import Manip


@extension
class SnptTarget(PrefixTarget):
    """IPv6 only, in mangle."""

    NAME = "SNPT"
    HOOKS = frozenset({Hook.INPUT, Hook.POSTROUTING})
    SIDE = Manip.SOURCE
