"""``-j SYNPROXY``: answer TCP handshakes in the server's place (ipt_SYNPROXY.c, ip6t_SYNPROXY.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked
from iptc_sim.extension import extension
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import flag, option
from iptc_sim.protocols import TCP
from iptc_sim.target import Action, Continue, Deed, Drop, Effect, Either, Steal, Target
from iptc_sim.value_types.number import WrappedInteger


@extension
class SynproxyTarget(Target):
    """Its options say what the server can, for the answer to the client."""

    NAME = "SYNPROXY"
    PROTOCOLS = frozenset({TCP})
    HOOKS = frozenset({Hook.INPUT, Hook.FORWARD})
    USES_CONNTRACK = True

    sack_perm: bool = flag("--sack-perm")
    timestamp: bool = flag("--timestamp")
    wscale: int | None = option(WrappedInteger(8), "--wscale")
    mss: int | None = option(WrappedInteger(16), "--mss")
    ecn: bool = flag("--ecn")

    def act(self, at: Moment) -> Action:
        """Answer a SYN, and begin the connection to the server for an ACK that takes up the answer."""
        flags = at.packet.flags & {"SYN", "ACK", "FIN", "RST"}
        if flags == {"SYN"}:
            return Steal("the node answers it with SYN,ACK in the server's place")
        if flags == {"ACK"}:
            stolen = Steal("the node begins the connection to the server")
            return Either((("it takes up the node's SYN,ACK", stolen), ("it does not take up a SYN,ACK", Drop())))
        return Continue()

    def deed(self, asked: Asked) -> Deed:
        """It hangs on the flags, and on what the node has answered before."""
        return Effect(f"-j SYNPROXY {' '.join(self.words(asked.variant))}")
