"""The routing tables, by longest prefix: as many questions as there are prefix lengths, not as there are routes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, ip_address

from iptc_sim.node.parts import LOCAL, MAIN, InterfaceAddress, Route, RouteKey
from iptc_sim.values import Address, Family, Prefix

_LOOPBACK = Prefix.parse("127.0.0.0/8")
_GROUPS6 = Prefix.parse("ff00::/8")

#: Bits of the TOS byte that routing looks at; the others are ECN's.
DSCP = 0x1C


class RouteTable:
    """The routes of one table and family."""

    def __init__(self, family: Family) -> None:
        self._bits = family.bits
        self._by_length: dict[int, dict[int, list[Route]]] = {}
        self._lengths: list[tuple[int, dict[int, list[Route]]]] | None = None

    def add(self, route: Route) -> None:
        """Add a route."""
        found = self._by_length.setdefault(route.destination.length or 0, {})
        found.setdefault(route.destination.network, []).append(route)
        self._lengths = None

    def matching(self, address: Address) -> Iterator[Route]:
        """Yield the routes that hold an address: longest prefix first, then by source, TOS, metric and order."""
        if self._lengths is None:
            for routes in (one for found in self._by_length.values() for one in found.values()):
                # sorted() keeps the order of equals
                routes.sort(key=lambda one: (-(one.sources.length or 0 if one.sources else 0), -one.tos, one.metric))
            self._lengths = sorted(self._by_length.items(), reverse=True)
        number = int(address)
        for length, found in self._lengths:
            yield from found.get(number >> (self._bits - length) << (self._bits - length), ())

    def find(self, address: Address, key: RouteKey, outer: str | None = None) -> Route | None:
        """Return the best route, None where there is none.

        Args:
            address: where to.
            key: the rest of the packet.
            outer: an interface that the route has to leave by, None: any.
        """
        for route in self.matching(address):
            if route.tos and route.tos & DSCP != key.tos & DSCP:
                continue
            if route.sources is not None and key.source not in route.sources:
                continue
            if outer is not None and all(hop.interface != outer for hop in route.hops):
                continue
            return route
        return None


class RouteTables:
    """All tables of a node."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._tables: dict[tuple[Family, str], RouteTable] = {}
        #: What an IPv4 node without rules of its own asks instead of ``local`` and ``main``: the kernel keeps the two
        #: in one tree until the first rule is added, so that a longer prefix of ``main`` wins over one of ``local``.
        self.merged = RouteTable(Family.IPV4)
        seen: set[Route] = set()
        for route in routes:
            if route in seen:
                continue  # of two files, or both told and derived
            seen.add(route)
            family = route.destination.family
            self._table(family, route.table).add(route)
            if family is Family.IPV4 and route.table in {LOCAL, MAIN}:
                self.merged.add(route)

    def _table(self, family: Family, name: str) -> RouteTable:
        if (family, name) not in self._tables:
            self._tables[family, name] = RouteTable(family)
        return self._tables[family, name]

    def get(self, family: Family, name: str) -> RouteTable:
        """Return a table; an empty one where there is none of that name."""
        return self._table(family, name)


def derived_routes(addresses: tuple[InterfaceAddress, ...], *, forwards6: bool = False) -> Iterator[Route]:
    """Yield what the kernel makes of addresses: routes to themselves, their broadcast addresses and networks.

    Args:
        addresses: of all interfaces, in the order in which ``ip addr`` prints them.
        forwards6: whether IPv6 is forwarded: then the first address of a network is every router's (anycast).
    """
    yield from _LOOPBACK_ROUTES
    first: dict[tuple[str, Prefix], Address] = {}
    for item in addresses:
        if not item.secondary:
            first.setdefault((item.interface, item.network), item.address)
    for item in addresses:
        if not item.tentative:
            yield from local_routes(item, first.get((item.interface, item.network), item.address))
            yield from connected_routes(item, forwards6=forwards6)


def local_routes(item: InterfaceAddress, first: Address) -> Iterator[Route]:
    """Yield what the local table holds for an address.

    Args:
        item: the address.
        first: the primary address of its network, which packets of this node to ``item`` get as their source.
    """
    address, interface = item.address, item.interface
    yield Route(Prefix.of(address), interface, kind="local", source=first, table=LOCAL, scope="host")
    if address.version == 6 or address.is_loopback:
        return
    last = item.network.network | (item.network.mask ^ 0xFFFFFFFF)
    ends = {IPv4Address(last)} if interface and not item.peer and (item.network.length or 0) < 31 else set()
    for end in ends | ({item.broadcast} if item.broadcast else set()):
        yield Route(Prefix.of(end), interface, kind="broadcast", source=first, table=LOCAL, scope="link")


def connected_routes(item: InterfaceAddress, *, forwards6: bool = False) -> Iterator[Route]:
    """Yield the routes to the network of an address, and to multicast groups by its interface."""
    interface, network = item.interface, item.network
    if not interface or item.secondary or item.address.is_loopback or (network.is_host and not item.peer):
        return
    if item.address.version == 4:
        yield Route(network, interface, source=item.address, scope="link")
        return
    yield Route(network, interface, metric=256)
    yield Route(_GROUPS6, interface, kind="multicast", metric=256, table=LOCAL)
    if forwards6:
        yield Route(Prefix.of(network.address), interface, kind="anycast", table=LOCAL)


_LOOPBACK_ROUTES = (
    Route(_LOOPBACK, "lo", kind="local", source=ip_address("127.0.0.1"), table=LOCAL, scope="host"),
    Route(Prefix.parse("127.255.255.255"), "lo", kind="broadcast", table=LOCAL, scope="link"),
    Route(Prefix.parse("::1"), "lo", kind="local", table=LOCAL, scope="host"),
)


def is_custom(route: Route, addresses: frozenset[Address]) -> bool:
    """Whether a local route is none of those that the kernel makes for addresses."""
    if (route.kind, route.table) != ("local", LOCAL) or route.destination == _LOOPBACK:
        return False
    own = route.destination.address
    return not (route.destination.is_host and (own in addresses or own.is_loopback))
