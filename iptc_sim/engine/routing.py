"""The routing decisions between the hooks, and the checks that go with them.

Which packets are lost, and where, was asked of the kernel (tests/kernel/test_routing.py); Documentation/networking/
ip-sysctl says what the switches mean.
"""

from __future__ import annotations

from ipaddress import ip_address

from iptc_sim.node import Decision, NextHop, Node, RouteKey
from iptc_sim.packet import Packet
from iptc_sim.protocols import TCP
from iptc_sim.records import dataclass, replace
from iptc_sim.values import UNKNOWN, Address, Family, Interface, Prefix

_LOOPBACK = Prefix.parse("127.0.0.0/8")
_MULTICAST = Prefix.parse("224.0.0.0/4")
_MULTICAST6 = Prefix.parse("ff00::/8")
_NOBODY = Prefix(Family.IPV4, 0, 0xFFFFFFFF)
_NOBODY6 = Prefix.parse("::")
_EVERYBODY = Prefix.parse("255.255.255.255")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the packet goes.

    Args:
        kind: ``local``, ``forward``, ``out`` or ``lost``.
        interface: the way out; None for what does not leave, UNKNOWN where it cannot be told or there are several.
        why: one clause.
        source: the source address that a packet made here without one gets.
        gateway: the next hop, of either family.
        table: the routing table that decided.
        realm: the realm of the route.
        ways: the next hops of a multipath route, with their weights: the kernel hashes the packet's addresses.
        error: why it was refused: the errno for who made it here; to others the node answers by ICMP, but for EINVAL.
    """

    kind: str
    interface: Interface
    why: str
    source: Address | None = None
    gateway: Address | None = None
    table: str = ""
    realm: int = 0
    ways: tuple[NextHop, ...] = ()
    error: str = ""


def refused_on_arrival(packet: Packet, node: Node) -> str:  # noqa: ARG001 - the engine asks all such questions alike
    """Return why a packet that comes in is lost before any hook; empty where it is not (``ip6_rcv_core``)."""
    if packet.family is not Family.IPV6 or packet.in_interface is None:
        return ""
    source, destination = packet.source, packet.destination
    if source is not UNKNOWN and source in _MULTICAST6:
        return f"source {source} is a multicast address: lost before any hook"
    if packet.in_interface == "lo":
        return ""
    if source is not UNKNOWN and source.is_loopback:
        return f"source {source} cannot come from {packet.in_interface}: lost before any hook"
    if destination is not UNKNOWN:
        if destination.is_loopback:
            return f"destination {destination} cannot come from {packet.in_interface}: lost before any hook"
        if destination in _MULTICAST6 and int(destination) >> 112 & 0xF <= 1:
            return f"destination {destination} does not leave a node: lost before any hook"
    return ""


def route_in(packet: Packet, node: Node, *, moved: bool = False) -> Verdict:
    """Decide about a packet that came in; PREROUTING has been passed.

    Args:
        packet: with its ``in_interface``.
        node: the machine.
        moved: whether PREROUTING has given what came back by lo another destination: it loses the route that it had,
            and its source is checked like any other's (``nf_nat_ipv4_pre_routing``).
    """
    if packet.family is Family.IPV6:
        return _route_in6(packet, node)
    if packet.in_interface == "lo" and not moved:
        # What this node sent keeps the route that it was sent by.
        decision = node.lookup(packet.destination, RouteKey.of(packet))
        return _verdict("local", None, decision, decision.why)
    if packet.destination in _MULTICAST:
        return _route_group(packet, node)
    if martian := _martian(packet, node):
        return _lost(martian)
    decision = node.lookup(packet.destination, RouteKey.of(packet))
    if packet.destination in _EVERYBODY or packet.destination in _NOBODY:
        return _arrive(packet, node, replace(decision, kind="broadcast"))
    if decision.kind in {"local", "broadcast"}:
        return _arrive(packet, node, decision)
    if decision.kind != "unicast":
        return _refused(decision)
    if off := node.sysctls.forwards(Family.IPV4, packet.in_interface):
        return _lost(f"{decision.why}, and {off}")
    if wrong := _wrong_way(packet, node, decision.interface):
        return _lost(wrong)
    return _verdict("forward", decision.interface, decision, decision.why)


def _verdict(kind: str, interface: Interface, decision: Decision, why: str, source: Address | None = None) -> Verdict:
    table, realm, ways = decision.table, decision.realm, decision.ways
    return Verdict(kind, interface, why, source, decision.gateway, table, realm, ways, decision.error)


def _refused(decision: Decision) -> Verdict:
    """Refuse what comes in; blackhole routes are silent."""
    answer = ": the sender gets an ICMP error" if decision.error not in {"", "EINVAL"} else ""
    return _verdict("lost", None, decision, f"{decision.why}{answer}")


def _lost(why: str) -> Verdict:
    return Verdict("lost", None, why)


def _martian(packet: Packet, node: Node) -> str:
    """Return what is wrong with the addresses themselves."""
    source, destination, incoming = packet.source, packet.destination, packet.in_interface
    if source is UNKNOWN:
        return ""
    where = f"cannot come from {incoming}: martian source"
    if source in _MULTICAST or source in _EVERYBODY:
        return f"source {source} {where}"
    if source in _NOBODY:
        return "" if destination in _EVERYBODY or destination in _NOBODY else f"source {source} {where}"
    if destination in _NOBODY:
        return f"destination {destination} came in by {incoming}: martian destination"
    if source in _LOOPBACK and not node.sysctls.route_localnet(incoming):
        return f"source {source} {where}"
    if destination in _LOOPBACK and not node.sysctls.route_localnet(incoming):
        return f"destination {destination} came in by {incoming}: martian destination (route_localnet is 0)"
    return ""


def _arrive(packet: Packet, node: Node, decision: Decision) -> Verdict:
    """Let a packet for this node in, if its source can have come that way."""
    if packet.source not in _NOBODY and (wrong := _wrong_way(packet, node, None)):
        return _lost(wrong)
    return _verdict("local", None, decision, decision.why)


def _route_group(packet: Packet, node: Node) -> Verdict:
    """Let a multicast packet in where its group was joined; forwarding such takes a daemon."""
    incoming, group = packet.in_interface, packet.destination
    if group is UNKNOWN or not node.joined(incoming, group):
        return _lost(f"{incoming} has not joined the multicast group {group}")
    source = packet.source
    bad = source in _MULTICAST or source in _EVERYBODY
    if bad or (source in _LOOPBACK and not node.sysctls.route_localnet(incoming)):
        return _lost(f"source {source} cannot come from {incoming}: martian source")
    decision = Decision("multicast", None, why=f"{group} is a multicast address")
    local_group = Prefix.parse("224.0.0.0/24")
    if source in _NOBODY:
        if group in local_group:
            return _verdict("local", None, decision, decision.why)
        return _lost(f"source {source} cannot come from {incoming}: martian source")
    return _arrive(packet, node, decision)


def _wrong_way(packet: Packet, node: Node, outgoing: Interface) -> str:
    """Return why the source cannot have come in by its interface (``fib_validate_source``); empty where it can.

    Args:
        packet: the packet.
        node: the machine.
        outgoing: by which it will leave; None where it is for this node.
    """
    source, incoming, switches = packet.source, packet.in_interface, node.sysctls
    if source is UNKNOWN or incoming is UNKNOWN:
        return ""
    strictness = switches.rp_filter(incoming)
    redirects = outgoing == incoming and switches.send_redirects(incoming)
    if not (strictness or redirects or node.has_rules(Family.IPV4) or node.has_local_routes):
        if node.owns(source) and not switches.accept_local(incoming):
            return f"source {source} is this node's own: martian source"
        return ""
    back = node.lookup(source, _way_back(packet, node, outgoing))
    if back.kind in {"unreachable", "prohibit", "blackhole"}:
        return f"{back.why}, its source: rp_filter of {incoming} is {strictness}" if strictness else ""
    if back.kind == "local":
        own = f"source {source} is this node's own: martian source"
        return "" if switches.accept_local(incoming) else own
    if back.kind != "unicast":
        return f"source {source} is a {back.kind} address: martian source"
    if not strictness or (back.interface is UNKNOWN and not back.ways):
        return ""
    if back.interface == incoming or any(hop.interface == incoming for hop in back.ways):
        return ""
    if strictness == 1:
        return f"the way back to {source} is {back.why}, not {incoming}: rp_filter of {incoming} is 1"
    if not node.addresses_of(incoming, Family.IPV4):
        return f"{incoming} has no address, so that {source} cannot be checked: rp_filter is {strictness}"
    return ""


def _way_back(packet: Packet, node: Node, outgoing: Interface) -> RouteKey:
    """Return the key of the question which way the source is reached."""
    return RouteKey(
        source=None if packet.destination in _EVERYBODY else packet.destination,
        mark=packet.mark if node.sysctls.src_valid_mark(packet.in_interface) else 0,
        tos=packet.tos,
        in_interface=outgoing,
        protocol=packet.protocol,
        sport=packet.dport,
        dport=packet.sport,
    )


def _route_in6(packet: Packet, node: Node) -> Verdict:
    source, destination, incoming = packet.source, packet.destination, packet.in_interface
    if destination in _MULTICAST6:
        if destination is UNKNOWN or not node.joined(incoming, destination):
            return _lost(f"{incoming} has not joined the multicast group {destination}")
        why = f"{destination} is a multicast address"
        return _verdict("local", None, Decision("multicast", None, why=why), why)
    decision = node.lookup(destination, RouteKey.of(packet))
    if decision.kind in {"local", "anycast"} or incoming == "lo":
        return _verdict("local", None, decision, decision.why)
    if decision.kind != "unicast":
        return _refused(decision)
    if off := node.sysctls.forwards(Family.IPV6, incoming):
        return _lost(f"{decision.why}, and {off}")
    near = source is not UNKNOWN and (source.is_link_local or source.is_unspecified)
    if near and decision.interface != incoming:
        return _lost(f"source {source} is not forwarded")
    return _verdict("forward", decision.interface, decision, decision.why)


def route_out(packet: Packet, node: Node) -> Verdict:
    """Decide about a packet of this node, before the first hook or again after OUTPUT has changed it.

    Args:
        packet: its source may be UNKNOWN: the verdict then says which one it gets.
        node: the machine.
    """
    if packet.destination in _NOBODY or packet.destination in _NOBODY6:
        why = f"{packet.destination} stands for this node itself"
        own = ip_address("127.0.0.1" if packet.family is Family.IPV4 else "::1")
        return Verdict("out", "lo", why, own if packet.source is UNKNOWN else None)
    decision = _ask_out(packet, node)
    source = decision.source if packet.source is UNKNOWN else None
    if source is not None and packet.protocol == TCP and decision.kind == "unicast":
        # connect(2) asks again, with the source that it has found.
        decision = _ask_out(replace(packet, source=source), node)
    if decision.kind == "local":
        return _verdict("out", "lo", decision, decision.why, source)
    if decision.kind not in {"unicast", "broadcast", "multicast", "anycast"}:
        why = f"{decision.why}: the sender gets an error before any hook ({decision.error or 'EINVAL'})"
        return _verdict("lost", None, decision, why)
    if packet.source in _LOOPBACK and decision.interface != "lo" and not _loops_out(node, decision.interface):
        where = "any interface but lo" if decision.interface is UNKNOWN else decision.interface
        return _lost(f"source {packet.source} cannot leave by {where} (route_localnet is 0)")
    return _verdict("out", decision.interface, decision, decision.why, source)


def _loops_out(node: Node, interface: Interface) -> bool:
    return node.sysctls.route_localnet(interface)


def _ask_out(packet: Packet, node: Node) -> Decision:
    """Look the route of an outgoing packet up: what is for many goes by the interface of its source."""
    key, destination = RouteKey.of(packet), packet.destination
    many = destination in _EVERYBODY or destination in _MULTICAST
    if many and packet.source is not UNKNOWN:
        own = next((item.interface for item in node.addresses if item.address == packet.source), "")
        if own:
            kind = "broadcast" if destination in _EVERYBODY else "multicast"
            return Decision(kind, own, why=f"{destination} is a {kind} address: by the interface of {packet.source}")
    return node.lookup(destination, key)
