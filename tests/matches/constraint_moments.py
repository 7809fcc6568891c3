"""Moments to put before matches and their constraints: drawn near the numbers that the constraints name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from random import Random

from iptc_sim.connection import Connection, FlowTuple
from iptc_sim.constraint import (
    ADDRESS_TYPES,
    STATES,
    All,
    Always,
    AnyOf,
    Bits,
    Constraint,
    Draw,
    Field,
    Free,
    NamedInterface,
    Never,
    Own,
    Within,
    leaves,
)
from iptc_sim.memory import Memory
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import Node
from iptc_sim.packet import Owner, Packet
from iptc_sim.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, TCP, TCP_FLAGS
from iptc_sim.records import replace
from iptc_sim.tracking import Direction, State
from iptc_sim.values import Address, Family, Variant
from iptc_sim.wire.packets import octets, packet_bytes, with_transport

NODE = Node.of({"eth0": ["192.0.2.10/24", "2001:db8::10/64"], "eth1": ["10.0.0.1/8", "2001:db8:1::1/64"]})
WIDTH = {
    **dict.fromkeys((Field.PROTOCOL, Field.FLAGS, Field.HOPS, Field.TOS, Field.ORIGINAL_PROTOCOL), 8),
    **dict.fromkeys((Field.SPORT, Field.DPORT, Field.ICMP, Field.ORIGINAL_SPORT, Field.ORIGINAL_DPORT), 16),
    **dict.fromkeys((Field.MARK, Field.CTMARK), 32),
}
_ADDRESSES: dict[Family, list[Address]] = {
    Family.IPV4: [
        IPv4Address(text)
        for text in ("10.0.0.5", "192.0.2.10", "192.0.2.255", "224.0.0.1", "127.0.0.1", "255.255.255.255", "8.8.8.8")
    ],
    Family.IPV6: [
        IPv6Address(text)
        for text in ("2001:db8::10", "2001:db8::5", "ff02::1", "::1", "::", "fe80::1", "2001:db8:9::9")
    ],
}
_PROTOCOLS = (6, 6, 17, 17, 1, 58, 132, 33, 136, 50, 51, 47, 108, 135)
_NOT_BEFORE = frozenset({Hook.PREROUTING, Hook.INPUT})

Numbers = dict[Field, set[int]]


def numbers_of(constraint: Constraint) -> tuple[Numbers, set[str]]:
    """Return the numbers at which the answer may change, and the interface names in it."""
    numbers: Numbers = {}
    names: set[str] = set()
    for leaf in leaves(constraint):
        match leaf:
            case Within(field, spans):
                ends = {end + step for span in spans for end in span for step in (-1, 0, 1)}
                numbers.setdefault(field, set()).update(ends)
            case Bits(field, value, mask):
                numbers.setdefault(field, set()).update({value, value | (~mask & 0xFF), value ^ (mask & -mask)})
            case NamedInterface(_, name):
                names |= {name, f"{name}0", name[:-1] or "x"}
            case _:
                pass
    return numbers, {name for name in names if name}


@dataclass
class Drawer:
    """Draws moments of one family at one hook of one table."""

    random: Random
    family: Family
    table: str
    hook: Hook
    variant: Variant
    numbers: Numbers
    names: set[str]
    protocols: tuple[int, ...] = ()

    def moment(self) -> Moment:
        packet = self._packet()
        connection = self._connection(packet)
        return Moment(
            packet, self.hook, self.table, NODE, connection, Memory(fresh=True), 1_700_000_000.0, others=(),
            place=(self.table, str(self.hook), 1), variant=self.variant,
        )  # fmt: skip

    def _number(self, field: Field, usual: int) -> int:
        known = sorted(self.numbers.get(field, ()))
        number = self.random.choice(known) if known and self.random.random() < 0.75 else usual
        return number % (1 << WIDTH[field])

    def _address(self, field: Field) -> Address:
        known, bits = sorted(self.numbers.get(field, ())), self.family.bits
        if known and self.random.random() < 0.75:
            number = self.random.choice(known) % (1 << bits)
            return IPv4Address(number) if self.family is Family.IPV4 else IPv6Address(number)
        return self.random.choice(_ADDRESSES[self.family])

    def _interface(self) -> str:
        known = sorted(self.names)
        return self.random.choice(known if known and self.random.random() < 0.6 else ["eth0", "eth1", "lo", "wg0"])

    def _protocol(self) -> int:
        draw = self.random
        protocol = draw.choice(self.protocols) if self.protocols and draw.random() < 0.9 else 0
        protocol = protocol or self._number(Field.PROTOCOL, draw.choice(_PROTOCOLS))
        protocol = protocol if protocol not in {0, 43, 44, 60} else TCP
        return {(4, ICMPV6): ICMP, (6, ICMP): ICMPV6}.get((int(self.family), protocol), protocol)

    def _packet(self) -> Packet:
        draw, protocol = self.random, self._protocol()
        sport, dport = (self._number(field, draw.randrange(1 << 16)) for field in (Field.SPORT, Field.DPORT))
        has_ports, is_icmp = protocol in PORT_PROTOCOLS, protocol in {ICMP, ICMPV6}
        usual = draw.choice((8, 0, 3)) if protocol == ICMP else draw.choice((128, 129, 1))
        kind, code = divmod(self._number(Field.ICMP, usual << 8), 256)
        byte = self._number(Field.FLAGS, draw.randrange(64)) if protocol == TCP else 0
        flags = frozenset(name for bit, name in enumerate(TCP_FLAGS) if byte >> bit & 1)
        made_here = self.hook is Hook.OUTPUT or (self.hook is Hook.POSTROUTING and draw.random() < 0.5)
        packet = Packet(
            self._address(Field.SOURCE), self._address(Field.DESTINATION), protocol,
            sport if has_ports else None, dport if has_ports else None, flags, kind if is_icmp else None,
            code if is_icmp else None,
            mark=self._number(Field.MARK, draw.choice((0, 0x15, 0xFFFFFFFF))),
            in_interface=None if made_here else self._interface(),
            out_interface=None if self.hook in _NOT_BEFORE else self._interface(),
            ttl=self._number(Field.HOPS, 64), tos=self._number(Field.TOS, draw.choice((0, 0x10, 0xB8))),
            owner=draw.choice((Owner(0, 0), Owner(1000, 1000), None)) if made_here else None,
            source_mac=None if made_here else bytes.fromhex("026970740100"),
        )  # fmt: skip
        if protocol == TCP and draw.random() < 0.3:
            packet = _with_options(packet, draw)
        return packet

    def _connection(self, packet: Packet) -> Connection | None:
        draw = self.random
        by_lo = self.hook is Hook.PREROUTING and packet.in_interface == "lo"
        if self.table == "raw" and not by_lo:
            return None
        state = State(draw.choice(("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")))
        if state in {State.INVALID, State.UNTRACKED}:
            entry = replace(Connection.first(packet), state=state)
            return None if state is State.INVALID and draw.random() < 0.5 else entry
        original = self._tuple(packet)
        reply = original.inverted
        if draw.random() < 0.3:
            reply = replace(reply, source=self._address(Field.ORIGINAL_DESTINATION))
        if draw.random() < 0.3:
            reply = replace(reply, destination=self._address(Field.ORIGINAL_SOURCE))
        later = state is not State.NEW
        return Connection(
            original, reply, state, draw.choice(tuple(Direction)) if later else Direction.ORIGINAL,
            mark=self._number(Field.CTMARK, draw.choice((0, 0x15))), labels=frozenset({draw.randrange(4)}),
            expected=state is State.RELATED, helper="ftp" if state is State.RELATED else "", confirmed=later,
            seen_reply=later, assured=later and draw.random() < 0.5, packets=(3, 2) if later else (1, 0),
            size=(300, 200) if later else (60, 0), expires=100 if later else None,
            seen=1_700_000_000_000 if later else None,
        )  # fmt: skip

    def _tuple(self, packet: Packet) -> FlowTuple:
        if self.random.random() < 0.4:
            return FlowTuple.of(packet)
        protocol = self._number(Field.ORIGINAL_PROTOCOL, packet.protocol)
        ports = [self._number(field, 80) for field in (Field.ORIGINAL_SPORT, Field.ORIGINAL_DPORT)]
        tracked = protocol in PORT_PROTOCOLS - {33}
        source, destination = self._address(Field.ORIGINAL_SOURCE), self._address(Field.ORIGINAL_DESTINATION)
        return FlowTuple(protocol, source, ports[0] if tracked else None, destination, ports[1] if tracked else None)


def _with_options(packet: Packet, draw: Random) -> Packet:
    head = 20 if packet.family is Family.IPV4 else 40
    options = draw.choice(("020405b4", "020405b40402080a0000000100000000", "01010101"))
    bare, added = packet_bytes(packet)[head:], bytes.fromhex(options)
    segment = bare[:12] + bytes([(20 + len(added)) // 4 << 4]) + bare[13:20] + added + draw.choice((b"", b"GET /"))
    return with_transport(packet, segment)


@cache
def _type(address: Address) -> int:
    kind = NODE.address_type(address) if address.version == 4 else NODE.address_types6(address)[1]
    return ADDRESS_TYPES.index(kind or "UNICAST")


def fields_of(at: Moment) -> dict[Field, int | str | None]:
    """Return what a constraint may look at; what the packet does not have is not in it."""
    packet, entry = at.packet, at.connection
    datagram = octets(packet).datagram
    assert datagram is not None
    found: dict[Field, int | str | None] = {
        Field.PROTOCOL: packet.protocol,
        Field.CTSTATE: STATES.index(str(entry.state if entry else State.INVALID)),
        Field.IN_INTERFACE: packet.in_interface if isinstance(packet.in_interface, str) else None,
        Field.OUT_INTERFACE: packet.out_interface if isinstance(packet.out_interface, str) else None,
        Field.LENGTH: datagram.length,
        Field.HOPS: packet.ttl,
        Field.TOS: packet.tos,
        Field.MARK: packet.mark,
        Field.SNATTED: int(entry is not None and entry.is_tracked and entry.is_snat),
        Field.DNATTED: int(entry is not None and entry.is_tracked and entry.is_dnat),
    }
    assert isinstance(packet.source, Address)
    assert isinstance(packet.destination, Address)
    found |= {Field.SOURCE: int(packet.source), Field.DESTINATION: int(packet.destination)}
    found |= {Field.SOURCE_TYPE: _type(packet.source), Field.DESTINATION_TYPE: _type(packet.destination)}
    if isinstance(packet.sport, int) and isinstance(packet.dport, int):
        found |= {Field.SPORT: packet.sport, Field.DPORT: packet.dport}
    if packet.icmp_type is not None:
        found[Field.ICMP] = packet.icmp_type << 8 | (packet.icmp_code or 0)
    if packet.protocol == TCP:
        found[Field.FLAGS] = datagram.transport[13]
    if entry is not None and entry.is_tracked:
        found |= _of_entry(entry)
    return found


def _of_entry(entry: Connection) -> dict[Field, int | str | None]:
    original = entry.original
    assert isinstance(original.source, Address)
    assert isinstance(original.destination, Address)
    found: dict[Field, int | str | None] = {
        Field.CTMARK: entry.mark,
        Field.DIRECTION: int(entry.direction is Direction.REPLY),
        Field.ORIGINAL_PROTOCOL: original.protocol,
        Field.ORIGINAL_SOURCE: int(original.source),
        Field.ORIGINAL_DESTINATION: int(original.destination),
    }
    if isinstance(original.sport, int):
        found[Field.ORIGINAL_SPORT] = original.sport
    if isinstance(original.dport, int):
        found[Field.ORIGINAL_DPORT] = original.dport
    return found


Answers = dict[object, bool]


def holds(constraint: Constraint, fields: dict[Field, int | str | None], answers: Answers) -> bool | None:
    """Tell whether a packet fits; None where that hangs on a question that is not among the answers."""
    match constraint:
        case Always():
            return True
        case Never():
            return False
        case All(parts):
            found = [holds(part, fields, answers) for part in parts]
            return False if False in found else None if None in found else True
        case AnyOf(parts):
            found = [holds(part, fields, answers) for part in parts]
            return True if True in found else None if None in found else False
        case Within(field, spans, negated):
            number = fields.get(field)
            return isinstance(number, int) and any(a <= number <= b for a, b in spans) != negated
        case Bits(field, value, mask, negated):
            number = fields.get(field)
            return isinstance(number, int) and (number & mask == value) != negated
        case NamedInterface(field, name, prefix, negated):
            has = fields[field]
            return (isinstance(has, str) and (has.startswith(name) if prefix else has == name)) != negated
        case Free(key, _, negated) | Own(key, _, negated):
            answer = answers.get(key)
            return None if answer is None else answer != negated
        case Draw():
            return None
