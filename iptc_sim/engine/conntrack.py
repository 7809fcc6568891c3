"""What connection tracking says of a packet."""

from __future__ import annotations

from dataclasses import replace

from iptc_sim.builtin import ForeignMatch, ForeignTarget
from iptc_sim.connection import Connection
from iptc_sim.moment import Hook
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, TCP
from iptc_sim.ruleset import Ruleset
from iptc_sim.tracking import Direction, Manip, State

#: ICMP messages that open a connection (``nf_conntrack_proto_icmp.c``, valid_new: echo, timestamp, info, address).
_ICMP_REQUESTS = frozenset({8, 13, 15, 17})
_ICMPV6_REQUESTS = frozenset({128, 139})
#: ICMPv6 messages that are left alone (``nf_conntrack_proto_icmpv6.c``, noct_valid_new: MLD and neighbour discovery).
_ICMPV6_UNTRACKED = frozenset({130, 131, 132, 133, 134, 135, 136, 143})

#: Which side the nat table decides at each of its hooks.
NAT_HOOKS = {
    Hook.PREROUTING: Manip.DESTINATION,
    Hook.OUTPUT: Manip.DESTINATION,
    Hook.INPUT: Manip.SOURCE,
    Hook.POSTROUTING: Manip.SOURCE,
}


def conntrack_in_use(ruleset: Ruleset) -> bool:
    """Whether any rule needs connection tracking; without one the kernel does not walk nat at all.

    A rule that is not modelled may need it, so it counts.
    """
    return any(
        part.USES_CONNTRACK or isinstance(part, ForeignMatch | ForeignTarget)
        for *_, rule in ruleset.rules()
        for part in rule.extensions
    )


def first_state(packet: Packet) -> State:
    """Return the state of a packet without an entry.

    TCP takes up a flow in the middle (``nf_conntrack_tcp_loose`` is 1): a lone ACK is NEW; SYN+ACK, RST, FIN and
    odd combinations are INVALID (``nf_conntrack_proto_tcp.c``, tcp_new and the state table).
    """
    if packet.protocol == TCP:
        flags = packet.flags - {"PSH", "URG"}
        return State.NEW if flags in ({"SYN"}, {"ACK"}) and not _odd(packet.flags) else State.INVALID
    if packet.protocol == ICMP:
        return State.NEW if packet.icmp_type in _ICMP_REQUESTS else State.INVALID
    if packet.protocol == ICMPV6:
        if packet.icmp_type in _ICMPV6_UNTRACKED:
            return State.UNTRACKED
        return State.NEW if packet.icmp_type in _ICMPV6_REQUESTS else State.INVALID
    return State.NEW


def _odd(flags: frozenset[str]) -> bool:
    """SYN may come with URG, ACK with PSH and URG (``tcp_valid_flags``)."""
    return "SYN" in flags and "PSH" in flags


def track(packet: Packet, state: State | None) -> Connection:
    """Return what conntrack makes of a walk's first packet.

    A state that was told and is not NEW means a flow that exists: its translation is settled, and nothing is known of
    it but the packet.
    """
    found = state or first_state(packet)
    settled = found is not State.NEW
    entry = Connection.first(packet)
    return replace(entry, state=found, destination_decided=settled, source_decided=settled)


def translate_again(packet: Packet, entry: Connection, manip: Manip) -> Packet:
    """Apply a decided translation to a later packet: it becomes the inverse of the other tuple (``nf_nat_packet``)."""
    other = entry.reply if entry.direction is Direction.ORIGINAL else entry.original
    target = other.inverted
    if manip is Manip.DESTINATION:
        return replace(packet, destination=target.destination, dport=target.dport if packet.has_ports else packet.dport)
    return replace(packet, source=target.source, sport=target.sport if packet.has_ports else packet.sport)
