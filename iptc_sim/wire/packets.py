"""Packets as bytes, and back.

A packet that was captured keeps its bytes, with what has changed since written into them. One that was described in
words is built: a TCP segment without options and payload, an empty UDP datagram, an ICMP message of eight bytes, an
SCTP packet with an INIT chunk, a DCCP request; of other protocols the bare header where it is known, else nothing.

Sources: RFC 791, 8200, 9293, 768, 792, 2890, 4443, 9260, 4340, 4302, 4303, 3173, 6275; RFC 1624 for
checksums that change.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from iptc_sim.packet import Packet
from iptc_sim.protocols import DCCP, GRE, ICMP, ICMPV6, PORT_PROTOCOLS, SCTP, TCP, UDP, UDPLITE
from iptc_sim.records import dataclass, replace
from iptc_sim.values import UNKNOWN, Address, Family, Interface, Unknown
from iptc_sim.wire.headers import AH, ESP, FLAG_BITS, FLOW_LABEL, NO_NEXT, Datagram

#: Sequence number of every SYN and SYN/ACK; what follows them counts on, so that conntrack's window check is content.
_ISN: Final = 1000
_IPCOMP: Final = 108
_MOBILITY: Final = 135
#: The flag of GRE that says there is a key, and the type of what is inside.
_GRE_KEY: Final = 0x2000
_INNER_IPV4: Final = 0x0800
_ECHO: Final = {(ICMP, 0), (ICMP, 8), (ICMPV6, 128), (ICMPV6, 129)}

#: Where the checksum stands in the transport header.
_CHECKSUM_AT: Final = {TCP: 16, UDP: 6, UDPLITE: 6, ICMP: 2, ICMPV6: 2, DCCP: 6, _MOBILITY: 4}


@dataclass(frozen=True, slots=True)
class Octets:
    """The bytes of a packet.

    Args:
        data: from the IP header on; zeros where they are not known.
        unknown: which are not known, as (first, behind the last): ports that were not told, a MASQUERADE address on a
            node whose addresses were not told, what a capture has cut off.
        datagram: the same, taken apart; None where the bytes are no whole IP header.
    """

    data: bytes
    unknown: tuple[tuple[int, int], ...]
    datagram: Datagram | None

    def knows(self, first: int, behind: int) -> bool:
        """Whether all bytes from ``first`` to before ``behind`` are known."""
        return all(behind <= start or end <= first for start, end in self.unknown)


def packet_bytes(packet: Packet, identifier: int = 0) -> bytes:
    """Return the packet as it is now, from the IP header on.

    Args:
        packet: with its bytes or without; addresses, ports and all other fields win over bytes.
        identifier: IPv4 id or IPv6 flow label, of a packet without bytes; of an echo message also its id, where that
            was not told.
    """
    return _built(packet, identifier) if packet.raw is None else _rewritten(packet, packet.raw)


@lru_cache(maxsize=64)
def octets(packet: Packet) -> Octets:
    """Return the packet as it is now, with what is known of its bytes."""
    data = packet_bytes(packet)
    datagram = Datagram.of(data)
    if datagram is None:
        return Octets(data, (), None)
    unknown = list(_unknown_addresses(packet))
    start = datagram.start
    if start is not None and not datagram.offset:
        unknown += [(start + first, start + behind) for first, behind in _unknown_fields(packet)]
        at = _CHECKSUM_AT.get(packet.protocol)
        if unknown and at is not None:
            unknown.append((start + at, start + at + 2))
    if datagram.length > len(data):
        unknown.append((len(data), datagram.length))
        data = data.ljust(datagram.length, b"\0")
    return Octets(data, tuple(unknown), datagram)


def datagram_of(packet: Packet) -> Datagram | None:
    """Return the packet as it is now, taken apart; None where its bytes are no IP packet."""
    return octets(packet).datagram


def _unknown_addresses(packet: Packet) -> list[tuple[int, int]]:
    four = packet.family is Family.IPV4
    found = []
    if packet.source is UNKNOWN:
        found.append((12, 16) if four else (8, 24))
    if packet.destination is UNKNOWN:
        found.append((16, 20) if four else (24, 40))
    return [*found, (10, 12)] if found and four else found


def _unknown_fields(packet: Packet) -> list[tuple[int, int]]:
    """Return which bytes of the transport header are not known."""
    found = []
    if packet.sport is UNKNOWN:
        found.append((0, 2))
    if packet.dport is UNKNOWN:
        found.append((2, 4))
    if packet.raw is not None:
        return found
    if packet.protocol == AH:
        found.append((4, 12))
    if packet.protocol == ESP:
        found.append((0, 8))
    if packet.protocol == _IPCOMP:
        found.append((0, 4))
    if packet.protocol == _MOBILITY:
        found.append((1, 8))
    if packet.is_icmp and packet.icmp_id is None:
        found.append((4, 8))
    return found


def read_packet(data: bytes, in_interface: Interface = UNKNOWN, out_interface: Interface = None) -> Packet | None:
    """Return bytes, from the IP header on, as a packet that keeps them; None where they are no IP packet.

    Args:
        data: the bytes; a port that a capture has cut off is UNKNOWN.
        in_interface: by which it came in.
        out_interface: by which it left.
    """
    datagram = Datagram.of(data)
    if datagram is None:
        return None
    ports = datagram.ports or (None, None)
    cut = datagram.length > len(datagram.data) and not datagram.offset and datagram.protocol in PORT_PROTOCOLS
    found = Packet(
        datagram.source,
        datagram.destination,
        datagram.protocol,
        UNKNOWN if cut and ports[0] is None else ports[0],
        UNKNOWN if cut and ports[1] is None else ports[1],
        datagram.flags,
        in_interface=in_interface,
        out_interface=out_interface,
        raw=datagram.data,
        ttl=datagram.ttl,
        tos=datagram.tos,
    )
    segment = datagram.transport
    if not found.is_icmp or len(segment) < 2:
        return found
    echo = (found.protocol, segment[0]) in _ECHO and len(segment) >= 6
    return replace(found, icmp_type=segment[0], icmp_code=segment[1], icmp_id=datagram.icmp_id if echo else None)


def with_transport(packet: Packet, segment: bytes) -> Packet:
    """Return the packet with another transport header and payload; lengths and checksums are made to fit.

    The packet must have a transport header (no later fragment); else it is returned as it is.
    """
    data = packet_bytes(packet)
    datagram = Datagram.of(data)
    if datagram is None or datagram.start is None or datagram.offset:
        return packet
    longer = len(segment) - (len(datagram.data) - datagram.start)
    head = bytearray(datagram.data[: datagram.start])
    if datagram.family is Family.IPV4:
        head[2:4] = (datagram.length + longer & 0xFFFF).to_bytes(2)
        head[10:12] = bytes(2)
        head[10:12] = checksum(bytes(head)).to_bytes(2)
        addresses = bytes(head[12:20])
    else:
        head[4:6] = (datagram.length + longer - 40 & 0xFFFF).to_bytes(2)
        addresses = bytes(head[8:40])
    return replace(packet, raw=bytes(head) + _summed(segment, addresses, datagram.protocol))


def with_wrong_sum(packet: Packet, source: Address | Unknown, destination: Address | Unknown) -> Packet:
    """Return an IPv6 packet with other addresses and the checksum of the transport left as it is."""
    data = bytearray(packet_bytes(packet))
    for first, address in ((8, source), (24, destination)):
        if address is not UNKNOWN:
            data[first : first + 16] = address.packed
    return replace(packet, source=source, destination=destination, raw=bytes(data))


def _rewritten(packet: Packet, raw: bytes) -> bytes:
    """Return the bytes with the fields of the packet in them; checksums change by what changes, right or wrong."""
    datagram = Datagram.of(raw)
    if datagram is None:
        return raw
    data = bytearray(datagram.data)
    four = datagram.family is Family.IPV4
    places = ((12, 16), (16, 20)) if four else ((8, 24), (24, 40))
    for (first, behind), address in zip(places, (packet.source, packet.destination), strict=True):
        if address is not UNKNOWN and address.version == datagram.family:
            data[first:behind] = address.packed
    addresses = slice(12, 20) if four else slice(8, 40)
    if four:
        data[1], data[8] = packet.tos, packet.ttl
    else:
        first = int.from_bytes(data[:4]) & ~(0xFF << 20) | packet.tos << 20
        data[:4] = first.to_bytes(4)
        data[7] = packet.ttl
    start = datagram.start
    if start is not None and not datagram.offset:
        _write_transport(packet, data, start)
        _change_sum(data, datagram.data, datagram.protocol, start, addresses)
    if four:
        _adjust(data, 10, datagram.data[: datagram.start], bytes(data[: datagram.start]))
    return bytes(data)


def _write_transport(packet: Packet, data: bytearray, start: int) -> None:
    """Write ports, flags and ICMP type into the transport header, as far as it is there."""
    room = len(data) - start
    for at, port in ((0, packet.sport), (2, packet.dport)):
        if isinstance(port, int) and room >= at + 2:
            data[start + at : start + at + 2] = port.to_bytes(2)
    if packet.protocol == TCP and room >= 14:
        flags = sum(FLAG_BITS[name] for name in packet.flags)
        data[start + 13] = data[start + 13] & 0xC0 | flags
    if packet.is_icmp and room >= 2:
        data[start] = data[start] if packet.icmp_type is None else packet.icmp_type
        data[start + 1] = data[start + 1] if packet.icmp_code is None else packet.icmp_code
        if isinstance(packet.icmp_id, int) and room >= 6:
            data[start + 4 : start + 6] = packet.icmp_id.to_bytes(2)
        if packet.inner is not None:  # what an error is about is translated with it
            inner = _rewritten(packet.inner, bytes(data[start + 8 :]))
            data[start + 8 : start + 8 + len(inner)] = inner


def _change_sum(data: bytearray, before: bytes, protocol: int, start: int, addresses: slice) -> None:
    """Change the checksum of the transport by what has changed in addresses and transport."""
    if protocol == SCTP and data[start:] != before[start:]:
        data[start + 8 : start + 12] = _sctp_checksum(bytes(data[start:]))
    at = _CHECKSUM_AT.get(protocol)
    if at is None or len(data) < start + at + 2:
        return
    if protocol == UDP and before[start + at : start + at + 2] == b"\0\0":
        return  # sent without a checksum
    old, new = before[start:], bytes(data[start:])
    if protocol != ICMP:
        old, new = before[addresses] + old, bytes(data[addresses]) + new
    _adjust(data, start + at, old, new)


def _adjust(data: bytearray, at: int, old: bytes, new: bytes) -> None:
    """Change the checksum at a place by the difference of what it sums (RFC 1624, equation 3)."""
    if old == new:
        return
    total = (~int.from_bytes(data[at : at + 2]) & 0xFFFF) + (~_sum(old) & 0xFFFF) + _sum(new)
    data[at : at + 2] = (~_fold(total) & 0xFFFF).to_bytes(2)


def _built(packet: Packet, identifier: int) -> bytes:
    """Return a packet that was described in words; zeros for what is not known."""
    size = 4 if packet.family is Family.IPV4 else 16
    addresses = b"".join(
        bytes(size) if address is UNKNOWN else address.packed for address in (packet.source, packet.destination)
    )
    payload = _summed(_segment(packet, identifier), addresses, packet.protocol)
    if packet.family is Family.IPV6:
        first = 6 << 28 | packet.tos << 20 | identifier & FLOW_LABEL
        return struct.pack("!IHBB", first, len(payload), packet.protocol, packet.ttl) + addresses + payload
    fields = (0x45, packet.tos, 20 + len(payload), identifier & 0xFFFF, 0, packet.ttl, packet.protocol)
    head = struct.pack("!BBHHHBB", *fields)
    return head + checksum(head + addresses).to_bytes(2) + addresses + payload


def _segment(packet: Packet, identifier: int) -> bytes:
    """Return the transport header with an empty checksum."""
    ports = [port if isinstance(port, int) else 0 for port in (packet.sport, packet.dport)]
    if packet.protocol == TCP:
        sequence = _ISN if "SYN" in packet.flags else _ISN + 1
        acknowledged = _ISN + 1 if "ACK" in packet.flags else 0
        flags = sum(FLAG_BITS[name] for name in packet.flags)
        return struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, flags, 64240, 0, 0)
    if packet.protocol == UDP:
        return struct.pack("!HHHH", *ports, 8, 0)
    if packet.protocol == UDPLITE:
        return struct.pack("!HHHH", *ports, 0, 0)  # the checksum covers all of it (RFC 3828)
    if packet.protocol == SCTP:
        init = struct.pack("!BBHIIHHI", 1, 0, 20, 1, 0x10000, 1, 1, _ISN)
        return struct.pack("!HHII", *ports, 0, 0) + init
    if packet.protocol == DCCP:
        # A request: long sequence number, no options, service code 0.
        return struct.pack("!HHBBHBBHII", *ports, 5, 0, 0, 1, 0, 0, _ISN, 0)
    if packet.is_icmp:
        echo = packet.icmp_id if isinstance(packet.icmp_id, int) else identifier & 0xFFFF
        return struct.pack("!BBHHH", packet.icmp_type or 0, packet.icmp_code or 0, 0, echo, 1)
    if packet.protocol == AH:
        return struct.pack("!BBHII", NO_NEXT, 1, 0, 0, 0)
    if packet.protocol == ESP:
        return bytes(8)
    if packet.protocol == _IPCOMP:
        return struct.pack("!BBH", NO_NEXT, 0, 0)
    if packet.protocol == GRE:
        return struct.pack("!HHI", _GRE_KEY, _INNER_IPV4, 0)
    if packet.protocol == _MOBILITY:
        return struct.pack("!BBBBHH", NO_NEXT, 0, 0, 0, 0, 0)
    return b""


def _summed(segment: bytes, addresses: bytes, protocol: int) -> bytes:
    """Return a transport header and payload with the right checksum."""
    if protocol == SCTP and len(segment) >= 12:
        return segment[:8] + _sctp_checksum(segment) + segment[12:]
    at = _CHECKSUM_AT.get(protocol)
    if at is None or len(segment) < at + 2:
        return segment
    blank = segment[:at] + bytes(2) + segment[at + 2 :]
    # ICMP alone sums no pseudo header (RFC 792); ICMPv6 does (RFC 4443, 2.3).
    pseudo = b"" if protocol == ICMP else addresses + struct.pack("!II", len(blank), protocol)
    found = checksum(pseudo + blank)
    if not found and protocol in {UDP, UDPLITE}:
        found = 0xFFFF
    return blank[:at] + found.to_bytes(2) + blank[at + 2 :]


def is_whole_udplite(packet: Packet, summed_as: int | None = None) -> bool:
    """Whether a packet has a whole UDPLite header, with a coverage that fits and a checksum (RFC 3828, 3.1).

    Args:
        packet: whose protocol is UDPLite.
        summed_as: also whether that checksum is right with this protocol number in the pseudo header; None: it may be
            any but 0.
    """
    datagram = datagram_of(packet)
    segment = b"" if datagram is None else datagram.transport
    if datagram is None or len(segment) < 8:
        return False
    covered = int.from_bytes(segment[4:6]) or len(segment)
    if not 8 <= covered <= len(segment) or segment[6:8] == bytes(2):
        return False
    pseudo = datagram.source.packed + datagram.destination.packed + struct.pack("!II", len(segment), summed_as or 0)
    return summed_as is None or not checksum(pseudo + segment[:covered])


def checksum(data: bytes) -> int:
    """Return the checksum of the internet protocols (RFC 1071)."""
    return ~_sum(data) & 0xFFFF


def _sum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    words: tuple[int, ...] = struct.unpack(f"!{len(data) // 2}H", data)
    return _fold(sum(words))


def _fold(total: int) -> int:
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _sctp_checksum(segment: bytes) -> bytes:
    """Return the CRC-32C of an SCTP packet as it stands in its header (RFC 9260, appendix A)."""
    crc = 0xFFFFFFFF
    for byte in segment[:8] + bytes(4) + segment[12:]:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "little")
