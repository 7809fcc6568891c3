"""Where a branch goes on after a routing decision, which may be several ways."""

from __future__ import annotations

from iptc_sim.connection import Flow
from iptc_sim.engine.branch import Branch, Forked, Result
from iptc_sim.engine.hooks import FORWARD, INPUT
from iptc_sim.engine.made_here import error_about
from iptc_sim.engine.routing import Verdict, refused_on_arrival, route_in, route_out
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.steps import End, Fate, NoteStep, RouteStep
from iptc_sim.values import UNKNOWN, Address, Family, Interface, Odds, Unknown, Variant
from iptc_sim.wire.fragments import Parts, is_fragment, key_of

#: What a router tells the sender, in IPv4 and IPv6, by the errno that a process of its own would get.
_UNREACHABLE = {
    "ENETUNREACH": ("icmp-net-unreachable", "icmp6-no-route"),
    "EHOSTUNREACH": ("icmp-host-unreachable", "icmp6-no-route"),
    "EACCES": ("icmp-admin-prohibited", "icmp6-adm-prohibited"),
}


def lost(branch: Branch, why: str, *, answer: Packet | None = None) -> End:
    """Return the end of a packet that goes nowhere; ``answer`` is what the node sends back."""
    return End(
        0,
        Fate.LOST,
        branch.packet,
        branch.connection,
        branch.odds,
        why=why,
        memory=branch.memory,
        answer=answer,
    )


def before_any_hook(branch: Branch, node: Node, *, held: bool) -> End | None:
    """Return the end of a packet that no rule sees: IPv6 refuses it, or a bridge passes it on by itself.

    Where rules need whole packets, a fragment is ``held`` ahead of raw until all have come (``nf_ct_defrag4``).
    """
    packet = branch.packet
    if held and (end := _put_together(branch)):
        return end
    packet = branch.packet
    switched = is_switched(packet, node)
    if packet.physical_in is not None and node.sysctls.bridge_calls(packet.family):
        return None
    if not switched and (why := refused_on_arrival(packet, node)):
        return lost(branch, why)
    if switched:
        why = f"{packet.in_interface} is a bridge and passes it on, and bridge-nf-call-iptables is 0: no rule sees it"
        sent = replace(packet, out_interface=packet.in_interface)
        return replace(lost(branch, why), fate=Fate.FORWARD, packet=sent)
    return None


def _put_together(branch: Branch) -> End | None:
    """Go on with the whole packet where this fragment is the last that was missing; else it ends here."""
    key = key_of(branch.packet)
    parts = branch.memory.get(key, Parts({})).with_fragment(branch.packet)
    whole = parts.whole(branch.packet)
    if whole is None:
        branch.memory = branch.memory.put(key, parts)
        return lost(branch, "it is a fragment: conntrack holds it until the others have come, and rules see the whole")
    branch.packet, branch.memory = whole, branch.memory.put(key, Parts({}))
    branch.steps.append(NoteStep("the fragments are put together"))
    return None


def is_switched(packet: Packet, node: Node) -> bool:
    """Whether a frame goes from one port of a bridge to another, because its destination is on the same link."""
    incoming, destination = packet.in_interface, packet.destination
    if packet.physical_in is None or not isinstance(incoming, str) or destination is UNKNOWN:
        return False
    on_link = any(item.interface == incoming and destination in item.network for item in node.addresses)
    return on_link and not node.is_local(destination)


def _stays_on_bridge(first: Packet, packet: Packet, node: Node) -> bool:
    """Whether a packet leaves by the bridge that it came in by, and is not routed.

    It was not for this host, or DNAT in PREROUTING gave it to another port (``br_nf_pre_routing_finish``).
    """
    moved = packet.physical_in is not None and packet.destination != first.destination
    return moved or is_switched(first, node)


def come_in(branch: Branch, node: Node, flow: Flow, variant: Variant) -> Result:
    """Decide about a packet that has passed PREROUTING."""
    packet, first = branch.packet, flow.packet
    moved = packet.destination != first.destination
    if not moved and is_switched(first, node):
        verdict = Verdict("forward", packet.in_interface, f"{packet.in_interface} is a bridge and passes it on")
    else:
        came_back_moved = branch.home is not None and packet.destination != branch.home.destination
        verdict = route_in(packet, node, moved=came_back_moved)
    switched = verdict.kind == "forward" and verdict.interface == packet.in_interface
    goes_up = packet.physical_in is not None and not (switched and _stays_on_bridge(first, packet, node))
    if goes_up and (why := refused_on_arrival(packet, node)):
        return lost(branch, why)
    branch.steps.append(RouteStep(verdict.kind, verdict.interface, verdict.why))
    if verdict.kind == "lost":
        return lost(branch, verdict.why, answer=_unreachable(packet, verdict))
    if verdict.kind == "local":
        if packet.family is Family.IPV4 and is_fragment(packet):  # ip_local_deliver
            return lost(branch, "it is a fragment, and waits for the others ahead of INPUT")
        branch.stops = branch.stops + INPUT[variant]
        return None
    return _pass_on(branch, node, first, verdict)


