"""The nodes that random rulesets stand on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address
from typing import Final

from iptc_sim.kernel import Host
from iptc_sim.node import Link, Node, Route, RoutingRule
from iptc_sim.records import dataclass, field, replace
from iptc_sim.values import Address, Family, Prefix

ROUTER: Final[Mapping[str, tuple[str, ...]]] = {
    "eth0": ("192.0.2.10/24", "192.0.2.11/24", "2001:db8:1::10/64"),
    "eth1": ("10.0.0.1/24", "2001:db8:2::1/64"),
    "eth2": ("10.0.1.1/24", "2001:db8:3::1/64"),
}
_DEFAULTS: Final = (
    Route(Prefix.parse("0.0.0.0/0"), "eth0", ip_address("192.0.2.1")),
    Route(Prefix.parse("::/0"), "eth0", ip_address("2001:db8:1::1")),
)
_FOUR, _SIX = Family.IPV4, Family.IPV6


@dataclass(frozen=True, slots=True)
class Topology:
    """A node, and the addresses that play a part around it.

    Args:
        name: for reports.
        node: the node.
        own: addresses of the node, by family.
        others: addresses of other machines.
        prefixes: networks that rules name.
        hosts: the machines behind the ports of its bridge.
    """

    name: str
    node: Node
    own: Mapping[Family, tuple[str, ...]]
    others: Mapping[Family, tuple[str, ...]]
    prefixes: Mapping[Family, tuple[str, ...]]
    hosts: Mapping[Address, Host] = field(default_factory=dict)

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The names of the interfaces but ``lo``."""
        return tuple(link.name for link in self.node.links if link.name != "lo" and link.master is None)

    def ports(self, interface: str) -> tuple[str, ...]:
        """Return the ports of a bridge; none of any other interface."""
        return tuple(link.name for link in self.node.links if link.master == interface)

    def bridge(self, port: str) -> str:
        """Return the bridge of a port; any other interface itself."""
        return next((link.master for link in self.node.links if link.name == port and link.master), port)


_OWN: Final = {_FOUR: ("192.0.2.10", "192.0.2.11", "10.0.0.1", "10.0.1.1"), _SIX: ("2001:db8:1::10", "2001:db8:2::1")}
_OTHERS: Final = {
    _FOUR: ("10.0.0.5", "10.0.0.9", "10.0.1.7", "192.0.2.7", "198.51.100.7", "203.0.113.9"),
    _SIX: ("2001:db8:2::5", "2001:db8:2::9", "2001:db8:3::7", "2001:db8:1::7", "2001:db8:ff::7"),
}
_PREFIXES: Final = {
    _FOUR: ("10.0.0.0/24", "10.0.0.0/16", "198.51.0.0/16", "127.0.0.0/8", "0.0.0.0/1", "10.0.0.4/255.0.0.252"),
    _SIX: ("2001:db8:2::/64", "2001:db8::/32", "::1/128", "2001:db8:2::/ffff:ffff:ffff::", "8000::/1"),
}


@cache
def topologies() -> tuple[Topology, ...]:
    """Return all of them."""
    return (_router(), _policy(), _strict(), _host(), _docker())


def _router() -> Topology:
    return Topology("router", Node.of(ROUTER, _DEFAULTS), _OWN, _OTHERS, _PREFIXES)


