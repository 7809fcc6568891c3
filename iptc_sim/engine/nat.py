"""What a nat target makes of a packet, and which ports are free for it (``nf_nat_core.c``, get_unique_tuple)."""

from __future__ import annotations

from collections.abc import Hashable
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from iptc_sim.connection import Connection, FlowTuple
from iptc_sim.engine.situation import Situation
from iptc_sim.memory import Memory
from iptc_sim.moment import Hook
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass, replace
from iptc_sim.target import Translate
from iptc_sim.tracking import Manip
from iptc_sim.values import UNKNOWN, Address, AddressRange, Family, Odds, PortRange, Unknown

#: A range of more addresses than this is not spread out into branches.
MAX_ADDRESSES: Final = 64

#: Where a source port goes that is taken already, by the port that it was: the kernel stays in its class.
_CLASSES: Final = (PortRange(1, 511), PortRange(600, 1023), PortRange(1024, 65535))
_ANY_ID: Final = PortRange(0, 65535)

#: More ports than this are not asked whether they are free; those of one class never all are.
_MOST_ASKED: Final = 4096


@dataclass(frozen=True, slots=True)
class Choice:
    """One outcome of a translation.

    Args:
        packet: after it; None where the kernel drops the packet instead.
        chance: its odds among its siblings; None where there is only one.
        note: what to say about it.
        address: that was chosen.
    """

    packet: Packet | None
    chance: Odds | None = None
    note: str = ""
    address: Address | Unknown = UNKNOWN


def choices(
    target: Translate, packet: Packet, hook: Hook, situation: Situation, entry: Connection, memory: Memory
) -> list[Choice]:
    """Return every way in which the target may rewrite the packet.

    Args:
        target: what the rule wants.
        packet: a connection's first.
        hook: where.
        situation: the node, and the connections whose tuples are taken.
        entry: of the packet.
        memory: what the kernel's hash gave to the same addresses before.
    """
    addresses, note = _addresses(target, packet, hook, situation)
    known = memory.get(hash_key(target, packet, entry.zone)) if len(addresses) > 1 else None
    if known is not None:
        addresses, note = [known], f"as before: {note}"
    if not addresses:
        return [Choice(None, note=note)]
    ports = _Ports(target, packet, situation, entry)
    settled = ports.as_before(addresses)
    if settled is not None:
        return [settled]
    chance = Odds(1, len(addresses)) if len(addresses) > 1 else None
    return [ports.at(address, chance, note) for address in addresses]


def hash_key(target: Translate, packet: Packet, zone: int) -> tuple[Hashable, ...]:
    """Return what the choice out of a range hangs on: both addresses and the zone, or ``--persistent``: the source."""
    other = None if target.persistent else (packet.destination, zone)
    return ("nat", target.manip, str(target.addresses), packet.source, other)


def null_binding(packet: Packet, situation: Situation, entry: Connection) -> Choice | None:
    """Return what becomes of a source that no rule translates, where its tuple is taken; None where it is free.

    Also a connection without any SNAT rule gets another source port then (``nf_nat_alloc_null_binding``).
    """
    if not situation.connections or not situation.connections.is_taken(_answered(packet), entry):
        return None
    keep = Translate(Manip.SOURCE)
    return _Ports(keep, packet, situation, entry).at(packet.source, None, "")


def _answered(packet: Packet) -> FlowTuple:
    return FlowTuple.of(packet).inverted


def _addresses(
    target: Translate, packet: Packet, hook: Hook, situation: Situation
) -> tuple[list[Address | Unknown], str]:
    """Return the addresses that it may become; none with the reason where the kernel finds none."""
    old = packet.source if target.manip is Manip.SOURCE else packet.destination
    if target.masquerade:
        return _own_source(packet, situation)
    if target.redirect:
        return _own_destination(packet, hook, situation)
    if target.network is not None:
        if old is UNKNOWN:
            return [UNKNOWN], "a mapped address that is not known"
        network = target.network
        return [_address(network.network | (int(old) & ~network.mask & _all(network.family)), network.family)], ""
    if target.addresses is None:
        return [old], ""
    return _of_range(target.addresses)


def _of_range(wanted: AddressRange) -> tuple[list[Address | Unknown], str]:
    first, last = int(wanted.first), int(wanted.last)
    if first == last:
        return [wanted.first], ""
    note = f"one of {wanted}: the kernel hashes the addresses with a secret"
    if last - first >= MAX_ADDRESSES:
        return [wanted.first], f"{note}; the first is followed"
    family = Family(wanted.first.version)
    return [_address(number, family) for number in range(first, last + 1)], note


def _address(number: int, family: Family) -> Address:
    return IPv4Address(number) if family is Family.IPV4 else IPv6Address(number)


def _all(family: Family) -> int:
    return (1 << family.bits) - 1


