"""The node: what decides whether a packet is for this machine, and by which interface it leaves.

Everything here is what ``ip -j``, ``sysctl``, ``ipset save``, ``ss`` and ``conntrack -L`` print; nothing is looked up
on the machine that runs the simulator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from iptc_sim.connection import Connection
from iptc_sim.node.lookup import Lookup
from iptc_sim.node.parts import (
    DEFAULT_RULES,
    LOCAL,
    REFUSING,
    Decision,
    InterfaceAddress,
    Link,
    Listener,
    NextHop,
    Route,
    RouteKey,
    RoutingRule,
    in_order,
    interface_address,
)
from iptc_sim.node.sources import choose_source
from iptc_sim.node.sysctls import Sysctls
from iptc_sim.node.tables import RouteTables, derived_routes, is_custom
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass, field
from iptc_sim.values import UNKNOWN, Address, Family, Interface, Prefix, Unknown

if TYPE_CHECKING:
    from iptc_sim.ipsets.model import IpSet

_MULTICAST = {Family.IPV4: Prefix.parse("224.0.0.0/4"), Family.IPV6: Prefix.parse("ff00::/8")}
_BROADCAST = "255.255.255.255"
#: Groups that every interface has joined.
_ALL_HOSTS = frozenset({"224.0.0.1", "ff01::1", "ff02::1"})
_NO_KEY = RouteKey()

#: What a process is told when a route refuses its packet (``ip-route(8)``).
_ERRORS = {"unreachable": "EHOSTUNREACH", "prohibit": "EACCES", "blackhole": "EINVAL"}


@dataclass(frozen=True)
class Node:
    """A machine: its interfaces, addresses, routes, switches, sets and sockets.

    Args:
        addresses: every address on every interface, in the order in which ``ip addr`` prints them; 127.0.0.0/8 and
            ::1 are always local.
        routes: the routes of all tables.
        sysctls: the switches.
        known: whether addresses and routes are complete. False: an address that is not listed is taken for another
            machine's, and the interface by which it is reached is unknown.
        links: the interfaces.
        rules: the rules of IPv4's policy routing, ``rules6`` those of IPv6; empty: those that every node has.
        derived: whether what the kernel makes of addresses (local routes, connected networks) counts without being
            listed.
        sets: ipsets by name; None: not told.
        listeners: sockets that listen; None: not told.
        connections: what conntrack knows already; None: not told.
        groups: multicast groups that were joined, as (interface, group), besides those that every host joins; None:
            not told, every group is taken as joined.
        assumed: sentences about what was not told and how it is taken.
    """

    addresses: tuple[InterfaceAddress, ...] = ()
    routes: tuple[Route, ...] = ()
    sysctls: Sysctls = field(default_factory=Sysctls)
    known: bool = False
    links: tuple[Link, ...] = ()
    rules: tuple[RoutingRule, ...] = ()
    rules6: tuple[RoutingRule, ...] = ()
    derived: bool = True
    sets: Mapping[str, IpSet] | None = None
    listeners: tuple[Listener, ...] | None = None
    connections: tuple[Connection, ...] | None = None
    groups: frozenset[tuple[str, Address]] | None = None
    cpu: int | None = None
    assumed: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        interfaces: Mapping[str, Iterable[str]],
        routes: Iterable[Route] = (),
        *,
        sysctls: Mapping[str, str] | None = None,
        rules: Iterable[RoutingRule] = (),
    ) -> Node:
        """Return a fully known node.

        Args:
            interfaces: addresses by interface, ``{"eth0": ["192.0.2.10/24"]}``.
            routes: routes beside those of the connected networks.
            sysctls: switches by path, ``{"net/ipv4/ip_forward": "0"}``.
            rules: rules of IPv4's policy routing beside those that every node has.

        Raises:
            ValueError: an address is none.
        """
        found = [interface_address(name, text) for name, texts in interfaces.items() for text in texts]
        links = tuple(Link(name, number) for number, name in enumerate(interfaces, 2))
        all_rules = (*DEFAULT_RULES, *rules)
        return cls(
            in_order(found),
            tuple(routes),
            Sysctls(dict(sysctls or {})),
            known=True,
            links=links,
            rules=all_rules if len(all_rules) > len(DEFAULT_RULES) else (),
            groups=frozenset(),
        )

    @cached_property
    def _tables(self) -> RouteTables:
        forwards6 = not self.sysctls.forwards(Family.IPV6, None)
        made = derived_routes(self.addresses, forwards6=forwards6) if self.derived else ()
        return RouteTables((*made, *self.routes))

    @cached_property
    def _lookups(self) -> dict[Family, Lookup]:
        by_name = {link.name: link for link in self.links}
        found = {}
        for family, told in ((Family.IPV4, self.rules), (Family.IPV6, self.rules6)):
            rules = sorted(told or DEFAULT_RULES, key=lambda rule: rule.priority)
            found[family] = Lookup(family, self._tables, rules, by_name, plain=not self.has_rules(family))
        return found

    def has_rules(self, family: Family) -> bool:
        """Whether somebody has added rules of policy routing."""
        told = self.rules if family is Family.IPV4 else self.rules6
        return any(rule not in DEFAULT_RULES for rule in told)

    @cached_property
    def has_local_routes(self) -> bool:
        """Whether somebody has put IPv4 routes of his own into the local table."""
        own = frozenset(item.address for item in self.addresses)
        return any(route.destination.family is Family.IPV4 and is_custom(route, own) for route in self.routes)

    def _in_local_table(self, address: Address) -> Route | None:
        """Return the best route of the local table."""
        return self._tables.get(Family(address.version), LOCAL).find(address, _NO_KEY)

    def is_local(self, address: Address | Unknown) -> bool:
        """Whether the local table delivers the address to this machine (loopback network or an own address).

        An address that is not known is one of this node's: only MASQUERADE and REDIRECT make such.
        """
        if address is UNKNOWN:
            return True
        route = self._in_local_table(address)
        return route is not None and route.kind == "local"

    def owns(self, address: Address) -> bool:
        """Whether it is an address of an interface (a route that makes it local is not enough)."""
        return address in self._own or str(address) in {"127.0.0.1", "::1"}

    @cached_property
    def _own(self) -> frozenset[Address]:
        return frozenset(item.address for item in self.addresses)

    def address_type(self, address: Address | Unknown, interface: str | None = None) -> str:
        """Return what ``-m addrtype`` sees: LOCAL, BROADCAST, MULTICAST, ANYCAST or UNICAST.

        The kernel asks the local table only (``inet_dev_addr_type``), so an address without a route is UNICAST too.

        Args:
            address: the address asked about.
            interface: with ``--limit-iface-in``/``-out``: only what the local table has by this interface counts.
        """
        if address is UNKNOWN:
            return "LOCAL"
        if str(address) in {_BROADCAST, "0.0.0.0"}:  # noqa: S104 - an address to compare with
            return "BROADCAST"
        if address in _MULTICAST[Family(address.version)]:
            return "MULTICAST"
        route = self._in_local_table(address)
        if route is None or route.kind not in {"local", "broadcast", "anycast"}:
            return "UNICAST"
        if interface is not None and all(hop.interface != interface for hop in route.hops):
            return "UNICAST"
        return route.kind.upper()

    def address_types6(self, address: Address, interface: str | None = None) -> tuple[str, str]:
        """Return what ``-m addrtype`` sees of an IPv6 address, which unlike IPv4 asks for a route in all tables.

        Args:
            address: the address asked about.
            interface: with ``--limit-iface-in``/``-out``: only routes by this interface count.

        Returns:
            Its class (UNICAST, MULTICAST or UNSPEC), and what its route is (LOCAL, ANYCAST, UNREACHABLE, or nothing).
        """
        if address.is_unspecified:
            return "UNSPEC", "UNREACHABLE"
        if address.is_multicast:
            return "MULTICAST", ""
        kind = self.lookup(address, RouteKey(out_interface=interface)).kind
        found = {"local": "LOCAL", "anycast": "ANYCAST"} | dict.fromkeys(REFUSING, "UNREACHABLE")
        return "UNICAST", found.get(kind, "")

    def lookup(self, address: Address | Unknown, key: RouteKey = _NO_KEY) -> Decision:
        """Return where a packet goes.

        Args:
            address: its destination.
            key: what else of it routing may look at.
        """
        if address is UNKNOWN:
            return Decision("local", "lo", why="it is an address of this node", table=LOCAL)
        found = self._lookups[Family(address.version)].find(address, key)
        if str(address) == _BROADCAST:
            # Whatever route there is, only its interface counts.
            outer = found.route.interface if found.route is not None else UNKNOWN
            return Decision("broadcast", outer, why=f"{address} is a broadcast address")
        if found.doubt:
            return Decision("unicast", UNKNOWN, why=found.doubt)
        if found.refused:
            error = "ENETUNREACH" if found.refused == "unreachable" else _ERRORS[found.refused]
            return Decision(found.refused, None, why=f"{found.rule} says {found.refused}", error=error)
        if found.route is not None:
            return self._decision(address, found.route, key, f" ({found.rule})" if found.rule else "")
        if self.known:
            return Decision("unreachable", None, why=f"no route to {address}", error="ENETUNREACH")
        return Decision("unicast", UNKNOWN, why=f"{address} is not a known address of this node")

    def _decision(self, address: Address, route: Route, key: RouteKey, by_rule: str) -> Decision:
        source = self._source(address, route) if key.source is None else None
        if route.kind in {"local", "anycast"}:
            why = f"{address} is an address of this node"
            return Decision(route.kind, "lo", None, why, source, route.table, route.realm, route=route)
        interfaces = {hop.interface for hop in route.hops}
        only = route.hops[0] if len(route.hops) == 1 else NextHop(None)
        interface: Interface = next(iter(interfaces)) if len(interfaces) == 1 else UNKNOWN
        if route.kind in REFUSING:
            interface = None
        why = f"{address} is a broadcast address" if route.kind == "broadcast" else f"{route}{by_rule}"
        ways = route.hops if len(route.hops) > 1 else ()
        return Decision(
            kind=route.kind,
            interface=interface,
            gateway=only.gateway,
            why=why,
            source=source,
            table=route.table,
            realm=route.realm,
            ways=ways,
            route=route,
            error=_ERRORS.get(route.kind, ""),
        )

    def _source(self, address: Address, route: Route) -> Address | None:
        if route.source is not None:
            return route.source
        if route.kind == "local":
            return address
        hop = route.hops[0]
        towards = hop.gateway if hop.gateway is not None and hop.gateway.version == address.version else address
        scope = route.scope or ("global" if hop.gateway is not None else "link")
        return choose_source(self.addresses, hop.interface, towards, address, scope)

    def joined(self, interface: Interface, group: Address) -> bool:
        """Whether the interface has joined a multicast group."""
        if self.groups is None or str(group) in _ALL_HOSTS:
            return True
        return any(name == interface and group == one for name, one in self.groups) or self._solicited(interface, group)

    def _solicited(self, interface: Interface, group: Address) -> bool:
        """Whether it is the group by which neighbours ask for an own IPv6 address."""
        base = int(group) >> 24 == 0xFF0200000000000000000001FF
        own = (item.address for item in self.addresses if item.interface == interface and item.address.version == 6)
        return group.version == 6 and base and any(int(one) & 0xFFFFFF == int(group) & 0xFFFFFF for one in own)

    def masquerade_address(self, packet: Packet) -> Address | None:
        """Return the address that MASQUERADE gives a packet; None where the node has none.

        IPv4: that of the out interface in the subnet of the next hop, else its first one, else one of another interface
        (``inet_select_addr``); a route's ``src`` hint plays no part. IPv6: as for a packet without a source (RFC 6724).

        Args:
            packet: with an out interface and a destination that are known.
        """
        outer, destination = packet.out_interface, packet.destination
        if destination is UNKNOWN or not isinstance(outer, str):
            return None
        if packet.family is Family.IPV6 and destination.is_loopback:
            return destination
        decision = self.lookup(destination, RouteKey.of(packet))
        way = next((way for way in decision.ways if way.interface == outer), None)
        gateway = decision.gateway if way is None else way.gateway
        return self.source_for(outer, gateway or destination, destination)

    def source_for(self, interface: str, next_hop: Address, destination: Address) -> Address | None:
        """Return the address of this node that a packet by an interface gets; None where the node has none.

        Args:
            interface: the way out.
            next_hop: the next hop, or the destination where there is none.
            destination: the destination.
        """
        towards = next_hop if next_hop.version == destination.version else destination
        return choose_source(self.addresses, interface, towards, destination, "global")

    def is_for_many(self, destination: Address | Unknown, interface: Interface) -> bool:
        """Whether a packet to there comes in by the interface in a frame for all hosts on its link, or a group."""
        if destination is UNKNOWN:
            return False
        if destination.is_multicast or str(destination) == "255.255.255.255":
            return True
        on_link = any(destination in item.network for item in self.addresses if item.interface == interface)
        return on_link and self.address_type(destination) == "BROADCAST"

    def first_address(self, interface: str, family: Family, destination: Address | Unknown = UNKNOWN) -> Address | None:
        """Return the address of an interface that REDIRECT takes: the first one; None where it has none.

        Args:
            interface: the interface.
            family: 4 or 6.
            destination: the packet's; an IPv6 one that is link-local is redirected to a link-local address only.
        """
        usable = [item for item in self.addresses_of(interface, family) if not item.tentative]
        if family is Family.IPV6 and destination is not UNKNOWN and _is_of_the_link(destination):
            usable = [item for item in usable if item.address.is_link_local]
        return usable[0].address if usable else None

    def link(self, interface: Interface) -> Link | None:
        """Return what is known of an interface; None where nothing is."""
        return next((link for link in self.links if link.name == interface), None)

    def addresses_of(self, interface: Interface, family: Family) -> tuple[InterfaceAddress, ...]:
        """Return the addresses of an interface."""
        return tuple(item for item in self.addresses if (item.interface, item.address.version) == (interface, family))


def _is_of_the_link(address: Address) -> bool:
    """Whether an IPv6 address is worth something on one link only (RFC 4291: fe80::/10, and groups of scope 2)."""
    return address.is_link_local or (address.is_multicast and int(address) >> 112 & 0xF == 2)
