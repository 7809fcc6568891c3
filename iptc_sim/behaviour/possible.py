"""Which points of a space are packets: what fields, routing and address types have to do with each other.

Diagrams know nothing of this, which is sound: what is equal for more points is equal for packets. It keeps points from
being looked at that no packet is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Final

from iptc_sim.constraint import ADDRESS_TYPES, Field
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import Span, union
from iptc_sim.node import Node, Route
from iptc_sim.node.parts import LOCAL, MAIN
from iptc_sim.node.tables import derived_routes
from iptc_sim.symbolic.pipeline import Entrance
from iptc_sim.symbolic.store import Value, Way
from iptc_sim.symbolic.variables import ROUTE, Space, interface_number
from iptc_sim.values import Family

_LO: Final = interface_number("lo")
_MULTICAST: Final = {Family.IPV4: ("224.0.0.0/4",), Family.IPV6: ("ff00::/8",)}
_LOOPBACK: Final = {Family.IPV4: ("127.0.0.0/8",), Family.IPV6: ("::1/128",)}
#: Destinations that are on every link: by which they go hangs on more than the address.
_OF_THE_LINK: Final = {Family.IPV4: (), Family.IPV6: ("fe80::/10",)}
#: Destinations that are for everybody (``inet_addr_type``).
_EVERYBODY: Final = {Family.IPV4: ("255.255.255.255/32", "0.0.0.0/32"), Family.IPV6: ()}
#: Sources that routing refuses, whatever rules say: their packets do not get through in any case.
_REFUSED: Final = {
    Family.IPV4: ("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4"),
    Family.IPV6: ("::/128", "ff00::/8"),
}


def networks(texts: Iterable[str]) -> tuple[Span, ...]:
    """Return the addresses of networks as numbers."""
    found = map(ip_network, texts)
    return union((int(net.network_address), int(net.broadcast_address)) for net in found)


class Possible:
    """The conditions that points are packets, of the machine of the space where that is known."""

    def __init__(self, space: Space) -> None:
        self._space, self._made = space, space.diagrams
        self._node = space.node if space.node is not None and space.node.known else None

    def of(self, entrance: Entrance) -> Diagram:
        """Return the condition that a point is a packet of an entrance; True and False."""
        made, family = self._made, self._space.family
        parts = [self._within(Field.SNATTED, ((0, 0),)), self._within(Field.DNATTED, ((0, 0),)), self._types()]
        out = self._within(Field.OUT_INTERFACE, ((1, self._highest(Field.OUT_INTERFACE)),))
        by_lo = self._within(Field.OUT_INTERFACE, ((_LO, _LO),))
        is_local = self._type(Field.DESTINATION_TYPE, "LOCAL")
        if entrance is Entrance.LOCAL:
            parts += [out, self._equal(is_local, by_lo)]
        else:
            route = self._space.flag(ROUTE)
            arrives = self._within(Field.IN_INTERFACE, ((1, _LO - 1), (_LO + 1, self._highest(Field.IN_INTERFACE))))
            refused = self._within(Field.SOURCE, networks(_REFUSED[family]))
            away = self._type(Field.DESTINATION_TYPE, "UNICAST")
            parts += [arrives, made.negation(refused), self._equal(made.negation(route), away)]
            parts += [made.disjunction(route, made.conjunction(out, made.negation(by_lo)))]
        if self._node is not None:
            parts += self._on(self._node, entrance)
        return made.conjunction(*parts, *self._rewritten(entrance))

    def _on(self, node: Node, entrance: Entrance) -> Iterator[Diagram]:
        """Yield what the addresses and interfaces of a known machine say; its routes where the destination decides."""
        made, family = self._made, self._space.family
        names = dict.fromkeys([*(link.name for link in node.links), *(item.interface for item in node.addresses)])
        there = union((interface_number(name), interface_number(name)) for name in names if name)
        if entrance is Entrance.ARRIVING and there:
            yield self._within(Field.IN_INTERFACE, there)
        routes = [route for route in _routes(node) if _is(route, family)]
        mine = union(
            (route.destination.span for route in routes if (route.kind, route.table) == ("local", LOCAL)),
            networks(_LOOPBACK[family]),
        )
        for address, kind in ((Field.DESTINATION, Field.DESTINATION_TYPE), (Field.SOURCE, Field.SOURCE_TYPE)):
            yield self._equal(self._within(address, mine), self._type(kind, "LOCAL"))
        if node.has_rules(family) or any(map(_is_for_some, routes)):
            return
        way = made.yes
        # What is last counts: the narrowest, of these that with the lowest metric, of these the first.
        ways = [route for route in reversed(routes) if route.interface]
        for route in sorted(ways, key=lambda route: (route.destination.length, -route.metric)):
            number = interface_number(str(route.interface))
            leaves = self._within(Field.OUT_INTERFACE, ((number, number),))
            way = made.choose(self._within(Field.DESTINATION, (route.destination.span,)), leaves, way)
        of_the_link = self._within(Field.DESTINATION, networks(_OF_THE_LINK[family]))
        yield made.disjunction(made.negation(self._type(Field.DESTINATION_TYPE, "UNICAST")), of_the_link, way)

    def _rewritten(self, entrance: Entrance) -> Iterator[Diagram]:
        """Yield what routing says of destinations that rules have given to packets."""
        made, highest = self._made, self._highest(Field.OUT_INTERFACE)
        for level, key in self._space.variables():
            match key:
                case ("way", Way()):
                    yield made.test(level, ((1, highest),), made.yes, made.no)
                case ("type", Value() as term):
                    local, away = (ADDRESS_TYPES.index(name) for name in ("LOCAL", "UNICAST"))
                    is_local = made.test(level, ((local, local),), made.yes, made.no)
                    is_away = made.test(level, ((away, away),), made.yes, made.no)
                    yield made.disjunction(is_local, is_away)
                    if entrance is Entrance.ARRIVING:
                        yield self._equal(is_local, self._space.flag(("route", term, None)))
                    else:
                        way = self._space.variable(("way", Way(term)), highest)
                        yield self._equal(is_local, made.test(way, ((_LO, _LO),), made.yes, made.no))

    def _types(self) -> Diagram:
        """Return how the types of addresses hang on the addresses."""
        made, family = self._made, self._space.family
        multicast = self._within(Field.DESTINATION, networks(_MULTICAST[family]))
        parts = [self._equal(multicast, self._type(Field.DESTINATION_TYPE, "MULTICAST"))]
        many = networks(_EVERYBODY[family])
        if many:
            everybody = self._within(Field.DESTINATION, many)
            parts.append(self._then(everybody, self._type(Field.DESTINATION_TYPE, "BROADCAST")))
        parts.append(self._type(Field.DESTINATION_TYPE, "UNICAST", "LOCAL", "BROADCAST", "MULTICAST"))
        parts.append(self._type(Field.SOURCE_TYPE, "UNICAST", "LOCAL"))
        for address, kind in ((Field.DESTINATION, Field.DESTINATION_TYPE), (Field.SOURCE, Field.SOURCE_TYPE)):
            loopback = self._within(address, networks(_LOOPBACK[family]))
            parts.append(self._then(loopback, self._type(kind, "LOCAL")))
        return made.conjunction(*parts)

    def _highest(self, field: Field) -> int:
        return self._made.highest[self._space.level(field)]

    def _within(self, field: Field, spans: tuple[Span, ...]) -> Diagram:
        return self._space.within(field, spans)

    def _type(self, field: Field, *names: str) -> Diagram:
        numbers = [ADDRESS_TYPES.index(name) for name in names]
        return self._within(field, union((number, number) for number in numbers))

    def _then(self, condition: Diagram, consequence: Diagram) -> Diagram:
        return self._made.choose(condition, consequence, self._made.yes)

    def _equal(self, one: Diagram, other: Diagram) -> Diagram:
        return self._made.choose(one, other, self._made.negation(other))


def _routes(node: Node) -> tuple[Route, ...]:
    """Return all routes of a machine, those that the kernel makes of its addresses among them."""
    return (*(derived_routes(node.addresses) if node.derived else ()), *node.routes)


def _is_for_some(route: Route) -> bool:
    """Whether a route does not serve all packets to its destination, or not by one way."""
    return bool(route.ways or route.tos or route.sources or route.table not in {MAIN, LOCAL})


def _is(route: Route, family: Family) -> bool:
    return route.destination.family is family and route.destination.length is not None
