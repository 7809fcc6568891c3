"""The node: what decides whether a packet is for this machine, and by which interface it leaves.

Everything here is what ``ip -j addr``, ``ip -j route`` and ``sysctl`` print; nothing is looked up on the machine that
runs the simulator.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from ipaddress import ip_address

from iptc_sim.records import dataclass
from iptc_sim.values import UNKNOWN, Address, Family, Interface, Prefix, Unknown

_LOOPBACK = {Family.IPV4: Prefix.parse("127.0.0.0/8"), Family.IPV6: Prefix.parse("::1/128")}
_MULTICAST = {Family.IPV4: Prefix.parse("224.0.0.0/4"), Family.IPV6: Prefix.parse("ff00::/8")}


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address on an interface, with the prefix of its network."""

    interface: str
    address: Address
    network: Prefix


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the main table.

    Args:
        destination: which addresses it serves.
        interface: the interface to leave by; None for types that have none.
        gateway: the next hop, None where the destination itself is on the link.
        kind: ``unicast``, ``local``, ``broadcast``, ``blackhole``, ``unreachable`` or ``prohibit``.
        metric: the lower one wins among equal prefixes.
        source: the ``src`` hint.
    """

    destination: Prefix
    interface: str | None
    gateway: Address | None = None
    kind: str = "unicast"
    metric: int = 0
    source: Address | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the route lookup says: ``local``, ``unicast``, ``broadcast``, ``blackhole`` ... or ``unknown``."""

    kind: str
    interface: Interface = UNKNOWN
    gateway: Address | None = None
    why: str = ""


@dataclass(frozen=True)
class Node:
    """A machine's addresses, routes and switches.

    Args:
        addresses: every address on every interface; 127.0.0.0/8 and ::1 are always local.
        routes: the main table; connected networks of ``addresses`` count without being listed.
        ip_forward: ``net.ipv4.ip_forward``.
        route_localnet: interfaces whose ``route_localnet`` is 1; ``all`` for every one.
        known: whether the two lists are complete. False: an address that is not listed is taken for another machine's,
            and the interface by which it is reached is unknown.
    """

    addresses: tuple[InterfaceAddress, ...] = ()
    routes: tuple[Route, ...] = ()
    ip_forward: bool = True
    route_localnet: frozenset[str] = frozenset()
    known: bool = False
    _local: frozenset[Address] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_local", frozenset(item.address for item in self.addresses))

    @classmethod
    def of(cls, interfaces: dict[str, Iterable[str]], routes: Iterable[Route] = ()) -> Node:
        """Return a fully known node from ``{"eth0": ["192.0.2.10/24"]}``.

        Raises:
            ValueError: an address is none.
        """
        found = [interface_address(name, text) for name, texts in interfaces.items() for text in texts]
        return cls(tuple(found), tuple(routes), known=True)

    def is_local(self, address: Address | Unknown) -> bool:
        """Whether the local table delivers the address to this machine (loopback network or an own address).

        An address that is not known is one of this node's: only MASQUERADE and REDIRECT make such.
        """
        if address is UNKNOWN:
            return True
        return address in self._local or address in _LOOPBACK[Family(address.version)]

    def address_type(self, address: Address | Unknown, interface: str | None = None) -> str:
        """Return what ``-m addrtype`` sees: LOCAL, BROADCAST, MULTICAST or UNICAST.

        The kernel asks the local table only (``inet_dev_addr_type``), so an address without a route is UNICAST too.

        Args:
            address: the address asked about.
            interface: with ``--limit-iface-in``/``-out``: only this interface's own addresses are LOCAL.
        """
        if address is UNKNOWN:
            return "LOCAL"
        family = Family(address.version)
        if address in _MULTICAST[family]:
            return "MULTICAST"
        if family is Family.IPV4 and self._is_broadcast(address):
            return "BROADCAST"
        if interface is None:
            return "LOCAL" if self.is_local(address) else "UNICAST"
        if address in _LOOPBACK[family]:
            return "LOCAL" if interface == "lo" else "UNICAST"
        own = any(item.address == address and item.interface == interface for item in self.addresses)
        return "LOCAL" if own else "UNICAST"

    def _is_broadcast(self, address: Address) -> bool:
        if str(address) in {"255.255.255.255", "0.0.0.0", "127.255.255.255"}:  # noqa: S104 - an address to compare with
            return True
        for item in self.addresses:
            network = item.network
            if network.family is Family.IPV4 and (network.length or 32) < 31 and address in network:
                return int(address) == network.network | (network.mask ^ 0xFFFFFFFF)
        return False

    def lookup(self, address: Address | Unknown) -> Decision:
        """Return where a packet to ``address`` goes: the local table first, then the longest prefix."""
        if address is UNKNOWN:
            return Decision("local", "lo", why="it is an address of this node")
        kind = self.address_type(address)
        if kind == "LOCAL":
            return Decision("local", "lo", why=f"{address} is an address of this node")
        if kind == "BROADCAST":
            return Decision("broadcast", UNKNOWN, why=f"{address} is a broadcast address")
        best = self._best_route(address)
        if best is not None:
            why = f"{best.destination} by {best.interface or best.kind}"
            return Decision(best.kind, best.interface, best.gateway, why)
        if self.known:
            return Decision("unreachable", None, why=f"no route to {address}")
        return Decision("unicast", UNKNOWN, why=f"{address} is not a known address of this node")

    def _best_route(self, address: Address) -> Route | None:
        candidates = [route for route in (*self.routes, *self._connected()) if address in route.destination]
        return max(candidates, key=lambda route: (route.destination.length or 0, -route.metric), default=None)

    def _connected(self) -> Iterable[Route]:
        return (Route(item.network, item.interface) for item in self.addresses)

    def source_for(self, interface: str, next_hop: Address) -> Address | None:
        """Return the address that MASQUERADE takes (``inet_select_addr``).

        That is the interface's address in the subnet of the next hop, else its first one, else one of another
        interface; a route's ``src`` hint plays no part. None where the node has no address at all.
        """
        family = Family(next_hop.version)
        own = [item for item in self.addresses if item.interface == interface and item.address.version == family]
        for item in own:
            if next_hop in item.network:
                return item.address
        if own:
            return own[0].address
        others = [
            item.address for item in self.addresses if item.address.version == family and not item.address.is_loopback
        ]
        return others[0] if others else None

    def first_address(self, interface: str, family: Family) -> Address | None:
        """Return the first address of an interface, which REDIRECT takes; None where it has none."""
        for item in self.addresses:
            if item.interface == interface and item.address.version == family:
                return item.address
        return None


def interface_address(interface: str, text: str) -> InterfaceAddress:
    """Read ``ADDRESS[/LENGTH]`` on an interface.

    Raises:
        ValueError: it is not one.
    """
    return InterfaceAddress(interface, ip_address(text.partition("/")[0]), Prefix.parse(text))
