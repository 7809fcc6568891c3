"""``-j NOTRACK``: keep the packet out of connection tracking, as ``-j CT --notrack`` does (xt_CT.c, notrack_tg)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.target import Target


@extension
class NotrackTarget(Target):
    """In raw only; printed under its own name."""

    NAME = "NOTRACK"
    TABLES = frozenset({"raw"})
    HOOKS = frozenset({Hook.PREROUTING, Hook.OUTPUT})
