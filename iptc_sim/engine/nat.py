"""What a nat target makes of a packet (``nf_nat_core.c``, get_unique_tuple, without clashes with other flows)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from iptc_sim.moment import Hook
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass
from iptc_sim.target import Translate
from iptc_sim.tracking import Manip
from iptc_sim.values import UNKNOWN, Address, Family, Odds, Unknown

#: A range of more addresses than this is not spread out into branches.
MAX_ADDRESSES = 64


@dataclass(frozen=True, slots=True)
class Choice:
    """One outcome of a translation.

    Args:
        packet: after it; None where the kernel drops the packet instead.
        chance: its odds among its siblings; None where there is only one.
        note: what to say about it.
    """

    packet: Packet | None
    chance: Odds | None = None
    note: str = ""


def choices(target: Translate, packet: Packet, hook: Hook, node: Node) -> list[Choice]:
    """Return every way in which the target may rewrite the packet."""
    if target.masquerade:
        return [_masquerade(target, packet, node)]
    if target.redirect:
        return [_redirect(target, packet, hook, node)]
    addresses, note = _addresses(target, packet)
    chance = Odds(1, len(addresses)) if len(addresses) > 1 else None
    return [Choice(_rewrite(target, packet, address), chance, note) for address in addresses]


def _addresses(target: Translate, packet: Packet) -> tuple[list[Address | Unknown], str]:
    if target.addresses is None:
        return [packet.source if target.manip is Manip.SOURCE else packet.destination], ""
    first, last = int(target.addresses.first), int(target.addresses.last)
    if first == last:
        return [target.addresses.first], ""
    kind = IPv4Address if target.addresses.first.version == 4 else IPv6Address
    if last - first >= MAX_ADDRESSES:
        note = f"one of {target.addresses}: the kernel hashes the addresses; the first is shown"
        return [target.addresses.first], note
    return [
        kind(number) for number in range(first, last + 1)
    ], f"one of {target.addresses}: the kernel hashes the addresses"


def _rewrite(target: Translate, packet: Packet, address: Address | Unknown) -> Packet:
    if target.manip is Manip.SOURCE:
        return replace(packet, source=address, sport=_port(target, packet.sport, kept_first=False))
    return replace(packet, destination=address, dport=_port(target, packet.dport, kept_first=True))


def _port(target: Translate, port: int | Unknown | None, *, kept_first: bool) -> int | Unknown | None:
    """A port in range is kept; else DNAT takes the first one, SNAT any (its start is drawn)."""
    if port is None:
        return None
    if target.random and not (target.manip is Manip.DESTINATION and target.ports is None):
        return UNKNOWN
    if target.ports is None or port in target.ports:
        return port
    first, last = target.ports.first, target.ports.last
    if first == last:
        return first
    if target.base is not None and isinstance(port, int):
        return first + (port - target.base) % (last - first + 1)
    return first if kept_first and port is not UNKNOWN else UNKNOWN


def _masquerade(target: Translate, packet: Packet, node: Node) -> Choice:
    out = packet.out_interface
    if not node.known or not isinstance(out, str) or packet.destination is UNKNOWN:
        packet = _rewrite(target, packet, UNKNOWN)
        return Choice(packet, note="the address of the out interface, which is not known")
    gateway = node.lookup(packet.destination).gateway
    address = node.source_for(out, gateway or packet.destination)
    if address is None:
        return Choice(None, note=f"{out} has no address to masquerade with")
    return Choice(_rewrite(target, packet, address))


def _redirect(target: Translate, packet: Packet, hook: Hook, node: Node) -> Choice:
    """In OUTPUT to the loopback address, else to the first address of the in interface (nf_nat_redirect.c)."""
    if hook is Hook.OUTPUT:
        loopback: Address = IPv4Address("127.0.0.1") if packet.family is Family.IPV4 else IPv6Address("::1")
        return Choice(_rewrite(target, packet, loopback))
    incoming = packet.in_interface
    if not node.known or not isinstance(incoming, str):
        return Choice(_rewrite(target, packet, UNKNOWN), note="an address of this node, which is not known")
    address = node.first_address(incoming, packet.family)
    if address is None:
        return Choice(None, note=f"{incoming} has no address to redirect to")
    return Choice(_rewrite(target, packet, address))
