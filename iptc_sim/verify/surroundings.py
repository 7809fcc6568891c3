"""From a node as the simulator knows it to what must be built to put the kernel into its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from iptc_sim.kernel import NODE_SYSCTLS, Host, Surroundings
from iptc_sim.node import DEFAULT_RULES, Node, Route, RoutingRule, Sysctls
from iptc_sim.node.tables import is_custom
from iptc_sim.records import replace
from iptc_sim.values import Address, Family

#: The switches that play a part; a whole ``sysctl -a`` holds many that a namespace does not have.
_SWITCHES: Final = re.compile(
    r"net/(ipv4/ip_forward"
    r"|ipv[46]/conf/[^/]+/(forwarding|rp_filter|route_localnet|accept_local|src_valid_mark|force_forwarding)"
    r"|ipv4/conf/[^/]+/(send|accept)_redirects"
    r"|bridge/bridge-nf-call-ip6?tables|netfilter/nf_conntrack_(checksum|tcp_(loose|be_liberal)))"
)
_NOBODY: Final[Mapping[Address, Host]] = {}
_ALWAYS: Final = {"127.0.0.1", "::1"}


def prepared(node: Node) -> Node:
    """Return the node as a lab has it: with known switches where its own were not told, and nobody who listens."""
    sysctls = Sysctls({**NODE_SYSCTLS, **node.sysctls.values})
    return replace(node, sysctls=sysctls, listeners=(), connections=None)


def surroundings_of(node: Node, hosts: Mapping[Address, Host] = _NOBODY) -> Surroundings:
    """Return what to build so that a namespace is this node.

    Args:
        node: a known node.
        hosts: the machines behind the ports of its bridges.
    """
    interfaces = {link.name: list[str]() for link in node.links if link.master is None}
    for item in node.addresses:
        if item.interface and str(item.address) not in _ALWAYS:
            interfaces.setdefault(item.interface, []).append(f"{item.address}/{item.network.length}")
    interfaces.setdefault("lo", [])
    bridges: dict[str, list[str]] = {link.name: [] for link in node.links if link.kind == "bridge"}
    for link in node.links:
        if link.master in bridges:
            bridges[link.master].append(link.name)
    own = frozenset(item.address for item in node.addresses)
    routes = [_route_line(route) for route in node.routes if not _is_made(route, node, own)]
    rules = [
        _rule_line(rule, family)
        for family, rules in ((Family.IPV4, node.rules), (Family.IPV6, node.rules6))
        for rule in rules
        if rule not in DEFAULT_RULES
    ]
    sysctls = {name: value for name, value in node.sysctls.values.items() if _SWITCHES.fullmatch(name)}
    # A bridge may be told to send frames back where they came from; the simulator does not know, and takes it so.
    hairpins = [f"link set dev {port} type bridge_slave hairpin on" for ports in bridges.values() for port in ports]
    setup = (*routes, *rules, *hairpins)
    return Surroundings(interfaces, sysctls=sysctls, bridges=bridges, setup=setup, hosts=hosts)


def _is_made(route: Route, node: Node, own: frozenset[Address]) -> bool:
    """Whether the kernel makes the route by itself, of an address."""
    if route.table == "local":
        return not is_custom(route, own)
    if route.gateway is not None or route.ways or route.kind != "unicast" or route.table != "main":
        return False
    return any((item.interface, item.network) == (route.interface, route.destination) for item in node.addresses)


def _route_line(route: Route) -> str:
    words = ["route", "add", route.kind, str(route.destination)]
    if route.tos:
        words += ["tos", f"{route.tos:#x}"]
    for hop in route.hops:
        if route.ways:
            words.append("nexthop")
        if hop.gateway is not None:
            other = Family(hop.gateway.version) is not route.destination.family
            words += ["via", *([f"inet{'6' if hop.gateway.version == 6 else ''}"] if other else []), str(hop.gateway)]
        if hop.interface is not None:
            words += ["dev", hop.interface]
        if route.ways:
            words += ["weight", str(hop.weight)]
    tail = {"src": route.source, "metric": route.metric, "realm": route.realm, "scope": route.scope}
    if route.table != "main":
        tail["table"] = route.table
    return " ".join([*words, *(f"{name} {value}" for name, value in tail.items() if value)])


def _rule_line(rule: RoutingRule, family: Family) -> str:
    return " ".join([*(["-6"] if family is Family.IPV6 else []), "rule", "add", *_rule_words(rule)])


def _rule_words(rule: RoutingRule) -> Iterator[str]:
    yield f"priority {rule.priority}"
    if rule.inverted:
        yield "not"
    if rule.mark or rule.mask:
        yield f"fwmark {rule.mark:#x}/{rule.mask:#x}"
    named = {
        "from": rule.source,
        "to": rule.destination,
        "iif": rule.in_interface,
        "oif": rule.out_interface,
        "tos": f"{rule.tos:#x}" if rule.tos else None,
        "ipproto": rule.protocol,
        "sport": rule.sports and f"{rule.sports.first}-{rule.sports.last}",
        "dport": rule.dports and f"{rule.dports.first}-{rule.dports.last}",
        "uidrange": rule.uids and f"{rule.uids.first}-{rule.uids.last}",
    }
    yield from (f"{name} {value}" for name, value in named.items() if value is not None)
    if rule.action == "lookup":
        yield f"lookup {rule.table}"
        if rule.suppress_length is not None:
            yield f"suppress_prefixlength {rule.suppress_length}"
    else:
        yield f"goto {rule.target}" if rule.action == "goto" else rule.action
