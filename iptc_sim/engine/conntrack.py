"""What connection tracking says of a packet."""

from __future__ import annotations

from typing import Final

from iptc_sim.builtin import ForeignMatch, ForeignTarget
from iptc_sim.connection import ICMP_REQUESTS, Connection, FlowTuple
from iptc_sim.engine.situation import Situation
from iptc_sim.engine.tcp_states import OVER, after, is_ignored
from iptc_sim.engine.timeouts import is_stream, timeout
from iptc_sim.extension import Extension
from iptc_sim.moment import Hook
from iptc_sim.packet import Packet
from iptc_sim.protocols import GRE, ICMP, ICMPV6, TCP, UDP, UDPLITE
from iptc_sim.records import replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.target import Prepare
from iptc_sim.tracking import Direction, Manip, State
from iptc_sim.values import Prefix, Unknown

#: ICMPv6 messages that are left alone (``nf_conntrack_proto_icmpv6.c``, noct_valid_new: MLD and neighbour discovery).
_ICMPV6_UNTRACKED = frozenset({130, 131, 132, 133, 134, 135, 136, 143})

#: ICMP messages that say something about another packet.
_ERRORS: Final = {ICMP: frozenset({3, 4, 5, 11, 12}), ICMPV6: frozenset({1, 2, 3, 4, 137})}
_REDIRECT: Final = {ICMP: 5, ICMPV6: 137}

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
    return ruleset.has(_uses_conntrack)


def _uses_conntrack(part: Extension) -> bool:
    return part.uses_conntrack() or isinstance(part, ForeignMatch | ForeignTarget)


def wants_whole(ruleset: Ruleset) -> bool:
    """Whether a rule makes the kernel put fragments together, though none needs connection tracking."""
    return ruleset.has(_uses_whole)


def _uses_whole(part: Extension) -> bool:
    return part.NAME in {"socket", "TPROXY"}


def first_state(packet: Packet, *, loose: bool = True) -> State:
    """Return the state of a packet without an entry.

    TCP takes up a flow in the middle (``loose``: ``nf_conntrack_tcp_loose``): a lone ACK is NEW; SYN+ACK, RST, FIN and
    odd combinations are INVALID (``nf_conntrack_proto_tcp.c``, tcp_new and the state table).
    """
    if packet.protocol == TCP:
        flags = packet.flags - {"PSH", "URG", "ECE", "CWR"}
        taken = flags == {"SYN"} or (loose and flags == {"ACK"})
        return State.NEW if taken and not _odd(packet.flags) else State.INVALID
    if packet.ends_in_header:
        return State.INVALID
    if packet.protocol in ICMP_REQUESTS:
        if packet.protocol == ICMPV6 and packet.icmp_type in _ICMPV6_UNTRACKED:
            return State.UNTRACKED
        return State.NEW if packet.icmp_type in ICMP_REQUESTS[packet.protocol] else State.INVALID
    return State.NEW


def _odd(flags: frozenset[str]) -> bool:
    """SYN may come with URG, ACK with PSH and URG (``tcp_valid_flags``)."""
    return "SYN" in flags and "PSH" in flags


def track(packet: Packet, state: State | None, situation: Situation, prepared: Prepare) -> tuple[Connection, str]:
    """Return what conntrack makes of a packet, and why in words.

    Args:
        packet: as it is after raw.
        state: that was told. One that is not NEW means a flow that exists: its translation is settled, and nothing is
            known of it but the packet.
        situation: the connections that are known.
        prepared: what raw has said about it.
    """
    zones = _zones(packet, prepared)
    if prepared.untracked:
        return _apart(packet, State.UNTRACKED), "a rule of raw keeps it out of connection tracking"
    if state is not None:
        return _new(packet, prepared, situation) if state is State.NEW else _apart(packet, state), "as told"
    if packet.protocol == UDPLITE and _is_damaged(packet, situation):
        return _apart(packet, State.INVALID), "conntrack finds its checksum wrong"
    if is_error(packet):
        found = about(packet, situation, zones[0], zones[1])
        if found is not None:
            return found, "an ICMP error about a connection"
        return _apart(packet, State.INVALID), "an ICMP error about no connection that is known"
    entry = situation.connections.find(FlowTuple.of(packet), zones[0], zones[1])
    if entry is not None:
        return _later(packet, entry, situation)
    found_state = first_state(packet, loose=situation.node.sysctls.tracks_in_midstream())
    if found_state is not State.NEW:
        return _apart(packet, found_state), "the first packet that is seen of it"
    return _new(packet, prepared, situation), "the first packet that is seen of it"


