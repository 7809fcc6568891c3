"""The answers to a packet, and their way back; and how the conversation goes on."""

from __future__ import annotations

from iptc_sim.connection import Connection, Flow
from iptc_sim.engine.conntrack import is_error
from iptc_sim.engine.session import ALIVE, Session
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, TCP
from iptc_sim.records import replace
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.tracking import Direction, State

_ECHO_REPLY = {ICMP: 0, ICMPV6: 129}


def with_replies(trace: Trace, session: Session, *, follow: bool = False) -> Trace:
    """Return the trace with the way back of the answer to each end that gets one.

    Args:
        trace: of the first packet.
        session: in which it was sent; it stays as it is.
        follow: go on with what the first sender says then: the ACK that ends TCP's handshake.
    """
    return replace(trace, replies=tuple(_reply(trace, end, session.copy(), follow=follow) for end in trace.ends))


def _reply(trace: Trace, end: End, session: Session, *, follow: bool) -> Trace | None:
    if end.fate not in ALIVE:
        return _own_answer(end, session)
    if is_error(end.packet) or "RST" in end.packet.flags:
        return None
    session.settle(end)
    entry = end.connection
    back = None
    if entry is not None and _is_blurred(entry):
        back = replace(entry, state=State.ESTABLISHED, direction=Direction.REPLY)
        back = replace(back, destination_decided=True, source_decided=True)
    found = session.send(Flow(answer(end)), connection=back)
    if not follow or trace.flow.packet.protocol != TCP or trace.flow.packet.flags != {"SYN"}:
        return found
    return replace(found, replies=tuple(_third(trace, one, session.copy()) for one in found.ends))


def _third(trace: Trace, end: End, session: Session) -> Trace | None:
    """Send the ACK that ends the handshake, where the SYN+ACK has got through."""
    if end.fate not in ALIVE:
        return None
    session.settle(end)
    return session.send(Flow(replace(trace.flow.packet, flags=frozenset({"ACK"}))))


def _is_blurred(entry: Connection) -> bool:
    """Whether some of the translation is not known, so that the answer cannot be told from others by its tuple."""
    return entry.is_tracked and (entry.reply.is_blurred or entry.original.is_blurred)


def _own_answer(end: End, session: Session) -> Trace | None:
    """Send what the node answers in place of the far end: a RST or an ICMP error, with the entry of what it is about.

    Its connection is RELATED to the packet's (``nf_ct_attach``).
    """
    if end.answer is None:
        return None
    packet = end.answer
    entry = end.connection
    if entry is None or not entry.is_tracked:
        return session.send(Flow(packet))
    other = Direction.REPLY if entry.direction is Direction.ORIGINAL else Direction.ORIGINAL
    return session.send(Flow(packet), connection=replace(entry, state=State.RELATED, direction=other))


def answer(end: End) -> Packet:
    """Return the packet that the far end sends back, as it arrives at (or is made on) this node."""
    last = end.packet
    made_here = end.fate is Fate.LOCAL
    syn = "SYN" in last.flags
    return Packet(
        source=last.destination,
        destination=last.source,
        protocol=last.protocol,
        sport=last.dport,
        dport=last.sport,
        flags=frozenset({"SYN", "ACK"} if syn else {"ACK"}) if last.protocol == TCP else frozenset(),
        icmp_type=_ECHO_REPLY.get(last.protocol),
        icmp_code=0 if last.protocol in _ECHO_REPLY else None,
        icmp_id=last.icmp_id,
        in_interface=None if made_here else last.out_interface,
        physical_in=None if made_here else last.physical_out,
        physical_out=None if made_here else last.physical_in,
    )
