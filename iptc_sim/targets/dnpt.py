"""``-j DNPT``: swap the prefix of the destination, without connection tracking (ip6t_NPT.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import option
from iptc_sim.target import Target
from iptc_sim.value_types.npt import NO_PREFIX, NPT_PREFIX
from iptc_sim.values import Family, Prefix


@extension
class DnptTarget(Target):
    """IPv6 only, in mangle."""

    NAME = "DNPT"
    FAMILIES = frozenset({Family.IPV6})
    TABLES = frozenset({"mangle"})
    HOOKS = frozenset({Hook.PREROUTING, Hook.OUTPUT})

    src_pfx: Prefix = option(NPT_PREFIX, "--src-pfx", required=True, hidden=NO_PREFIX)
    dst_pfx: Prefix = option(NPT_PREFIX, "--dst-pfx", required=True, hidden=NO_PREFIX)