def _pass_on(branch: Branch, node: Node, first: Packet, verdict: Verdict) -> Result:
    """Send a packet on to another machine, over a bridge or routed."""
    packet = branch.packet
    moved = packet.destination != first.destination
    if moved and node.is_for_many(first.destination, first.in_interface):
        return lost(branch, f"it came to {first.destination} in a frame for many; such are not forwarded")
    branch.stops = branch.stops + FORWARD
    if verdict.interface == packet.in_interface and _stays_on_bridge(first, packet, node):
        if first.physical_out is not None and first.physical_out == first.physical_in:
            return lost(branch, f"{packet.in_interface} sends no frame back to {first.physical_in}, where it came from")
        out = UNKNOWN if first.physical_out is None else first.physical_out
        branch.packet, branch.bridged = replace(packet, physical_out=out), True
    elif packet.ttl <= 1:
        why = f"its time to live is {packet.ttl}: the sender gets an ICMP error"
        kind = "icmp-time-exceeded" if packet.family is Family.IPV4 else "icmp6-time-exceeded"
        return lost(branch, why, answer=error_about(packet, kind))
    elif len(verdict.ways) < 2:
        branch.packet = replace(packet, ttl=packet.ttl - 1, out_interface=verdict.interface)
        return None
    else:
        branch.packet = replace(packet, ttl=packet.ttl - 1)
    return _take(branch, verdict)


def _unreachable(packet: Packet, verdict: Verdict) -> Packet | None:
    """Return the ICMP error that a router sends where it has no way on."""
    kinds = _UNREACHABLE.get(verdict.error)
    return error_about(packet, kinds[packet.family is Family.IPV6]) if kinds else None


def go_out(branch: Branch, node: Node) -> Result:
    """Decide about a packet of this node, before the first hook; it gets a source where it has none."""
    verdict = route_out(branch.packet, node)
    branch.steps.append(RouteStep(verdict.kind, verdict.interface, verdict.why))
    if verdict.kind == "lost":
        return lost(branch, verdict.why)
    if branch.packet.source is UNKNOWN and verdict.source is not None:
        branch.packet = replace(branch.packet, source=verdict.source)
    destination, out = branch.packet.destination, verdict.interface
    if out != "lo" and node.known and node.is_for_many(destination, out) and _is_heard_here(destination, out, node):
        branch.steps.append(
            NoteStep(f"{destination} is this node's, too: a copy comes back to it, which is not followed")
        )
    return _take(branch, verdict)


def _is_heard_here(destination: Address | Unknown, out: Interface, node: Node) -> bool:
    """Whether what this node sends to many is for itself, too: a broadcast is, a group where the interface is in it."""
    return destination is not UNKNOWN and (not destination.is_multicast or node.joined(out, destination))


def go_out_again(branch: Branch, node: Node) -> Result:
    """Decide again after OUTPUT has changed the packet (``ip_route_me_harder``).

    The tables of OUTPUT that follow see the old out interface, POSTROUTING sees the new one.
    """
    verdict = route_out(branch.packet, node)
    kind = "lost" if verdict.kind == "lost" else "again"
    branch.steps.append(RouteStep(kind, verdict.interface, verdict.why))
    if kind == "lost":
        return lost(branch, verdict.why)
    branch.next_out = verdict.interface
    if verdict.interface is UNKNOWN:
        branch.packet = replace(branch.packet, out_interface=UNKNOWN)
    return None


def _take(branch: Branch, verdict: Verdict) -> Result:
    """Go on by the way that routing has found, or by each of several."""
    if len(verdict.ways) < 2:
        branch.packet = replace(branch.packet, out_interface=verdict.interface)
        return None
    total = sum(way.weight for way in verdict.ways)
    found = []
    for way in verdict.ways:
        out: Interface = way.interface if way.interface is not None else UNKNOWN
        child = branch.fork(f"the route has several ways: by {out}", Odds(way.weight, total))
        child.packet = replace(child.packet, out_interface=out)
        child.at_stop += 1
        found.append(child)
    return Forked(tuple(found))
