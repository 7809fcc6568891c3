"""Packets as bytes, and back: just what the kernel needs to see to take a packet for a real one.

Source: RFC 791, 8200, 9293, 768, 792, 4443.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from iptc_sim.kernel.errors import KernelError
from iptc_sim.packet import TCP_FLAGS, Packet
from iptc_sim.protocols import ICMP, ICMPV6, TCP, UDP
from iptc_sim.values import Family

#: Sequence number of every SYN and SYN/ACK; what follows them counts on, so that conntrack's window check is content.
_ISN: Final = 1000

_FLAG_BITS: Final = {name: 1 << index for index, name in enumerate(TCP_FLAGS)}
_ANSWERS: Final = {(ICMP, 8): 0, (ICMPV6, 128): 129}
_FLOW_LABEL: Final = 0xFFFFF


def to_bytes(packet: Packet, identifier: int, ttl: int = 64, icmp_id: int | None = None) -> bytes:
    """Return the packet from the IP header on, with right checksums.

    Args:
        packet: what to build; its own bytes are taken where it has them.
        identifier: IPv4 id or IPv6 flow label.
        ttl: time to live, or hop limit.
        icmp_id: the id of an echo message; default: ``identifier``.

    Raises:
        KernelError: a port was not told, or the protocol needs a payload that words don't give.
    """
    if packet.raw is not None:
        return packet.raw
    echo = (identifier if icmp_id is None else icmp_id) & 0xFFFF
    addresses = packet.source.packed + packet.destination.packed
    payload = _payload(packet, addresses, echo)
    if packet.family is Family.IPV6:
        first = 6 << 28 | (identifier & _FLOW_LABEL)
        return struct.pack("!IHBB", first, len(payload), packet.protocol, ttl) + addresses + payload
    fields = (0x45, 0, 20 + len(payload), identifier & 0xFFFF, 0, ttl, packet.protocol)
    head = struct.pack("!BBHHHBB", *fields)
    return head + struct.pack("!H", _checksum(head + addresses)) + addresses + payload


def from_bytes(data: bytes, out_interface: str | None = None) -> Packet | None:
    """Read a packet from its IP header on; None where it is no whole IP packet.

    Ports are read where the protocol is TCP or UDP, type and code where it is ICMP; IPv6 extension headers are not
    looked through.
    """
    version = data[0] >> 4 if data else 0
    if version == Family.IPV4 and len(data) >= 20:
        start, protocol = (data[0] & 15) * 4, data[9]
        packet = Packet(IPv4Address(data[12:16]), IPv4Address(data[16:20]), protocol, out_interface=out_interface)
    elif version == Family.IPV6 and len(data) >= 40:
        start, protocol = 40, data[6]
        packet = Packet(IPv6Address(data[8:24]), IPv6Address(data[24:40]), protocol, out_interface=out_interface)
    else:
        return None
    rest = data[start:]
    packet = replace(packet, raw=data, flags=frozenset())
    if protocol in {TCP, UDP} and len(rest) >= 8:
        sport, dport = struct.unpack_from("!HH", rest)
        packet = replace(packet, sport=sport, dport=dport)
        if protocol == TCP and len(rest) >= 14:
            packet = replace(packet, flags=frozenset(name for name, bit in _FLAG_BITS.items() if rest[13] & bit))
    elif protocol in {ICMP, ICMPV6} and len(rest) >= 2:
        packet = replace(packet, icmp_type=rest[0], icmp_code=rest[1])
    return packet


def identifier_of(data: bytes) -> int:
    """Return the IPv4 id or the IPv6 flow label of a packet's bytes."""
    if data[0] >> 4 == Family.IPV6:
        return int.from_bytes(data[1:4]) & _FLOW_LABEL
    return int.from_bytes(data[4:6])


def ttl_of(data: bytes) -> int:
    """Return the time to live or the hop limit of a packet's bytes."""
    return data[7] if data[0] >> 4 == Family.IPV6 else data[8]


def icmp_id_of(data: bytes) -> int:
    """Return the id of an ICMP echo message's bytes."""
    start = 40 if data[0] >> 4 == Family.IPV6 else (data[0] & 15) * 4
    return int.from_bytes(data[start + 4 : start + 6])


def answer_to(packet: Packet, in_interface: str | None) -> Packet:
    """Return what the far end would answer: addresses and ports swapped, a SYN answered by SYN/ACK, an echo by its reply.

    Args:
        packet: the packet to answer.
        in_interface: by which interface of the node the answer comes in; None: the node itself makes it.
    """
    flags = packet.flags
    if packet.protocol == TCP:
        flags = frozenset({"SYN", "ACK"}) if flags == {"SYN"} else frozenset({"ACK"})
    kind = packet.icmp_type
    if kind is not None:
        kind = _ANSWERS.get((packet.protocol, kind), kind)
    return Packet(
        packet.destination, packet.source, packet.protocol, packet.dport, packet.sport, flags, kind, packet.icmp_code,
        in_interface=in_interface,
    )  # fmt: skip


def _payload(packet: Packet, addresses: bytes, echo: int) -> bytes:
    if packet.protocol not in {TCP, UDP, ICMP, ICMPV6}:
        if packet.has_ports:
            raise KernelError(f"{packet}: a {packet.protocol_name} packet can only be sent as captured bytes")
        return bytes(8)
    blank, place = _segment(packet, echo)
    # ICMP alone sums no pseudo header (RFC 792); ICMPv6 does (RFC 4443, 2.3).
    pseudo = b"" if packet.protocol == ICMP else addresses + struct.pack("!II", len(blank), packet.protocol)
    check = _checksum(pseudo + blank) or 0xFFFF
    return blank[:place] + struct.pack("!H", check) + blank[place + 2 :]


def _segment(packet: Packet, echo: int) -> tuple[bytes, int]:
    """Return the packet's payload with an empty checksum, and where the checksum goes."""
    if packet.is_icmp:
        if packet.icmp_type is None:
            raise KernelError(f"{packet}: the ICMP type must be told")
        return struct.pack("!BBHHH", packet.icmp_type, packet.icmp_code or 0, 0, echo, 1), 2
    if not isinstance(packet.sport, int) or not isinstance(packet.dport, int):
        raise KernelError(f"{packet}: both ports must be told to send it")
    if packet.protocol == UDP:
        return struct.pack("!HHHH", packet.sport, packet.dport, 8, 0), 6
    flags = sum(_FLAG_BITS[name] for name in packet.flags)
    sequence = _ISN if "SYN" in packet.flags else _ISN + 1
    acknowledged = _ISN + 1 if "ACK" in packet.flags else 0
    head = struct.pack("!HHII", packet.sport, packet.dport, sequence, acknowledged)
    return head + struct.pack("!BBHHH", 5 << 4, flags, 64240, 0, 0), 16


def _checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