def _policy() -> Topology:
    """A router with further tables, rules by mark and source, and routes that lead nowhere."""
    routes = (
        *_DEFAULTS,
        Route(Prefix.parse("0.0.0.0/0"), "eth2", ip_address("10.0.1.254"), table="100"),
        Route(Prefix.parse("198.51.100.0/24"), "eth1", ip_address("10.0.0.254"), table="101"),
        Route(Prefix.parse("203.0.113.0/28"), None, kind="blackhole"),
        Route(Prefix.parse("203.0.113.16/28"), None, kind="unreachable"),
        Route(Prefix.parse("203.0.113.32/28"), None, kind="prohibit"),
        Route(Prefix.parse("203.0.113.48/28"), "lo", kind="local", table="local"),
        Route(Prefix.parse("::/0"), "eth2", ip_address("2001:db8:3::fe"), table="100"),
        Route(Prefix.parse("2001:db8:dead::/48"), None, kind="unreachable"),
    )
    rules = (
        RoutingRule(100, table="100", mark=1, mask=1),
        RoutingRule(110, table="101", mark=2, mask=2),
        RoutingRule(120, table="100", source=Prefix.parse("10.0.0.8/29")),
        RoutingRule(130, table="101", in_interface="eth2"),
        RoutingRule(140, action="prohibit", mark=0x4000, mask=0x4000),
    )
    addresses = {**ROUTER, "lo": ("198.51.100.99/32",)}
    node = Node.of(addresses, routes, rules=rules)
    six = (RoutingRule(0, table="local"), RoutingRule(100, table="100", mark=1, mask=1), RoutingRule(32766))
    others = {
        _FOUR: (*_OTHERS[_FOUR], "203.0.113.20", "203.0.113.40", "203.0.113.50"),
        _SIX: (*_OTHERS[_SIX], "2001:db8:dead::1"),
    }
    own = {_FOUR: (*_OWN[_FOUR], "198.51.100.99"), _SIX: _OWN[_SIX]}
    return Topology("policy", replace(node, rules6=six), own, others, _PREFIXES)


def _strict() -> Topology:
    """Sources are checked, checksums are not, and 127.0.0.0/8 is an ordinary network on eth1."""
    switches = {"net/ipv4/conf/all/rp_filter": "1", "net/ipv4/conf/eth1/route_localnet": "1"}
    switches |= {"net/netfilter/nf_conntrack_tcp_loose": "0", "net/netfilter/nf_conntrack_checksum": "0"}
    return Topology("strict", Node.of(ROUTER, _DEFAULTS, sysctls=switches), _OWN, _OTHERS, _PREFIXES)


def _host() -> Topology:
    """One interface, no forwarding."""
    addresses = {"eth0": ROUTER["eth0"]}
    switches = {"net/ipv4/ip_forward": "0", "net/ipv6/conf/all/forwarding": "0"}
    own = {_FOUR: _OWN[_FOUR][:2], _SIX: _OWN[_SIX][:1]}
    return Topology("host", Node.of(addresses, _DEFAULTS, sysctls=switches), own, _OTHERS, _PREFIXES)


def _docker() -> Topology:
    """A bridge with two containers, whose traffic walks iptables too."""
    # In the order of their numbers: a lab makes its bridges first.
    addresses = {"docker0": ("172.17.0.1/16", "2001:db8:17::1/64"), "eth0": ROUTER["eth0"]}
    switches = {"net/bridge/bridge-nf-call-iptables": "1", "net/bridge/bridge-nf-call-ip6tables": "1"}
    node = Node.of(addresses, _DEFAULTS, sysctls=switches)
    links = (
        *(replace(link, kind="bridge") if link.name == "docker0" else link for link in node.links),
        *(Link(f"port{number}", 10 + number, master="docker0") for number in range(2)),
    )
    containers = {_FOUR: ("172.17.0.7", "172.17.0.8"), _SIX: ("2001:db8:17::7", "2001:db8:17::8")}
    hosts = {
        ip_address(address): Host(f"port{number}", bytes.fromhex(f"0269707402{number:02x}"))
        for pair in containers.values()
        for number, address in enumerate(pair)
    }
    return Topology(
        "docker",
        replace(node, links=links),
        {_FOUR: ("192.0.2.10", "172.17.0.1"), _SIX: ("2001:db8:1::10", "2001:db8:17::1")},
        {
            _FOUR: (*containers[_FOUR], "192.0.2.7", "198.51.100.7"),
            _SIX: (*containers[_SIX], "2001:db8:1::7", "2001:db8:ff::7"),
        },
        {
            _FOUR: ("172.17.0.0/16", "172.17.0.7/32", "192.0.2.0/24", "0.0.0.0/1"),
            _SIX: ("2001:db8:17::/64", "2001:db8::/32", "8000::/1"),
        },
        hosts,
    )
