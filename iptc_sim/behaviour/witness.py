"""From a point of a diagram to a packet, and a machine on which it goes as the point says."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from iptc_sim.connection import Connection, Flow, FlowTuple
from iptc_sim.constraint import ADDRESS_TYPES, STATES, Field
from iptc_sim.diagram.spans import Span
from iptc_sim.node import Node, Route
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, TCP, TCP_FLAGS, UDP
from iptc_sim.records import dataclass, replace
from iptc_sim.symbolic.pipeline import Entrance
from iptc_sim.symbolic.store import Value, Way
from iptc_sim.symbolic.variables import FRESH, ROUTE, Space, interface_number
from iptc_sim.tracking import Direction, State
from iptc_sim.values import Address, Family, Prefix
from iptc_sim.wire.packets import packet_bytes, with_transport

#: What rules may not stand in the way of: nothing is refused for its source, all is forwarded.
SWITCHES: Final = {
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/all/accept_local": "1",
    "net/ipv4/conf/all/route_localnet": "1",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
}
_HEADER: Final = {Family.IPV4: 20, Family.IPV6: 40}
_LENGTHS: Final = {TCP: 20, UDP: 8}
_ICMP_ASKS: Final = {ICMP: 8 << 8, ICMPV6: 128 << 8}


@dataclass(frozen=True, slots=True)
class Witness:
    """A packet that shows a difference.

    Args:
        flow: the packet, and its ctstate where it is not what the packet itself would have.
        node: the machine.
        connection: the entry that it belongs to, where that says more than the ctstate does.
        answers: of conditions that cannot be told, by the keys of their variables.
    """

    flow: Flow
    node: Node
    connection: Connection | None
    answers: Mapping[Hashable, int]

    @property
    def said(self) -> tuple[str, ...]:
        """What is to be known of its connection beside the packet, in words."""
        entry = self.connection
        if entry is None:
            return ()
        if entry.expected:
            return ("its connection is related to another one and begins with it",)
        words = f"its connection is {entry.state.value.lower()}"
        words += ", and it is a packet of the answering side" if entry.direction is Direction.REPLY else ""
        return (words + (f"; connection mark {entry.mark:#x}" if entry.mark else ""),)


def wishes(space: Space, entrance: Entrance, names: Iterable[str] = ()) -> dict[int, list[Span]]:
    """Return what values of each level make a packet that people recognise, the most welcome first.

    Args:
        space: of the levels.
        entrance: where the packet comes from.
        names: of interfaces that rules name.
    """
    four = space.family is Family.IPV4
    known = [name for name in dict.fromkeys(names) if name != "lo"]
    incoming = _interfaces(["eth0", *known, "eth1", "other0"])
    outgoing = _interfaces(["eth1", *reversed(known), "eth2", "eth0", "lo", "other1"])
    sources, destinations = _addresses(four=four)
    fields: dict[Field, list[Span]] = {
        Field.PROTOCOL: [(TCP, TCP), (UDP, UDP), (ICMP, ICMP) if four else (ICMPV6, ICMPV6)],
        Field.IN_INTERFACE: incoming,
        Field.OUT_INTERFACE: outgoing,
        Field.SOURCE: sources,
        Field.SOURCE_TYPE: [(own, own) for own in [ADDRESS_TYPES.index("LOCAL")] if entrance is Entrance.LOCAL],
        Field.DESTINATION: destinations,
        Field.SPORT: [(33000, 33000), (1024, 65535)],
        Field.DPORT: [(80, 80), (8080, 8080), (1, 65535)],
        Field.ICMP: [(number, number) for number in _ICMP_ASKS.values()],
        Field.FLAGS: [(number, number) for number in (1 << TCP_FLAGS.index("SYN"), 1 << TCP_FLAGS.index("ACK"))],
        Field.LENGTH: [(40, 40), (60, 60), (28, 28), (48, 48), (64, 1500)],
        Field.HOPS: [(64, 64), (2, 255)],
    }
    found = {space.level(field): spans for field, spans in fields.items()}
    for level, key in space.variables():
        if isinstance(key, tuple) and key[0] == "way":
            found[level] = outgoing
    return found


def _interfaces(names: Iterable[str]) -> list[Span]:
    return [(interface_number(name), interface_number(name)) for name in names]


def _addresses(*, four: bool) -> tuple[list[Span], list[Span]]:
    if four:
        plain = [_net("10.0.0.0/8"), _net("192.0.0.0/8"), _net("1.0.0.0/9"), _net("128.0.0.0/2")]
        return [_one("203.0.113.5"), _one("10.0.0.77"), *plain], [_one("198.51.100.7"), *plain]
    plain = [_net("2000::/3"), _net("fc00::/7")]
    return [_one("2001:db8:f::5"), *plain], [_one("2001:db8:e::7"), *plain]


def _net(text: str) -> Span:
    first, last = Prefix.parse(text).span
    return first + 5, last


def _one(text: str) -> Span:
    return Prefix.parse(text).span


class Maker:
    """Makes witnesses of points.

    Args:
        space: of the points.
        entrance: where the packets come from.
        node: the machine; None: one is made for every witness.
    """

    def __init__(self, space: Space, entrance: Entrance, node: Node | None) -> None:
        self._space, self._entrance, self._node = space, entrance, node

    def realistic(self, point: Mapping[int, int]) -> list[dict[int, int]]:
        """Return points like this one of which there may be a packet: its connection is that of the packet."""
        told = self._space.fields(point)
        there = {
            Field.ORIGINAL_DESTINATION: Field.DESTINATION,
            Field.ORIGINAL_DPORT: Field.DPORT,
            Field.ORIGINAL_SOURCE: Field.SOURCE,
            Field.ORIGINAL_SPORT: Field.SPORT,
        }
        back = dict(zip(there, (Field.SOURCE, Field.SPORT, Field.DESTINATION, Field.DPORT), strict=True))
        found = []
        level = self._space.level
        highest = self._space.diagrams.highest
        for direction, fields in enumerate((there, back)):
            if direction and STATES[told[Field.CTSTATE]] not in {"ESTABLISHED", "RELATED"}:
                continue
            # The two ends of a packet that is picked are often the same one; then the next address is tried as well.
            for one, more in ((Field.SOURCE, 0), (Field.SOURCE, 1), (Field.DESTINATION, 1), (Field.SOURCE, 2)):
                moved = {**told, one: told[one] + more}
                if moved[one] > highest[level(one)]:
                    continue
                changes = {level(one): moved[one]} | {level(mine): moved[theirs] for mine, theirs in fields.items()}
                changes |= {level(Field.ORIGINAL_PROTOCOL): told[Field.PROTOCOL], level(Field.DIRECTION): direction}
                found.append({**point, **changes})
        return found

    def make(self, point: Mapping[int, int]) -> Witness:
        """Return the packet of a point.

        Raises:
            ValueError: there is none, as the length is too small for its headers.
        """
        told, answers = self._space.fields(point), self._space.answers(point)
        packet = self._packet(told)
        state = State(STATES[told[Field.CTSTATE]])
        natural = state is State.NEW and (packet.protocol != TCP or packet.flags == {"SYN"}) and not packet.is_icmp
        connection = self._connection(packet, state, told, begins=bool(answers.get(FRESH)))
        flow = Flow(packet, None if natural or connection is not None else state)
        node = self._made_node(told, answers) if self._node is None else self._node
        return Witness(flow, node, connection, answers)

    def _packet(self, told: Mapping[Field, int]) -> Packet:
        protocol = told[Field.PROTOCOL]
        has_ports = protocol in PORT_PROTOCOLS
        flags = told[Field.FLAGS] if protocol == TCP else 0
        message = told[Field.ICMP] if protocol in _ICMP_ASKS else None
        packet = Packet(
            self._address(told[Field.SOURCE]),
            self._address(told[Field.DESTINATION]),
            protocol,
            told[Field.SPORT] if has_ports else None,
            told[Field.DPORT] if has_ports else None,
            frozenset(name for bit, name in enumerate(TCP_FLAGS) if flags >> bit & 1),
            None if message is None else message >> 8,
            None if message is None else message & 0xFF,
            told[Field.MARK],
            _name(told[Field.IN_INTERFACE]) if self._entrance is Entrance.ARRIVING else None,
            ttl=told[Field.HOPS],
            tos=told[Field.TOS],
        )
        return self._of_length(packet, told[Field.LENGTH])

    def _of_length(self, packet: Packet, length: int) -> Packet:
        """Return the packet with so many bytes of payload that it is as long as that, where that counts."""
        bare = packet_bytes(replace(packet, out_interface=None))
        missing = length - len(bare)
        if missing <= 0 or length == 40:
            return packet
        return with_transport(packet, bare[_HEADER[self._space.family] :] + bytes(missing))

    def _address(self, number: int) -> Address:
        return IPv4Address(number) if self._space.family is Family.IPV4 else IPv6Address(number)

    @staticmethod
    def _connection(packet: Packet, state: State, told: Mapping[Field, int], *, begins: bool) -> Connection | None:
        """Return the entry of a connection of which more counts than its state.

        That is one with a mark, one whose other side has sent the packet, and a related one that the packet begins.
        """
        back = told[Field.DIRECTION] == 1
        if state is State.RELATED and begins and not back:
            return replace(Connection.first(packet), state=state, expected=True, mark=told[Field.CTMARK])
        if state not in {State.ESTABLISHED, State.RELATED} or not (told[Field.CTMARK] or back):
            return None
        here = FlowTuple.of(packet)
        original = here.inverted if back else here
        return Connection(
            original,
            original.inverted,
            state,
            Direction.REPLY if back else Direction.ORIGINAL,
            destination_decided=True,
            source_decided=True,
            mark=told[Field.CTMARK],
            confirmed=True,
            seen_reply=True,
        )

    # ---- the machine

    def _made_node(self, told: Mapping[Field, int], answers: Mapping[Hashable, int]) -> Node:
        """Return a machine on which routing decides as the point says."""
        incoming = _name(told[Field.IN_INTERFACE]) if self._entrance is Entrance.ARRIVING else ""
        ways: dict[int, str] = {}
        own: list[int] = []
        kinds: dict[int, str] = {}
        kind = ADDRESS_TYPES[told[Field.DESTINATION_TYPE]]
        out = _name(told[Field.OUT_INTERFACE]) or "eth1"
        destination = told[Field.DESTINATION]
        is_local = kind == "LOCAL" or (kind == "UNICAST" and answers.get(ROUTE, 0) == 1)
        if is_local:
            own.append(destination)
        elif kind == "BROADCAST":
            kinds[destination] = "broadcast"
        else:
            ways[destination] = out
        for key, value in answers.items():
            match key:
                case ("route", Value(number), _) if value:
                    own.append(number)
                case ("way", Way(Value(number))) if value:
                    ways.setdefault(number, _name(value))
        if ADDRESS_TYPES[told[Field.SOURCE_TYPE]] == "LOCAL":
            own.append(told[Field.SOURCE])
        named = [incoming, out, *ways.values(), "eth0"]
        return self._node_of([name for name in dict.fromkeys(named) if name not in {"", "lo"}], ways, own, kinds)

    def _node_of(self, names: list[str], ways: Mapping[int, str], own: list[int], kinds: Mapping[int, str]) -> Node:
        four = self._space.family is Family.IPV4
        first = names[0]
        interfaces = {
            name: [f"198.18.{number}.1/24" if four else f"2001:db8:a:{number}::1/64"]
            for number, name in enumerate(names)
        }
        bits = self._space.family.bits
        for number in dict.fromkeys(own):
            address = self._address(number)
            if not address.is_loopback:
                interfaces[first].append(f"{address}/{bits}")
        routes = [
            Route(Prefix.of(self._address(number)), name)
            for number, name in ways.items()
            if number not in own and name != "lo"
        ]
        routes += [
            Route(Prefix.of(self._address(number)), names[-1], kind=kind, table="local")
            for number, kind in kinds.items()
            if number not in {0, 0xFFFFFFFF}
        ]
        default = Prefix(self._space.family, 0, 0)
        return Node.of(interfaces, [*routes, Route(default, (*names, first)[1])], sysctls=SWITCHES)


def _name(number: int) -> str:
    """Return the name of an interface by its number."""
    return number.to_bytes(16).rstrip(b"\0").decode("latin-1")
