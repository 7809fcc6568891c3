"""What a known node says about packets: whose addresses they have, and by which way they go."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from iptc_sim.behaviour.possible import Possible
from iptc_sim.behaviour.reach_answer import Destination
from iptc_sim.constraint import ADDRESS_TYPES, STATES, Field
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import union
from iptc_sim.node import Node
from iptc_sim.protocols import ICMP, ICMPV6
from iptc_sim.symbolic.pipeline import Entrance
from iptc_sim.symbolic.store import Moved, OneOf, Value, Way
from iptc_sim.symbolic.variables import ROUTE, Space, interface_number
from iptc_sim.values import Address, Family

_LO: Final = interface_number("lo")
_BROADCAST: Final = ADDRESS_TYPES.index("BROADCAST")
_LOCAL: Final = ADDRESS_TYPES.index("LOCAL")
_NEW: Final = ((STATES.index("NEW"), STATES.index("NEW")),)
_ERRORS: Final = {Family.IPV4: (ICMP, (3, 4, 5, 11, 12)), Family.IPV6: (ICMPV6, (1, 2, 3, 4))}
_TRACKED: Final = ((0, STATES.index("INVALID")),)
_EVERYBODY: Final = 0xFFFFFFFF
#: Networks that have a meaning of their own: bounds at which the type of an address may change.
_BOUNDS: Final = {
    Family.IPV4: (0, 1, 127 << 24, 128 << 24, 224 << 24, 240 << 24, _EVERYBODY),
    Family.IPV6: (0, 1, 2, 0xFE80 << 112, 0xFEC0 << 112, 0xFF00 << 112),
}


class Facts:
    """Conditions on packets that are asked about.

    Args:
        space: of the packets.
        node: the machine; None where it is not known.
        to: where the packets end that these are asked for; what they get for a destination is this one.
    """

    def __init__(self, space: Space, node: Node | None, to: Destination) -> None:
        self._space, self._made, self._node, self._to = space, space.diagrams, node, to
        self._possible = Possible(space)

    def of(self, entrance: Entrance) -> Diagram:
        """Return the condition that a point is a packet of an entrance that there may be on this node.

        To be asked for when the behaviours are made, as it also speaks of the variables that these have brought.
        """
        made, space = self._made, self._space
        parts = [
            self._possible.of(entrance),
            space.within(Field.CTSTATE, _TRACKED),
            made.negation(made.conjunction(space.within(Field.CTSTATE, _NEW), self._is_error())),
            *self._of_variables(),
        ]
        if entrance is Entrance.LOCAL:
            parts.append(space.within(Field.SOURCE_TYPE, ((_LOCAL, _LOCAL),)))
            parts.append(space.within(Field.IN_INTERFACE, ((0, 0),)))
        if self._node is not None:
            parts += self._of_fields(self._node, entrance)
        elif space.family is Family.IPV4:  # nobody asks for the broadcast address of a network that is not told
            everybody = space.within(Field.DESTINATION, ((_EVERYBODY, _EVERYBODY),))
            others = made.negation(space.within(Field.DESTINATION_TYPE, ((_BROADCAST, _BROADCAST),)))
            parts.append(made.disjunction(everybody, others))
        return made.conjunction(*parts)

    def _is_error(self) -> Diagram:
        """Return the condition that a packet is an ICMP error: it begins no connection (nf_conntrack_proto_icmp.c)."""
        protocol, kinds = _ERRORS[self._space.family]
        spans = union((kind << 8, kind << 8 | 0xFF) for kind in kinds)
        return self._space.cell({Field.PROTOCOL: ((protocol, protocol),), Field.ICMP: spans})

    def _number(self, term: object) -> int | None:
        """Return the address that a term stands for, of packets that end at the destination."""
        if isinstance(term, Value):
            return term.number
        is_moved = isinstance(term, Moved | OneOf) and self._to.prefix.is_host
        return self._to.prefix.network if is_moved else None

    def _of_fields(self, node: Node, entrance: Entrance) -> Iterator[Diagram]:
        """Yield what the addresses of packets as they enter mean."""
        yield self._by_address(Field.SOURCE, lambda address: self._type(node, Field.SOURCE_TYPE, address))
        yield self._by_address(Field.DESTINATION, lambda address: self._type(node, Field.DESTINATION_TYPE, address))
        yield self._by_address(Field.DESTINATION, lambda address: self._routed(node, address, entrance))

    def _type(self, node: Node, field: Field, address: Address) -> Diagram:
        number = _type_of(node, address)
        return self._space.within(field, ((number, number),))

    def _routed(self, node: Node, address: Address, entrance: Entrance) -> Diagram:
        """Return what is true of routing for packets to an address."""
        made, space = self._made, self._space
        found = node.lookup(address)
        route = space.flag(ROUTE)
        is_here = found.kind in {"local", "broadcast", "anycast"} or address.is_multicast
        if found.interface is None and not is_here:  # what arrives for another address may get one that has a route
            is_lost = entrance is Entrance.LOCAL or address in self._to.prefix
            return made.no if is_lost else made.yes
        parts = [] if entrance is Entrance.LOCAL else [route if is_here else made.negation(route)]
        if isinstance(found.interface, str) and not node.has_rules(space.family):
            number = interface_number(found.interface)
            if entrance is Entrance.LOCAL or not is_here:
                parts.append(space.within(Field.OUT_INTERFACE, ((number, number),)))
        return made.conjunction(*parts)

    def _by_address(self, field: Field, fact: Callable[[Address], Diagram]) -> Diagram:
        """Return what is true of packets by an address of theirs."""
        made, level = self._made, self._space.level(field)
        starts = self._starts()
        facts = [fact(self._address(number)) for number in starts]
        found = made.no
        by_fact: dict[Diagram, list[tuple[int, int]]] = {}
        ends = [*starts[1:], self._made.highest[level] + 1]
        for low, end, one in zip(starts, ends, facts, strict=True):
            by_fact.setdefault(one, []).append((low, end - 1))
        for one, spans in by_fact.items():
            found = made.disjunction(found, made.conjunction(self._space.within(field, union(spans)), one))
        return found

    def _starts(self) -> list[int]:
        """Return the addresses at which the node's answers may change."""
        family = self._space.family
        starts = set(_BOUNDS[family])
        size = (1 << family.bits) - 1
        node = self._node or Node()
        nets = [item.network for item in node.addresses] + [route.destination for route in node.routes]
        for net in nets:
            if net.family is family:
                first, last = net.span
                starts |= {first, first + 1, last, last + 1}
        for item in node.addresses:
            if item.address.version == family:
                starts |= {int(item.address), int(item.address) + 1}
        return sorted(number for number in starts if number <= size)

    def _address(self, number: int) -> Address:
        return IPv4Address(number) if self._space.family is Family.IPV4 else IPv6Address(number)

    def _of_variables(self) -> Iterator[Diagram]:
        """Yield what is true of destinations that rules give."""
        made, space = self._made, self._space
        for _, key in list(space.variables()):
            match key:
                case ("type", Value() as term):
                    route = space.flag(("route", term, None))
                    local = made.test(space.variable(key), ((_LOCAL, _LOCAL),), made.yes, made.no)
                    yield made.choose(route, local, made.negation(local))
                    yield made.test(space.variable(key), ((0, _LOCAL),), made.yes, made.no)
                case ("way", Way(Value() as term, None)):
                    route = space.flag(("route", term, None))
                    by_lo = made.test(space.variable(key), ((_LO, _LO),), made.yes, made.no)
                    yield made.choose(route, by_lo, made.negation(by_lo))
        if self._node is not None:
            for level, key in list(space.variables()):
                found = self._told(self._node, key)
                if found is not None:
                    yield made.test(level, ((found, found),), made.yes, made.no)

    def _told(self, node: Node, key: Hashable) -> int | None:
        """Return the value of a variable that the node tells."""
        match key:
            case ("route", term, _) if (number := self._number(term)) is not None:
                return int(node.lookup(self._address(number)).kind in {"local", "anycast", "broadcast"})
            case ("way", Way(term)) if (number := self._number(term)) is not None and not self._has_rules(node):
                interface = node.lookup(self._address(number)).interface
                return interface_number(interface) if isinstance(interface, str) else None
            case ("type", term) if (number := self._number(term)) is not None:
                return _type_of(node, self._address(number))
        return None

    def _has_rules(self, node: Node) -> bool:
        return node.has_rules(self._space.family)


def _type_of(node: Node, address: Address) -> int:
    if isinstance(address, IPv6Address):
        kind, route = node.address_types6(address)
        return ADDRESS_TYPES.index(route or kind)
    return ADDRESS_TYPES.index(node.address_type(address))
