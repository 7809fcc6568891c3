"""Random packets for a ruleset: new flows, more of the same, answers, errors about them, and what no flow has."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from iptc_sim.connection import Flow
from iptc_sim.kernel import Arrival, KernelTrace, answer_to
from iptc_sim.packet import Owner, Packet
from iptc_sim.protocols import DCCP, GRE, ICMP, ICMPV6, PORT_PROTOCOLS, SCTP, TCP, UDP, UDPLITE
from iptc_sim.records import dataclass, replace
from iptc_sim.steps import End, Fate
from iptc_sim.values import UNKNOWN, Family, Unknown
from iptc_sim.verify.generator.draw import PORTS, TOS, TTLS, Draw
from iptc_sim.wire.fragments import is_fragment
from iptc_sim.wire.packets import checksum, packet_bytes, read_packet, with_transport

_ROOT, _USER = Owner(0, 0), Owner(1000, 1000)
_FAR: Final = bytes.fromhex("026970740100")
_FLAGS: Final = (
    *(("SYN",),) * 8, ("ACK",), ("SYN", "ACK"), ("RST",), ("FIN", "ACK"), ("PSH", "ACK"), (), ("FIN", "PSH", "URG"),
)  # fmt: skip
#: Sources that no honest packet from outside has.
_MARTIANS: Final = {
    Family.IPV4: ("127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.5", "240.0.0.1", "10.0.0.255"),  # noqa: S104
    Family.IPV6: ("::1", "ff02::5"),
}
_EVERYBODY: Final = {
    Family.IPV4: ("255.255.255.255", "10.0.0.255", "224.0.0.1", "224.0.0.5", "127.0.0.2", "240.0.0.1"),
    Family.IPV6: ("ff02::1", "::1"),
}
#: Without groups and broadcasts: see ``not_yet``.
_FROM_HERE: Final = {Family.IPV4: ("127.0.0.2", "240.0.0.1"), Family.IPV6: ("::1",)}
_PAYLOADS: Final = (b"hello", b"GET / HTTP/1.0\r\n\r\n", b"x" * 100)
_ERRORS: Final = {
    Family.IPV4: ((3, 1), (3, 3), (11, 0), (3, 13)),
    Family.IPV6: ((1, 4), (1, 0), (3, 0), (2, 0)),
}
#: Then ESP, AH, IPComp, the mobility header, and two that the kernel knows nothing of.
_OTHER_PROTOCOLS: Final = (SCTP, SCTP, DCCP, DCCP, UDPLITE, UDPLITE, UDPLITE, GRE, GRE, 50, 51, 108, 135, 99, 200)


@dataclass(frozen=True, slots=True)
class _Known:
    """A packet that was sent, and what became of it."""

    flow: Flow
    end: End
    seen: KernelTrace


class RandomPackets:
    """Draws packets, one after the other; what became of each is told before the next.

    Args:
        draw: the source.
        fragments: how many of a hundred IPv4 packets that come in are fragments.
    """

    def __init__(self, draw: Draw, *, fragments: int = 0) -> None:
        self._draw, self._fragments = draw, fragments
        self._known: list[_Known] = []
        self._number = 0

    def next(self) -> Flow:
        """Return the next packet."""
        kind = self._draw.random.randrange(100)
        if self._known and kind < 45:
            earlier = self._draw.choice(self._known[-6:])
            found = self._again(earlier) if kind < 12 else self._error(earlier) if kind < 17 else self._answer(earlier)
            if found is not None and not self._goes_back(found):
                return Flow(found)
        return Flow(self._new())

    def tell(self, flow: Flow, end: End, seen: KernelTrace) -> None:
        """Note what became of a packet."""
        self._known.append(_Known(flow, end, seen))

    def _new(self) -> Packet:
        draw = self._draw
        self._number += 1
        here = draw.chance(35)
        source, destination = (self._from_here if here else self._from_outside)()
        single = draw.topology.interfaces
        if destination in _EVERYBODY[draw.family]:
            single = tuple(name for name in single if not draw.topology.ports(name))
        incoming = None if here else draw.choice(single)
        packet = self._of_protocol(source, destination)
        packet = self._comes_by(packet, incoming) if incoming else packet
        packet = replace(
            packet,
            owner=draw.choice((_ROOT, _USER)) if here else None,
            ttl=draw.choice(TTLS) if draw.chance(30) else 64,
            tos=draw.choice(TOS) if draw.chance(30) else 0,
            mark=draw.choice((1, 2, 3)) if here and draw.chance(15) else 0,
        )
        packet = self._with_payload(packet) if draw.chance(25) else packet
        of_one = destination not in _EVERYBODY[draw.family]
        may_be = incoming is not None and of_one and draw.four
        return self._fragment(packet) if may_be and draw.chance(self._fragments) else packet

    def _fragment(self, packet: Packet) -> Packet:
        """Return a fragment of the packet; a later one holds what may be taken for ports and flags."""
        draw, data = self._draw, packet_bytes(packet)
        begin, more = draw.choice(((0, True), (64, True), (1480, False)))
        ports = b"".join(draw.choice(PORTS).to_bytes(2) for _ in range(2))
        flags = draw.choice((0x02, 0x10, 0x12))
        segment = ports + bytes(9) + bytes([flags]) + bytes(draw.choice((2, 10))) if begin else data[20:]
        segment += bytes(-len(segment) % 8)
        head = bytearray(data[:20])
        head[2:4] = (20 + len(segment)).to_bytes(2)
        head[6:8] = (more << 13 | begin >> 3).to_bytes(2)
        head[10:12] = bytes(2)
        head[10:12] = checksum(bytes(head)).to_bytes(2)
        found = read_packet(bytes(head) + segment, packet.in_interface)
        if found is None:
            raise AssertionError("a fragment is an IP packet")
        return replace(
            found, physical_in=packet.physical_in, source_mac=packet.source_mac, owner=packet.owner, mark=packet.mark
        )

    def _goes_back(self, packet: Packet) -> bool:
        """Whether a packet is for the port of a bridge that it comes by: a bridge sends nothing back there."""
        there = self._draw.topology.hosts.get(packet.destination) if packet.destination is not UNKNOWN else None
        is_group = not isinstance(packet.destination, Unknown) and packet.destination.is_multicast
        for_all = is_group or str(packet.destination) in _EVERYBODY[self._draw.family]
        return (packet.physical_in is not None and for_all) or (there is not None and there.port == packet.physical_in)

    def _comes_by(self, packet: Packet, interface: str) -> Packet:
        """Return the packet as it comes in by an interface, or by one of the ports of a bridge."""
        topology = self._draw.topology
        ports = topology.ports(interface)
        host = topology.hosts.get(packet.source) if not isinstance(packet.source, Unknown) else None
        if not ports:
            return replace(packet, in_interface=interface, source_mac=_FAR)
        # A bridge sends nothing back by the port that it came by.
        there = topology.hosts.get(packet.destination) if not isinstance(packet.destination, Unknown) else None
        others = [one for one in topology.hosts.values() if there is None or one.port != there.port]
        if host is None or host not in others:
            host = self._draw.choice(sorted(others, key=lambda one: one.port))
        return replace(packet, in_interface=interface, physical_in=host.port, source_mac=host.mac)

    def _comes_back(self, packet: Packet, arrival: Arrival) -> Packet:
        """Return the packet as it comes in where another one has left the node."""
        topology = self._draw.topology
        bridge = topology.bridge(arrival.interface)
        mac = next((host.mac for host in topology.hosts.values() if host.port == arrival.interface), _FAR)
        port = None if bridge == arrival.interface else arrival.interface
        return replace(packet, in_interface=bridge, physical_in=port, source_mac=mac, owner=None)

    def _from_here(self) -> tuple[str, str]:
        draw = self._draw
        own, everybody = draw.topology.own[draw.family], _FROM_HERE[draw.family]
        destination = draw.choice(everybody) if draw.chance(8) else draw.choice(draw.addresses)
        loopback = "127.0.0.1" if draw.four else "::1"
        # A socket bound to 127.0.0.1 cannot send elsewhere (EINVAL).
        inside = destination in own or destination.startswith("127.") or destination == "::1"
        return (loopback if inside and draw.chance(30) else draw.choice(own)), destination

    def _from_outside(self) -> tuple[str, str]:
        draw = self._draw
        others, everybody = draw.topology.others[draw.family], _EVERYBODY[draw.family]
        strange = (*_MARTIANS[draw.family], *draw.topology.own[draw.family])
        source = draw.choice(strange) if draw.chance(6) else draw.choice(others)
        destination = draw.choice(everybody) if draw.chance(8) else draw.choice(draw.addresses)
        return source, destination

    def _of_protocol(self, source: str, destination: str) -> Packet:
        draw = self._draw
        ends = ip_address(source), ip_address(destination)
        kind = draw.random.randrange(100)
        sport, dport = 20000 + self._number, draw.choice(PORTS)
        if draw.chance(5):
            sport = draw.choice(PORTS)
        if kind < 50:
            return Packet(*ends, TCP, sport, dport, frozenset(draw.choice(_FLAGS)))
        if kind < 78:
            return Packet(*ends, UDP, sport, dport, frozenset())
        if kind < 90:
            protocol, asks = (ICMP, 8) if draw.four else (ICMPV6, 128)
            message = 0 if draw.chance(10) and draw.four else asks
            return Packet(*ends, protocol, None, None, frozenset(), message, 0, icmp_id=self._number)
        protocol = draw.choice(_OTHER_PROTOCOLS)
        if protocol in PORT_PROTOCOLS:
            return Packet(*ends, protocol, sport, dport, frozenset())
        return Packet(*ends, protocol, flags=frozenset())

    def _with_payload(self, packet: Packet) -> Packet:
        if packet.protocol not in {TCP, UDP}:
            return packet
        payload = self._draw.choice(_PAYLOADS)
        bare = packet_bytes(packet)[20 if packet.family is Family.IPV4 else 40 :]
        if packet.protocol == UDP:
            return with_transport(packet, bare[:4] + (8 + len(payload)).to_bytes(2) + bytes(2) + payload)
        if "SYN" in packet.flags:
            options = bytes.fromhex("020405b40402080a0000000100000000")[: self._draw.choice((4, 16))]
            return with_transport(packet, bare[:12] + bytes([(20 + len(options)) // 4 << 4]) + bare[13:20] + options)
        return with_transport(packet, bare + payload)

    def _again(self, earlier: _Known) -> Packet:
        packet = earlier.flow.packet
        if is_fragment(packet):
            return packet
        if packet.protocol == TCP and packet.flags == {"SYN"} and self._draw.chance(60):
            flags = self._draw.choice((("ACK",), ("ACK",), ("PSH", "ACK"), ("FIN", "ACK"), ("RST",)))
            return replace(packet, flags=frozenset(flags), raw=None)
        return packet

    def _answer(self, earlier: _Known) -> Packet | None:
        arrival = earlier.seen.arrival
        if is_fragment(earlier.flow.packet):
            return None
        if arrival is not None:
            return self._comes_back(answer_to(arrival.packet, arrival.interface), arrival)
        last, first = earlier.end.packet, earlier.flow.packet
        topology = self._draw.topology
        if any(topology.node.is_for_many(first.source, name) for name in topology.interfaces):
            return None  # the node's answer would go to many, and come back to it
        if earlier.end.fate is not Fate.LOCAL or str(last.destination) not in self._draw.topology.own[last.family]:
            return None
        if UNKNOWN in {last.source, last.sport, last.dport}:
            return None  # the kernel has drawn it, and the trace of the simulator does not tell what
        return replace(answer_to(last, None), owner=_ROOT)

    def _error(self, earlier: _Known) -> Packet | None:
        """Return the ICMP error of a router on the way about a packet that left the node."""
        arrival, draw = earlier.seen.arrival, self._draw
        if arrival is None or arrival.packet.is_icmp or is_fragment(earlier.flow.packet):
            return None
        inner = arrival.packet
        kind, code = draw.choice(_ERRORS[draw.family])
        source = draw.choice((str(inner.destination), draw.choice(draw.topology.others[draw.family])))
        packet = Packet(
            ip_address(source), inner.source, ICMP if draw.four else ICMPV6, None, None, frozenset(), kind, code,
            in_interface=arrival.interface,
        )  # fmt: skip
        quoted = packet_bytes(inner)[:68]
        packet = with_transport(packet, bytes([kind, code]) + bytes(6) + quoted)
        packet = self._comes_back(packet, arrival)
        return replace(packet, inner=replace(inner, out_interface=None, in_interface=None))
