"""``-m socket``: whether an open socket waits for the packet (xt_socket.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.moment import Hook
from iptc_sim.options import flag


@extension
class Socket(Match):
    """Looks up sockets by the packet's addresses and ports, where packets come in."""

    NAME = "socket"
    HOOKS = frozenset({Hook.PREROUTING, Hook.INPUT})

    transparent: bool = flag("--transparent")
    nowildcard: bool = flag("--nowildcard")
    restore_skmark: bool = flag("--restore-skmark")
