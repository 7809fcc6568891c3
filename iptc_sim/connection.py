"""What conntrack knows of a flow: its two tuples, its state, and the translation decided for it."""

from __future__ import annotations

from dataclasses import replace

from iptc_sim.packet import Packet, endpoint_text
from iptc_sim.records import dataclass
from iptc_sim.tracking import Direction, Manip, State
from iptc_sim.values import Address, Unknown


@dataclass(frozen=True, slots=True)
class FlowTuple:
    """One direction of a connection: ports are None where the protocol has none (ICMP ids are not told)."""

    protocol: int
    source: Address | Unknown
    sport: int | Unknown | None
    destination: Address | Unknown
    dport: int | Unknown | None

    @classmethod
    def of(cls, packet: Packet) -> FlowTuple:
        """Return the tuple of a packet."""
        return cls(packet.protocol, packet.source, packet.sport, packet.destination, packet.dport)

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
    """

    original: FlowTuple
    reply: FlowTuple
    state: State = State.NEW
    direction: Direction = Direction.ORIGINAL
    destination_decided: bool = False
    source_decided: bool = False

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
        """Whether the source is translated."""
        return (self.reply.destination, self.reply.dport) != (self.original.source, self.original.sport)

    @property
    def is_tracked(self) -> bool:
        """Whether there is an entry at all: an INVALID or UNTRACKED packet has none (``nf_ct_get`` gives NULL)."""
        return self.state not in {State.INVALID, State.UNTRACKED}

    def decided(self, manip: Manip) -> bool:
        """Whether the translation of that side is settled."""
        return self.destination_decided if manip is Manip.DESTINATION else self.source_decided

    def settle(self, manip: Manip, translated: Packet) -> Connection:
        """Return the entry after the nat hook for ``manip`` let ``translated`` out."""
        if manip is Manip.DESTINATION:
            reply = replace(self.reply, source=translated.destination, sport=translated.dport)
            return replace(self, reply=reply, destination_decided=True)
        reply = replace(self.reply, destination=translated.source, dport=translated.sport)
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
