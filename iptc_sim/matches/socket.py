"""``-m socket``: whether an open socket waits for the packet (xt_socket.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, Free, both
from iptc_sim.extension import extension
from iptc_sim.match import Match, No, Outcome, Unclear
from iptc_sim.matches._asked import ENDS, protocol_is
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import flag
from iptc_sim.protocols import ICMP, ICMPV6, TCP, UDP
from iptc_sim.values import UNKNOWN


@extension
class Socket(Match):
    """Looks up sockets by the packet's addresses and ports, where packets come in."""

    NAME = "socket"
    HOOKS = frozenset({Hook.PREROUTING, Hook.INPUT})

    transparent: bool = flag("--transparent")
    nowildcard: bool = flag("--nowildcard")
    restore_skmark: bool = flag("--restore-skmark")

    def judge(self, at: Moment) -> Outcome:
        """Look for a socket; without the node's sockets it cannot be told whether one is there.

        Of those that listen, only ones of every address may be ruled out: a connected socket is not among them.
        """
        packet = at.packet
        if packet.protocol not in {TCP, UDP} and not packet.is_icmp:
            return No(self, "", f"{packet.protocol_name} has no sockets")
        listeners = getattr(at.node, "listeners", None)
        if listeners is None or packet.is_icmp or UNKNOWN in {packet.destination, packet.dport}:
            return Unclear(self, "the sockets of the node are not known")
        if (
            packet.protocol == TCP
            and packet.flags == {"SYN"}
            and not any(one.takes(TCP, packet.destination, packet.dport) for one in listeners)
        ):
            return No(self, "", f"nobody listens on {packet.destination_text}")
        return Unclear(self, "whether the socket is bound and transparent as it is asked for is not known")

    def constraint(self, asked: Asked) -> Constraint:
        """Ask for a socket of the protocols that have such."""
        return both(
            [
                protocol_is(TCP, UDP, ICMP, ICMPV6),
                Free(self.question(asked), ENDS | {Field.IN_INTERFACE}),
            ]
        )