def _is_damaged(packet: Packet, situation: Situation) -> bool:
    """Whether conntrack takes a UDPLite packet for damaged.

    Of what comes in it sums the pseudo header with the protocol number of UDP, so that every packet which is right is
    wrong to it (Linux 6.18, ``udplite_error``; tests/kernel/test_protocols.py).
    """
    from iptc_sim.wire.packets import is_whole_udplite  # noqa: PLC0415 - see _size

    comes_in = packet.in_interface is not None and situation.node.sysctls.tracks_by_sums()
    return not is_whole_udplite(packet, UDP if comes_in else None)


def template(packet: Packet, prepared: Prepare) -> Connection:
    """Return what the rest of raw sees of a packet that a rule has prepared: it is UNTRACKED, or NEW in its zone."""
    if prepared.untracked:
        return _apart(packet, State.UNTRACKED)
    nobody = Prefix(packet.family, 0, 0).address
    nothing = FlowTuple(0, nobody, 0, nobody, 0)  # the entry is not made yet, and all of its tuples are zero
    return Connection(nothing, nothing, zone=prepared.zone or 0, reply_zone=prepared.reply_zone or 0, confirmed=True)


def _apart(packet: Packet, state: State) -> Connection:
    """Return what stands for an entry where there is none, or none that is known."""
    return replace(Connection.first(packet), state=state, destination_decided=True, source_decided=True)


def _zones(packet: Packet, prepared: Prepare) -> tuple[int, int]:
    """Return the zones of both directions; where the mark is the zone, that which the packet has behind raw."""
    mark = packet.mark & 0xFFFF
    here, there = (mark if zone is None else zone for zone in (prepared.zone, prepared.reply_zone))
    return here, there


def _new(packet: Packet, prepared: Prepare, situation: Situation) -> Connection:
    zones = _zones(packet, prepared)
    entry = replace(Connection.first(packet), zone=zones[0], reply_zone=zones[1])
    tcp = after("", Direction.ORIGINAL, packet.flags) or "" if packet.protocol == TCP else ""
    entry = replace(
        entry,
        helper=prepared.helper,
        packets=(1, 0),
        size=(_size(packet), 0),
        tcp=tcp,
        begun=_milliseconds(situation),
    )
    return _refreshed(entry, situation)


def _later(packet: Packet, entry: Connection, situation: Situation) -> tuple[Connection, str]:
    """Return an entry as a later packet of its connection sees it."""
    before = entry
    if packet.protocol == TCP and entry.tcp:
        followed = _followed(packet, entry)
        if followed is None:
            return _apart(packet, State.INVALID), "its flags do not fit the state of its connection"
        if _opens_again(packet, entry):
            return _new(packet, Prepare(zone=entry.zone), situation), "a new connection between the ends of an old one"
        entry = followed
    forward = entry.direction is Direction.ORIGINAL
    (one, other), (to, back), size = entry.packets, entry.size, _size(packet)
    seen = entry.seen_reply or not forward
    fresh = State.RELATED if entry.expected else State.NEW
    entry = replace(entry, state=State.ESTABLISHED if seen else fresh, seen_reply=seen)
    if packet.protocol == TCP and is_ignored(before.tcp, before.direction, packet.flags):
        return entry, "it belongs to a connection"
    entry = replace(
        entry,
        assured=entry.assured or _assures(packet, before, entry, situation),
        packets=(one + forward, other + (not forward)),
        size=(to + size * forward, back + size * (not forward)),
    )
    return _refreshed(entry, situation), "it belongs to a connection"


def _refreshed(entry: Connection, situation: Situation) -> Connection:
    """Return an entry whose timeout begins anew (``nf_ct_refresh_acct``)."""
    now = _milliseconds(situation)
    return replace(entry, expires=timeout(entry, now, situation.node.sysctls), seen=now)


def closed(entry: Connection, situation: Situation) -> Connection:
    """Return the entry of a TCP connection that REJECT has ended with a RST (``nf_ct_set_closing``)."""
    return _refreshed(replace(entry, tcp="CLOSE"), situation)


def _milliseconds(situation: Situation) -> int | None:
    return None if situation.now is None else int(situation.now * 1000)


def _followed(packet: Packet, entry: Connection) -> Connection | None:
    """Return the entry with the state of its TCP connection after a packet; None where that is INVALID."""
    tcp = after(entry.tcp, entry.direction, packet.flags)
    resets = "RST" in packet.flags
    unheard = entry.tcp == "SYN_SENT" and entry.direction is Direction.ORIGINAL and not entry.seen_reply
    if tcp is None or (resets and unheard and "ACK" in packet.flags):  # nothing was there to acknowledge
        return None
    if tcp == "SYN_SENT" and entry.tcp in OVER:
        tcp = entry.tcp if not _opens_again(packet, entry) else tcp
    says = packet.flags & {"SYN", "ACK", "RST", "FIN"}
    if says == {"SYN", "ACK"} and entry.ignored is not None and entry.ignored is not entry.direction:
        tcp = "SYN_RECV"  # so the connection that was seen was an old one
    return replace(
        entry,
        tcp=tcp,
        closed=resets and not entry.seen_reply,
        finished=entry.finished or tcp == "FIN_WAIT",
        reset_by=entry.direction if resets else None,
        ignored=entry.direction if says == {"SYN"} and tcp == entry.tcp != "SYN_SENT" else None,
    )


