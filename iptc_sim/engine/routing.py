"""The routing decisions between the hooks, and the checks that go with them (``ip_route_input_slow``)."""

from __future__ import annotations

from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass
from iptc_sim.values import UNKNOWN, Family, Interface, Prefix

_LOOPBACK = Prefix.parse("127.0.0.0/8")
_MULTICAST = Prefix.parse("224.0.0.0/4")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the packet goes: ``local``, ``forward``, ``out`` or ``lost``."""

    kind: str
    interface: Interface
    why: str


def _loops(node: Node, interface: Interface) -> bool:
    """Whether 127/8 may be routed on the interface: lo itself, or route_localnet there or on all."""
    return interface == "lo" or "all" in node.route_localnet or interface in node.route_localnet


def route_in(packet: Packet, node: Node) -> Verdict:
    """Decide about a packet that came in; PREROUTING has been passed."""
    martian = _martian(packet, node)
    if martian:
        return Verdict("lost", None, martian)
    decision = node.lookup(packet.destination)
    kind = node.address_type(packet.destination)
    if decision.kind in {"local", "broadcast"}:
        return Verdict("local", None, decision.why)
    if kind == "MULTICAST":
        return Verdict("local", None, f"{packet.destination} is a multicast address")
    if decision.kind != "unicast":
        return Verdict("lost", None, f"{decision.why}: the sender gets an ICMP error")
    if not node.ip_forward:
        return Verdict("lost", None, f"{decision.why}, and ip_forward is 0")
    return Verdict("forward", decision.interface, decision.why)


def _martian(packet: Packet, node: Node) -> str:
    if packet.family is not Family.IPV4 or packet.in_interface == "lo":
        return ""
    if packet.source in _LOOPBACK or packet.source in _MULTICAST:
        return f"source {packet.source} cannot come from {packet.in_interface}: martian source"
    if packet.source is not UNKNOWN and node.is_local(packet.source):
        return f"source {packet.source} is this node's own: martian source"
    if packet.destination in _LOOPBACK and not _loops(node, packet.in_interface):
        where = f"destination {packet.destination} came in by {packet.in_interface}"
        return f"{where}: martian destination (route_localnet is 0)"
    return ""


def route_out(packet: Packet, node: Node) -> Verdict:
    """Decide about a packet of this node, before the first hook or again after DNAT in OUTPUT."""
    decision = node.lookup(packet.destination)
    if decision.kind == "local":
        return Verdict("out", "lo", decision.why)
    if decision.kind not in {"unicast", "broadcast"}:
        return Verdict("lost", None, f"{decision.why}: the sender gets an error before any hook")
    if packet.source in _LOOPBACK and not _loops(node, decision.interface):
        where = "any interface but lo" if decision.interface is UNKNOWN else decision.interface
        return Verdict("lost", None, f"source {packet.source} cannot leave by {where} (route_localnet is 0)")
    return Verdict("out", decision.interface, decision.why)
