"""What conntrack knows of a flow: its two tuples, its state, and the translation decided for it."""

from __future__ import annotations

from typing import Final

from iptc_sim.packet import Packet, endpoint_text
from iptc_sim.protocols import DCCP, ICMP, ICMPV6
from iptc_sim.records import dataclass, replace
from iptc_sim.tracking import Direction, Manip, State
from iptc_sim.values import UNKNOWN, Address, Unknown

#: ICMP messages that open a connection: echo, timestamp, information, address mask; in IPv6 echo and node information.
ICMP_REQUESTS: Final = {ICMP: frozenset({8, 13, 15, 17}), ICMPV6: frozenset({128, 139})}


@dataclass(frozen=True, slots=True)
class FlowTuple:
    """One direction of a connection.

    The id of an ICMP echo stands for the port of who asks; ports are None where the protocol has none, and where the
    id was not told.
    """

    protocol: int
    source: Address | Unknown
    sport: int | Unknown | None
    destination: Address | Unknown
    dport: int | Unknown | None

    @classmethod
    def of(cls, packet: Packet) -> FlowTuple:
        """Return the tuple of a packet."""
        sport, dport = packet.sport, packet.dport
        if packet.protocol == DCCP:  # since Linux 6.17 it is tracked by its addresses alone
            sport = dport = None
        if packet.icmp_id is not None:
            asks = packet.icmp_type in ICMP_REQUESTS[packet.protocol]
            sport, dport = (packet.icmp_id, None) if asks else (None, packet.icmp_id)
        return cls(packet.protocol, packet.source, sport, packet.destination, dport)

    @property
    def is_blurred(self) -> bool:
        """Whether some of it is not known."""
        return any(part is UNKNOWN for part in (self.source, self.sport, self.destination, self.dport))

    @property
    def inverted(self) -> FlowTuple:
        """The tuple of the opposite direction."""
        return FlowTuple(self.protocol, self.destination, self.dport, self.source, self.sport)

    def __str__(self) -> str:
        return f"{endpoint_text(self.source, self.sport)} -> {endpoint_text(self.destination, self.dport)}"


@dataclass(frozen=True, slots=True)
class Connection:
    """A conntrack entry as one packet of it sees it.

    Args:
        original: the tuple of the first packet as it arrived.
        reply: the tuple that answers will have when they arrive; translation lives in the difference
            (``nf_nat_setup_info`` alters this one).
        state: the ctstate of the packet at hand.
        direction: the way the packet at hand goes.
        destination_decided: the nat hook for DNAT was passed; later packets do not walk it.
        source_decided: the nat hook for SNAT was passed.
        mark: connmark, 32 bits.
        labels: numbers of the connlabels that are set.
        zone: conntrack zone of the original direction; ``reply_zone`` of the other one.
        helper: name of the helper that watches it.
        expected: whether a helper foresaw it.
        confirmed: whether its first packet has got through, so that the entry is there for later ones.
        seen_reply: whether an answer was seen.
        assured: whether it is spared when the table is full.
        packets: seen in the original and the reply direction, the one at hand included.
        size: bytes of those, IP headers included.
        expires: seconds after ``seen`` at which it is forgotten; None where that is not known.
        seen: when its last packet came, milliseconds since 1970, UTC; None where that is not known.
        begun: when its first packet came, milliseconds since 1970, UTC; None where that is not known.
        closed: whether the packet at hand ends it at once: a RST before any answer.
        masqueraded_by: the out interface whose address its source was given; None where it was not, or is not known.
        finished: whether a FIN has begun to close a TCP connection.
        reset_by: which side sent a RST as the last packet.
        ignored: which side sent a SYN as the last packet that did not fit the connection's state.
        tcp: state of a TCP connection as ``conntrack -L`` prints it; empty for others.
    """

    original: FlowTuple
    reply: FlowTuple
    state: State = State.NEW
    direction: Direction = Direction.ORIGINAL
    destination_decided: bool = False
    source_decided: bool = False
    mark: int = 0
    labels: frozenset[int] = frozenset()
    zone: int = 0
    reply_zone: int = 0
    helper: str = ""
    expected: bool = False
    confirmed: bool = False
    seen_reply: bool = False
    assured: bool = False
    packets: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (0, 0)
    expires: int | None = None
    seen: int | None = None
    begun: int | None = None
    closed: bool = False
    masqueraded_by: str | None = None
    finished: bool = False
    reset_by: Direction | None = None
    ignored: Direction | None = None
    tcp: str = ""

    @classmethod
    def first(cls, packet: Packet) -> Connection:
        """Return the entry that a connection's first packet makes."""
        original = FlowTuple.of(packet)
        return cls(original, original.inverted)

    @property
    def is_dnat(self) -> bool:
        """Whether the destination is translated."""
        return (self.reply.source, self.reply.sport) != (self.original.destination, self.original.dport)

    @property
    def is_snat(self) -> bool:
        """Whether the source is translated; another id of an echo, which stands for both ends, may come from DNAT."""
        if self.reply.destination != self.original.source:
            return True
        by_dnat = self.original.protocol in ICMP_REQUESTS and self.is_dnat
        return self.reply.dport != self.original.sport and not by_dnat

    @property
    def is_prepared(self) -> bool:
        """Whether there is no entry yet, only what ``-j CT`` has prepared for it: all of its tuples are zero."""
        return not self.original.protocol and self.original.sport == 0

    @property
    def is_tracked(self) -> bool:
        """Whether there is an entry at all: an INVALID or UNTRACKED packet has none (``nf_ct_get`` gives NULL)."""
        return self.state not in {State.INVALID, State.UNTRACKED}

    def decided(self, manip: Manip) -> bool:
        """Whether the translation of that side is settled."""
        return self.destination_decided if manip is Manip.DESTINATION else self.source_decided

    def settled(self, manip: Manip) -> Connection:
        """Return the entry after the nat hook for ``manip`` let the packet out as it was."""
        if manip is Manip.DESTINATION:
            return replace(self, destination_decided=True)
        return replace(self, source_decided=True)

    def settle(self, manip: Manip, translated: Packet) -> Connection:
        """Return the entry after the nat hook for ``manip`` let ``translated`` out."""
        now = FlowTuple.of(translated)
        if manip is Manip.DESTINATION:
            reply = replace(self.reply, source=now.destination, sport=now.dport)
            if translated.icmp_id is not None:  # it stands for both ends
                reply = replace(reply, dport=now.sport)
            return replace(self, reply=reply, destination_decided=True)
        reply = replace(self.reply, destination=now.source, dport=now.sport)
        return replace(self, reply=reply, source_decided=True)


@dataclass(frozen=True, slots=True)
class Flow:
    """A packet to start a walk with.

    Args:
        packet: with ``in_interface`` None where this node makes it, UNKNOWN where the interface was not told.
        state: its ctstate, if it is not what conntrack would say of a first packet.
    """

    packet: Packet
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A packet that was sent before.

    Args:
        now: seconds since 1970, UTC; None: not told.
        pick: which of its possible ends happened: its number, a chain or a destination that it passed; None: it has
            one only.
    """

    flow: Flow
    now: float | None = None
    pick: str | None = None