def _opens_again(packet: Packet, entry: Connection) -> bool:
    """Whether a SYN begins a new connection: the old one was closed by FINs, or by a RST of this side just now."""
    if packet.flags & {"SYN", "ACK", "RST"} != {"SYN"} or entry.tcp not in OVER:
        return False
    return entry.finished or entry.reset_by is entry.direction


def _size(packet: Packet) -> int:
    """Return the bytes of a packet from the IP header on, which is what conntrack counts."""
    from iptc_sim.wire.packets import packet_bytes  # noqa: PLC0415 - the way back from bytes is not needed to walk rules

    return len(packet_bytes(packet))


def _assures(packet: Packet, before: Connection, entry: Connection, situation: Situation) -> bool:
    """Whether the packet makes its connection one that is kept when the table is full.

    TCP and GRE need an answer to a packet before this one; UDP more than two seconds between its packets as well.
    """
    if packet.protocol in {GRE, UDPLITE}:
        return before.seen_reply
    if packet.protocol == TCP:
        return before.seen_reply and before.tcp in {"SYN_RECV", "ESTABLISHED"} and entry.tcp == "ESTABLISHED"
    return packet.protocol == UDP and before.seen_reply and is_stream(before, _milliseconds(situation))


def is_error(packet: Packet) -> bool:
    """Whether the packet is an ICMP error."""
    return packet.icmp_type in _ERRORS.get(packet.protocol, ())


def about(packet: Packet, situation: Situation, zone: int = 0, reply_zone: int = 0) -> Connection | None:
    """Return the entry of the connection that an ICMP error is about; it goes that connection's other way."""
    if packet.inner is None:
        return None
    entry = situation.connections.find(FlowTuple.of(packet.inner).inverted, zone, reply_zone)
    if entry is None:
        return None
    return replace(entry, state=State.RELATED, destination_decided=True, source_decided=True)


def is_lost_redirect(packet: Packet, entry: Connection | None) -> bool:
    """Whether the packet is a redirect about a translated flow, which nat drops (``nf_nat_icmp_reply_translation``)."""
    if entry is None or not entry.is_tracked or packet.icmp_type != _REDIRECT.get(packet.protocol, -1):
        return False
    return entry.is_dnat or entry.is_snat


def has_another_way(packet: Packet, entry: Connection | None) -> bool:
    """Whether a masqueraded connection leaves by another interface than before (``nf_nat_oif_changed``)."""
    if entry is None or entry.masqueraded_by is None or entry.direction is Direction.REPLY:
        return False
    return isinstance(packet.out_interface, str) and packet.out_interface != entry.masqueraded_by


def translate_again(packet: Packet, entry: Connection, manip: Manip) -> Packet:
    """Apply a decided translation to a later packet: it becomes the inverse of the other tuple (``nf_nat_packet``).

    An ICMP error is translated inside, too; outside only its address is, also where a router on the way sent it.
    """
    forward = entry.direction is Direction.ORIGINAL
    changes_source = manip is Manip.SOURCE
    if not (entry.is_snat if changes_source == forward else entry.is_dnat):
        return packet
    target = (entry.reply if forward else entry.original).inverted
    if is_error(packet):
        return _translate_error(packet, target, manip)
    if packet.icmp_id is not None:  # it stands for both ends
        packet = _with_port(packet, manip, target.dport if target.sport is None else target.sport)
    if not changes_source:
        changed = replace(packet, destination=target.destination)
        return _with_port(changed, manip, target.dport)
    return _with_port(replace(packet, source=target.source), manip, target.sport)


def _with_port(packet: Packet, manip: Manip, port: int | Unknown | None) -> Packet:
    if packet.has_ports and port is not None:
        return replace(packet, sport=port) if manip is Manip.SOURCE else replace(packet, dport=port)
    if packet.icmp_id is not None and isinstance(port, int):
        return replace(packet, icmp_id=port)
    return packet


def _translate_error(packet: Packet, target: FlowTuple, manip: Manip) -> Packet:
    inner = packet.inner
    if manip is Manip.SOURCE:
        inside = replace(inner, destination=target.source) if inner else None
        inside = _with_port(inside, Manip.DESTINATION, target.sport) if inside else None
        return replace(packet, source=target.source, inner=inside)
    inside = replace(inner, source=target.destination) if inner else None
    inside = _with_port(inside, Manip.SOURCE, target.dport) if inside else None
    return replace(packet, destination=target.destination, inner=inside)
