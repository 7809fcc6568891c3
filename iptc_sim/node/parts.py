"""What a node is made of: interfaces, addresses, routes, rules of policy routing, sockets that listen."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from iptc_sim.packet import Packet
from iptc_sim.records import dataclass, field, replace
from iptc_sim.values import UNKNOWN, Address, Interface, NumberRange, Prefix, Unknown

#: The tables that every node has, by the names that ``ip`` prints.
LOCAL: Final = "local"
MAIN: Final = "main"
DEFAULT: Final = "default"
_TABLE_NUMBERS: Final = {"255": LOCAL, "254": MAIN, "253": DEFAULT, "0": MAIN, "unspec": MAIN}

ROUTE_KINDS: Final = frozenset(
    {"unicast", "local", "broadcast", "multicast", "anycast", "blackhole", "unreachable", "prohibit", "throw"}
)
#: What ``default`` means, by family.
EVERYWHERE: Final = {4: "0.0.0.0/0", 6: "::/0"}

#: Kinds of routes that end a lookup with an error for the sender.
REFUSING: Final = frozenset({"unreachable", "prohibit", "blackhole"})


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface.

    Args:
        name: its name.
        index: its number; 0 where it was not told.
        mac: its address, six bytes; None where it has none or it was not told.
        group: what ``ip link set group`` gave it.
        master: the bridge, bond or VRF that it is a port of.
        kind: ``bridge``, ``veth``, ``vrf`` ...; empty for hardware.
        up: whether it is switched on.
        mtu: the largest packet that it takes.
        table: of a VRF: the table that its ports are routed by.
    """

    name: str
    index: int = 0
    mac: bytes | None = None
    group: str = "default"
    master: str | None = None
    kind: str = ""
    up: bool = True
    mtu: int = 1500
    table: str = ""


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address on an interface.

    Args:
        interface: the interface's name; empty where it was not told.
        address: the address.
        network: the network that it is in; of a point-to-point link, the peer's.
        scope: ``global``, ``link`` or ``host``; empty: as the address itself tells.
        secondary: whether another address of the same network came before it (IPv4), so that it is never chosen as
            a source.
        broadcast: the broadcast address; None: the last address of the network, where that has one.
        peer: the other end of a point-to-point link.
        deprecated: whether its preferred lifetime is over.
        tentative: whether it is not yet known to be unique, and so not yet in use.
    """

    interface: str
    address: Address
    network: Prefix
    scope: str = ""
    secondary: bool = False
    broadcast: Address | None = None
    peer: Address | None = None
    deprecated: bool = False
    tentative: bool = False

    @property
    def reach(self) -> str:
        """The scope: told, or the one that the kernel gives such an address."""
        if self.scope:
            return self.scope
        return "host" if self.address.is_loopback else "link" if self.address.is_link_local else "global"


@dataclass(frozen=True, slots=True)
class NextHop:
    """One of several ways of a route, or the only one.

    Args:
        interface: the interface to leave by; None for types that have none.
        gateway: the next hop, of either family; None where the destination itself is on the link.
        weight: how many of all flows take it, in proportion.
    """

    interface: str | None
    gateway: Address | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Route:
    """A route.

    Args:
        destination: which addresses it serves.
        interface: the interface to leave by; None for types that have none.
        gateway: the next hop, of either family; None where the destination itself is on the link.
        kind: ``unicast``, ``local``, ``broadcast``, ``multicast``, ``anycast``, ``blackhole``, ``unreachable``,
            ``prohibit`` or ``throw``.
        metric: the lower one wins among equal prefixes.
        source: the ``src`` hint.
        table: the table that it is in, by name or number.
        tos: only for packets with this TOS; 0: for all.
        ways: the next hops of a multipath route; empty where there is only one.
        realm: the realm of the destination.
        sources: an IPv6 route only for packets from there (``from``).
        scope: ``global``, ``link``, ``host``; empty: as the kernel gives it.
    """

    destination: Prefix
    interface: str | None
    gateway: Address | None = None
    kind: str = "unicast"
    metric: int = 0
    source: Address | None = None
    table: str = MAIN
    tos: int = 0
    ways: tuple[NextHop, ...] = ()
    realm: int = 0
    sources: Prefix | None = None
    scope: str = ""

    @property
    def hops(self) -> tuple[NextHop, ...]:
        """Its next hops, at least one."""
        return self.ways or (NextHop(self.interface, self.gateway),)

    def __str__(self) -> str:
        way = self.interface or (f"{len(self.ways)} ways" if self.ways else self.kind)
        where = "" if self.table in {MAIN, LOCAL} else f" in table {self.table}"
        return f"{self.destination} by {way}{where}"


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """A rule of policy routing, as ``ip rule`` prints it.

    Args:
        priority: rules are asked from the lowest on.
        action: ``lookup``, ``unreachable``, ``prohibit``, ``blackhole``, ``goto``, ``nop`` or ``l3mdev``.
        table: the table of ``lookup``.
        target: the priority of ``goto``.
        source: ``from``.
        destination: ``to``.
        in_interface: ``iif``; ``lo`` means packets made here.
        out_interface: ``oif``; only sockets bound to an interface have one.
        mark: ``fwmark``, with ``mask``.
        mask: which bits of the mark are compared.
        tos: compared where it is not 0.
        protocol: ``ipproto``, a number.
        sports: source ports.
        dports: destination ports.
        uids: users, of packets made here; whatever comes in counts as user 0.
        inverted: ``not``: it fits where all this does not.
        suppress_length: a route whose prefix is not longer than this does not count.
        suppress_group: nor one that leaves by an interface of this group.
        realm: the realm that it gives.
    """

    priority: int
    action: str = "lookup"
    table: str = MAIN
    target: int = 0
    source: Prefix | None = None
    destination: Prefix | None = None
    in_interface: str | None = None
    out_interface: str | None = None
    mark: int = 0
    mask: int = 0
    tos: int = 0
    protocol: int | None = None
    sports: NumberRange | None = None
    dports: NumberRange | None = None
    uids: NumberRange | None = None
    inverted: bool = False
    suppress_length: int | None = None
    suppress_group: str | None = None
    realm: int = 0

    def __str__(self) -> str:
        return f"rule {self.priority}"


#: What ``ip rule`` prints where nobody has added a rule; IPv6 has no table ``default``.
DEFAULT_RULES: Final = (RoutingRule(0, table=LOCAL), RoutingRule(32766), RoutingRule(32767, table=DEFAULT))


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that waits for packets, as ``ss -lntu`` prints it.

    Args:
        protocol: number of the protocol.
        address: the address that it is bound to; None: every one of its families.
        port: its port.
        families: 4, 6 or both.
        interface: the interface that it is bound to.
        process: the name of its process; empty where it was not told.
    """

    protocol: int
    address: Address | None
    port: int
    families: frozenset[int]
    interface: str | None = None
    process: str = ""

    def takes(self, protocol: int, address: Address, port: int) -> bool:
        """Whether a packet to there is for it."""
        if (self.protocol, self.port) != (protocol, port) or address.version not in self.families:
            return False
        return self.address is None or self.address == address


