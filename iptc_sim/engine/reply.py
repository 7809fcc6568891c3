"""The answer to a packet, and its way back."""

from __future__ import annotations

from dataclasses import replace

from iptc_sim.connection import Flow
from iptc_sim.engine.explore import explore
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, TCP
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.tracking import Direction, State

_ANSWERED = frozenset({Fate.LOCAL, Fate.FORWARD, Fate.SENT})
_ECHO_REPLY = {ICMP: 0, ICMPV6: 129}


def with_replies(trace: Trace, ruleset: Ruleset, node: Node) -> Trace:
    """Return the trace with the way back of the answer to each end that gets one."""
    replies = [_reply(end, ruleset, node) if end.fate in _ANSWERED else None for end in trace.ends]
    return replace(trace, replies=tuple(replies))


def _reply(end: End, ruleset: Ruleset, node: Node) -> Trace | None:
    entry = end.connection
    if entry is None or not entry.is_tracked:
        return None
    entry = replace(entry, state=State.ESTABLISHED, direction=Direction.REPLY)
    entry = replace(entry, destination_decided=True, source_decided=True)
    return explore(ruleset, Flow(answer(end)), node, connection=entry)


def answer(end: End) -> Packet:
    """Return the packet that the far end sends back, as it arrives at (or is made on) this node."""
    last = end.packet
    made_here = end.fate is Fate.LOCAL
    return Packet(
        source=last.destination,
        destination=last.source,
        protocol=last.protocol,
        sport=last.dport,
        dport=last.sport,
        flags=frozenset({"SYN", "ACK"}) if last.protocol == TCP else frozenset(),
        icmp_type=_ECHO_REPLY.get(last.protocol),
        icmp_code=0 if last.protocol in _ECHO_REPLY else None,
        in_interface=None if made_here else last.out_interface,
    )
