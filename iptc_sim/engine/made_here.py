"""Packets that the node makes on its own account: what REJECT answers, and errors about packets that go nowhere."""

from __future__ import annotations

from typing import Final

from iptc_sim.moment import Moment
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, TCP
from iptc_sim.records import replace
from iptc_sim.values import UNKNOWN, Address, Family, Unknown

#: Type and code of the ICMP errors, by the name that ``--reject-with`` gives them.
ERRORS: Final = {
    "icmp-net-unreachable": (3, 0),
    "icmp-host-unreachable": (3, 1),
    "icmp-proto-unreachable": (3, 2),
    "icmp-port-unreachable": (3, 3),
    "icmp-net-prohibited": (3, 9),
    "icmp-host-prohibited": (3, 10),
    "icmp-admin-prohibited": (3, 13),
    "icmp-time-exceeded": (11, 0),
    "icmp6-no-route": (1, 0),
    "icmp6-adm-prohibited": (1, 1),
    "icmp6-addr-unreachable": (1, 3),
    "icmp6-port-unreachable": (1, 4),
    "icmp6-policy-fail": (1, 5),
    "icmp6-reject-route": (1, 6),
    "icmp6-time-exceeded": (3, 0),
}


def rejection(at: Moment, code: str) -> Packet | None:
    """Return the packet that REJECT sends; None where the kernel sends nothing.

    That is about an error, and a RST for a packet that went to many hosts (``nf_send_reset``).
    """
    packet, destination = at.packet, at.packet.destination
    if code == "tcp-reset":
        link = packet.out_interface if packet.in_interface is None else packet.in_interface
        return None if at.node.is_for_many(destination, link) else _reset(packet)
    return error_about(at.packet, code, source=destination if at.node.is_local(destination) else None)


def error_about(packet: Packet, code: str, *, source: Address | Unknown | None = None) -> Packet | None:
    """Return the ICMP error that this node sends about a packet.

    Args:
        packet: as it came in or was made.
        code: as ``--reject-with`` names it.
        source: the address that it comes from; None: that of this node by which the sender is reached.

    Returns:
        None where ICMP says nothing: about errors, and to senders that are many or none (RFC 1122, 3.2.2).
    """
    protocol = ICMP if packet.family is Family.IPV4 else ICMPV6
    if _is_error(packet) or packet.source is UNKNOWN or packet.source.is_multicast or packet.source.is_unspecified:
        return None
    kind, number = ERRORS[code]
    return Packet(
        source=UNKNOWN if source is None else source,
        destination=packet.source,
        protocol=protocol,
        flags=frozenset(),
        icmp_type=kind,
        icmp_code=number,
        tos=0xC0 if protocol == ICMP else 0,
        owner=None,
        inner=replace(packet, in_interface=None, out_interface=None, mark=0),
    )


def _is_error(packet: Packet) -> bool:
    if packet.protocol == ICMP:
        return packet.icmp_type in {3, 4, 5, 11, 12}
    return packet.protocol == ICMPV6 and packet.icmp_type is not None and packet.icmp_type < 128


def _reset(packet: Packet) -> Packet | None:
    if packet.protocol != TCP or "RST" in packet.flags:
        return None
    flags = frozenset({"RST"}) if "ACK" in packet.flags else frozenset({"RST", "ACK"})
    return Packet(
        source=packet.destination,
        destination=packet.source,
        protocol=TCP,
        sport=packet.dport,
        dport=packet.sport,
        flags=flags,
        owner=None,
    )