@dataclass(frozen=True, slots=True)
class RouteKey:
    """What a lookup looks at besides the destination.

    Args:
        source: None where the packet has none yet.
        mark: the nfmark.
        tos: the TOS byte.
        in_interface: None for packets made here.
        out_interface: of a socket that is bound to one.
        protocol: number of the protocol.
        sport: source port.
        dport: destination port.
        uid: the user who made the packet; whatever comes in counts as user 0.
    """

    source: Address | Unknown | None = None
    mark: int = 0
    tos: int = 0
    in_interface: Interface = None
    out_interface: str | None = None
    protocol: int = 0
    sport: int | Unknown | None = None
    dport: int | Unknown | None = None
    uid: int | Unknown = 0

    @classmethod
    def of(cls, packet: Packet) -> RouteKey:
        """Return the key of a packet as it is; a source that is not known counts as none where this node made it."""
        made_here = packet.in_interface is None
        return cls(
            None if made_here and packet.source is UNKNOWN else packet.source,
            packet.mark,
            packet.tos,
            packet.in_interface,
            protocol=packet.protocol,
            sport=packet.sport,
            dport=packet.dport,
            uid=_user(packet) if made_here else 0,
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What a lookup says.

    Args:
        kind: the kind of the route (``local``, ``unicast``, ``broadcast``, ``blackhole`` ...); ``unreachable`` where
            there is none.
        interface: the way out; UNKNOWN where it cannot be told or there are several.
        gateway: the next hop, of either family.
        why: one clause.
        source: the source address that a packet without one gets.
        table: the table that the route is in.
        realm: its realm.
        ways: the next hops of a multipath route.
        route: the route itself.
        error: the errno that the sender gets where the packet is refused; what comes in is answered by ICMP alike.
    """

    kind: str
    interface: Interface = UNKNOWN
    gateway: Address | None = None
    why: str = ""
    source: Address | None = None
    table: str = ""
    realm: int = 0
    ways: tuple[NextHop, ...] = ()
    route: Route | None = field(default=None, repr=False)
    error: str = ""


def _user(packet: Packet) -> int | Unknown:
    """Return the user who made a packet; what the kernel makes by itself is root's."""
    if packet.owner is None:
        return 0
    return UNKNOWN if packet.owner is UNKNOWN else packet.owner.uid


def table_name(text: str) -> str:
    """Return the name of a table: the three that all nodes have by name, others as they stand."""
    return _TABLE_NUMBERS.get(text, text)


def interface_address(interface: str, text: str) -> InterfaceAddress:
    """Read ``ADDRESS[/LENGTH]`` on an interface.

    Raises:
        ValueError: it is not one.
    """
    return InterfaceAddress(interface, ip_address(text.partition("/")[0]), Prefix.parse(text))


def in_order(addresses: list[InterfaceAddress]) -> tuple[InterfaceAddress, ...]:
    """Return addresses as if added in this order: an IPv4 one in the network of an earlier one is secondary."""
    networks: set[tuple[str, Prefix]] = set()
    found = []
    for item in addresses:
        own = (item.interface, item.network)
        second = item.address.version == 4 and bool(item.interface) and own in networks
        found.append(replace(item, secondary=True) if second else item)
        networks.add(own)
    return tuple(found)
