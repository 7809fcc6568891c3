"""Packets as bytes, and back: just what the kernel needs to see to take a packet for a real one.

Source: RFC 791, 8200, 9293, 768, 792, 4443.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.report import Headers
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, TCP, TCP_FLAGS, UDP
from iptc_sim.records import dataclass
from iptc_sim.values import Address, Family, Unknown

#: Sequence number of every SYN and SYN/ACK; what follows them counts on, so that conntrack's window check is
#: content.
_ISN: Final = 1000

_FLAG_BITS: Final = {name: 1 << index for index, name in enumerate(TCP_FLAGS)}
_ANSWERS: Final = {(ICMP, 8): 0, (ICMPV6, 128): 129}
_FLOW_LABEL: Final = 0xFFFFF


@dataclass(frozen=True, slots=True)
class Fields:
    """What is read from a packet's bytes.

    Args:
        data: the bytes from the IP header on.
        source: source address.
        destination: destination address.
        protocol: IP protocol number; of IPv6 the first next header.
        ttl: time to live, or hop limit.
        identifier: IPv4 id, or IPv6 flow label.
        payload: what follows the IP header.
    """

    data: bytes
    source: Address
    destination: Address
    protocol: int
    ttl: int
    identifier: int
    payload: bytes

    @classmethod
    def of(cls, data: bytes) -> Fields | None:
        """Read a packet from its IP header on; None where it is no whole IP packet."""
        version = data[0] >> 4 if data else 0
        if version == Family.IPV4 and len(data) >= 20:
            source, destination = IPv4Address(data[12:16]), IPv4Address(data[16:20])
            identifier = int.from_bytes(data[4:6])
            return cls(data, source, destination, data[9], data[8], identifier, data[(data[0] & 15) * 4 :])
        if version == Family.IPV6 and len(data) >= 40:
            label = int.from_bytes(data[1:4]) & _FLOW_LABEL
            source6, destination6 = IPv6Address(data[8:24]), IPv6Address(data[24:40])
            return cls(data, source6, destination6, data[6], data[7], label, data[40:])
        return None

    @property
    def ports(self) -> tuple[int, int] | None:
        """Source and destination port of TCP and UDP."""
        if self.protocol not in {TCP, UDP} or len(self.payload) < 8:
            return None
        sport, dport = struct.unpack_from("!HH", self.payload)
        return sport, dport

    @property
    def flags(self) -> frozenset[str]:
        """The TCP flags that are set."""
        if self.protocol != TCP or len(self.payload) < 14:
            return frozenset()
        return frozenset(name for name, bit in _FLAG_BITS.items() if self.payload[13] & bit)

    @property
    def icmp_id(self) -> int:
        """The id of an ICMP echo message."""
        return int.from_bytes(self.payload[4:6])

    def headers(self, in_interface: str | None, out_interface: str | None, mark: int) -> Headers:
        """Return it as the headers of a trace, with what the bytes don't tell."""
        sport, dport = self.ports or (None, None)
        return Headers(
            in_interface=in_interface,
            out_interface=out_interface,
            source=self.source,
            destination=self.destination,
            sport=sport,
            dport=dport,
            mark=mark,
            ttl=self.ttl,
            identifier=self.identifier,
            flags=self.flags,
        )

    def packet(self, out_interface: str | None = None) -> Packet:
        """Return it as a packet that keeps its bytes."""
        sport, dport = self.ports or (None, None)
        found = Packet(
            self.source, self.destination, self.protocol, sport, dport, self.flags,
            out_interface=out_interface, raw=self.data,
        )  # fmt: skip
        if found.is_icmp and len(self.payload) >= 2:
            return replace(found, icmp_type=self.payload[0], icmp_code=self.payload[1])
        return found


def to_bytes(packet: Packet, identifier: int, ttl: int = 64, icmp_id: int | None = None) -> bytes:
    """Return the packet from the IP header on, with right checksums.

    Args:
        packet: what to build; its own bytes are taken where it has them.
        identifier: IPv4 id or IPv6 flow label.
        ttl: time to live, or hop limit.
        icmp_id: the id of an echo message; default: ``identifier``.

    Raises:
        KernelError: an address or a port was not told, or the protocol needs a payload that words don't give.
    """
    if packet.raw is not None:
        return packet.raw
    if isinstance(packet.source, Unknown) or isinstance(packet.destination, Unknown):
        raise KernelError(f"{packet}: both addresses must be told to send it")
    echo = (identifier if icmp_id is None else icmp_id) & 0xFFFF
    addresses = packet.source.packed + packet.destination.packed
    payload = _payload(packet, addresses, echo)
    if packet.family is Family.IPV6:
        first = 6 << 28 | (identifier & _FLOW_LABEL)
        return struct.pack("!IHBB", first, len(payload), packet.protocol, ttl) + addresses + payload
    fields = (0x45, 0, 20 + len(payload), identifier & 0xFFFF, 0, ttl, packet.protocol)
    head = struct.pack("!BBHHHBB", *fields)
    return head + struct.pack("!H", _checksum(head + addresses)) + addresses + payload


def answer_to(packet: Packet, in_interface: str | None) -> Packet:
    """Return what the far end would answer.

    Addresses and ports are swapped; SYN is answered by SYN/ACK, other segments by ACK, an echo by its reply.

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
        source=packet.destination,
        destination=packet.source,
        protocol=packet.protocol,
        sport=packet.dport,
        dport=packet.sport,
        flags=flags,
        icmp_type=kind,
        icmp_code=packet.icmp_code,
        in_interface=in_interface,
    )


def _payload(packet: Packet, addresses: bytes, echo: int) -> bytes:
    if packet.protocol not in {TCP, UDP, ICMP, ICMPV6}:
        if packet.has_ports:
            name = packet.protocol_name
            raise KernelError(f"{packet}: a {name} packet can only be sent as captured bytes")
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
    words: tuple[int, ...] = struct.unpack(f"!{len(data) // 2}H", data)  # every length here is even
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
