"""The bytes to send for a packet, and the packet that would answer one."""

from __future__ import annotations

from typing import Final

from iptc_sim.kernel.errors import KernelError
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, TCP
from iptc_sim.values import Family, Unknown
from iptc_sim.wire.headers import Datagram
from iptc_sim.wire.packets import checksum, packet_bytes

_ANSWERS: Final = {(ICMP, 8): 0, (ICMPV6, 128): 129}


def bytes_to_send(packet: Packet, identifier: int) -> bytes:
    """Return a packet's bytes from the IP header on.

    Args:
        packet: what to send, described or with its bytes.
        identifier: IPv4 id or IPv6 flow label, where its own bytes have none; the trace is known by it.

    Raises:
        KernelError: something that a real packet has was not told, or its bytes are no packet.
    """
    if isinstance(packet.source, Unknown) or isinstance(packet.destination, Unknown):
        raise KernelError(f"{packet}: both addresses must be told to send it")
    described = packet.raw is None  # what has bytes may be a later fragment, or cut
    if described and packet.has_ports and not (isinstance(packet.sport, int) and isinstance(packet.dport, int)):
        raise KernelError(f"{packet}: both ports must be told to send it")
    if described and packet.is_icmp and packet.icmp_type is None:
        raise KernelError(f"{packet}: the ICMP type must be told")
    data = packet_bytes(packet, identifier)
    found = Datagram.of(data)
    if found is None:
        raise KernelError("the bytes to send are no whole IP packet")
    return data if found.identifier else _with_identifier(data, found, identifier)


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
        icmp_id=packet.icmp_id,
    )


def _with_identifier(data: bytes, found: Datagram, identifier: int) -> bytes:
    if found.family is Family.IPV6:
        return (int.from_bytes(data[:4]) | identifier).to_bytes(4) + data[4:]
    if found.start is None:
        raise AssertionError("an IPv4 header has an end")
    head = data[:4] + identifier.to_bytes(2) + data[6:10] + bytes(2) + data[12 : found.start]
    return head[:10] + checksum(head).to_bytes(2) + head[12:] + data[found.start :]
