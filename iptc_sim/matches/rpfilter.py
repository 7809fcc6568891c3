"""``-m rpfilter``: whether a reply would leave by where the packet came in (ipt_rpfilter.c, ip6t_rpfilter.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.moment import Hook
from iptc_sim.options import flag


@extension
class Rpfilter(Match):
    """Does a route lookup for the source, so it stands before routing: raw and mangle, PREROUTING."""

    NAME = "rpfilter"
    TABLES = frozenset({"raw", "mangle"})
    HOOKS = frozenset({Hook.PREROUTING})

    loose: bool = flag("--loose")
    validmark: bool = flag("--validmark")
    accept_local: bool = flag("--accept-local")
    invert: bool = flag("--invert")