def _own_source(packet: Packet, situation: Situation) -> tuple[list[Address | Unknown], str]:
    out, node = packet.out_interface, situation.node
    if not node.known or not isinstance(out, str) or packet.destination is UNKNOWN:
        return [UNKNOWN], "the address of the out interface, which is not known"
    address = node.masquerade_address(packet)
    if address is None:
        return [], f"{out} has no address to masquerade with"
    return [address], ""


def _own_destination(packet: Packet, hook: Hook, situation: Situation) -> tuple[list[Address | Unknown], str]:
    """In OUTPUT the loopback address, else the first address of the in interface (nf_nat_redirect.c)."""
    if hook is Hook.OUTPUT:
        return [IPv4Address("127.0.0.1") if packet.family is Family.IPV4 else IPv6Address("::1")], ""
    incoming = packet.in_interface
    if not situation.node.known or not isinstance(incoming, str):
        return [UNKNOWN], "an address of this node, which is not known"
    address = situation.node.first_address(incoming, packet.family, packet.destination)
    if address is None:
        return [], f"{incoming} has no address to redirect to"
    return [address], ""


class _Ports:
    """Finds the port, or the id of an echo, for one translation."""

    def __init__(self, target: Translate, packet: Packet, situation: Situation, entry: Connection) -> None:
        self.target, self.packet, self.situation, self.entry = target, packet, situation, entry
        self.is_source = target.manip is Manip.SOURCE
        own = FlowTuple.of(packet)
        self.is_echo = packet.icmp_id is not None  # its id stands on both sides
        self.old = packet.icmp_id if self.is_echo else own.sport if self.is_source else own.dport

    def as_before(self, addresses: list[Address | Unknown]) -> Choice | None:
        """Give a client's address and port what they were given for other destinations (find_appropriate_src)."""
        if not self.is_source or self.target.random or UNKNOWN in addresses:
            return None
        own = FlowTuple.of(self.packet)
        if own.source in addresses and self._suits(own.sport) and self._is_free(self._with(own.source, own.sport)):
            return Choice(self._with(own.source, own.sport))
        for other in self.situation.connections.from_source(self.entry):
            address, port = other.reply.destination, other.reply.dport
            if address in addresses and self._suits(port) and self._is_free(self._with(address, port)):
                return Choice(self._with(address, port), note=f"as for {other.original}")
        return None

    def at(self, address: Address | Unknown, chance: Odds | None, note: str) -> Choice:
        """Return the choice of an address, with the port that goes with it."""
        port, why = self._port(address)
        return Choice(self._with(address, port), chance, "; ".join(text for text in (note, why) if text), address)

    def _port(self, address: Address | Unknown) -> tuple[int | Unknown | None, str]:
        target, old = self.target, self.old
        if old is None:
            return None, ""
        changes = self.is_source or self.is_echo or target.ports is not None
        draws = target.random and changes
        if not draws and self._suits(old):
            single = target.ports is not None and target.ports.first == target.ports.last
            if single or self._is_free(self._with(address, old)):
                return old, ""
        if not changes:
            return old, ""
        return self._search(address, old, draws=draws)

    def _search(self, address: Address | Unknown, old: int | Unknown, *, draws: bool) -> tuple[int | Unknown, str]:
        """Look for a free port: DNAT from the first (or the shifted) one on, SNAT from one that is drawn."""
        wanted = self.target.ports or self._class(old)
        if wanted is None:
            return UNKNOWN, "a source port of the same class, which is free"
        first, size = wanted.first, wanted.last - wanted.first + 1
        if size == 1:
            return first, ""
        if draws or self.is_echo or (self.is_source and self.target.base is None):
            return UNKNOWN, f"one of the ports {wanted}, drawn"
        start = (old - self.target.base) % size if self.target.base is not None and old is not UNKNOWN else 0
        for offset in range(min(size, _MOST_ASKED)):
            port = first + (start + offset) % size
            if self._is_free(self._with(address, port)):
                return port, ""
        return (old, "no port is free") if old is not UNKNOWN else (UNKNOWN, "")

    def _class(self, old: int | Unknown) -> PortRange | None:
        if not self.packet.has_ports:
            return _ANY_ID
        if old is UNKNOWN:
            return None
        return _CLASSES[0 if old < 512 else 1 if old < 1024 else 2]

    def _suits(self, port: int | Unknown | None) -> bool:
        wanted = self.target.ports
        return wanted is None or port is None or (port is not UNKNOWN and port in wanted)

    def _is_free(self, packet: Packet) -> bool:
        return not self.situation.connections.is_taken(_answered(packet), self.entry)

    def _with(self, address: Address | Unknown, port: int | Unknown | None) -> Packet:
        packet = self.packet
        packet = replace(packet, source=address) if self.is_source else replace(packet, destination=address)
        if port is None:
            return packet
        if packet.icmp_id is not None:
            return replace(packet, icmp_id=port)
        return replace(packet, sport=port) if self.is_source else replace(packet, dport=port)
