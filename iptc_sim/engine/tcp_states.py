"""How conntrack follows a TCP connection, as seen by experiment (names as ``conntrack -L`` prints them)."""

from __future__ import annotations

from typing import Final

from iptc_sim.tracking import Direction

#: States after which a lone SYN of the client begins a new connection.
OVER: Final = frozenset({"TIME_WAIT", "CLOSE"})
_OPENING: Final = frozenset({"SYN_SENT", "SYN_SENT2"})
_AFTER_FIN: Final = {
    "SYN_RECV": "FIN_WAIT",
    "ESTABLISHED": "FIN_WAIT",
    "FIN_WAIT": "LAST_ACK",
    "CLOSE_WAIT": "LAST_ACK",
}
_AFTER_ACK: Final = {"FIN_WAIT": "CLOSE_WAIT", "LAST_ACK": "TIME_WAIT"}


def after(state: str, direction: Direction, flags: frozenset[str]) -> str | None:
    """Return the state after a packet; None where conntrack calls the packet INVALID.

    Args:
        state: before it; empty for a connection that begins.
        direction: of the packet.
        flags: of the packet. Sequence numbers are taken to be right.
    """
    forward = direction is Direction.ORIGINAL
    if "RST" in flags:
        return "CLOSE" if state else None
    if "SYN" in flags:
        return _after_syn(state, forward=forward, answers="ACK" in flags)
    if "FIN" in flags:
        return _after_fin(state, flags)
    if "ACK" not in flags:
        return None
    return _after_ack(state, forward=forward)


def is_ignored(state: str, direction: Direction, flags: frozenset[str]) -> bool:
    """Whether a packet leaves its entry as it is, neither counted nor refreshed.

    So does one that does not fit (TCP_CONNTRACK_IGNORE), and a SYN that is sent again, since Linux 5.17.

    Args:
        state: before the packet.
        direction: of the packet.
        flags: of the packet.
    """
    says = flags & {"SYN", "ACK", "RST", "FIN"}
    if direction is Direction.ORIGINAL:
        return says == {"SYN"} and state not in OVER and state != "SYN_SENT2"
    return (says == {"SYN", "ACK"} and state not in _OPENING) or (says == {"ACK"} and state in _OPENING)


def _after_syn(state: str, *, forward: bool, answers: bool) -> str | None:
    if answers and forward:
        return "SYN_RECV" if state in {"SYN_RECV", "SYN_SENT2"} else None
    if answers:
        return "SYN_RECV" if state in _OPENING else state or None
    if forward:
        return "SYN_SENT" if not state or state in OVER else state
    if state == "SYN_SENT":
        return "SYN_SENT2"
    return "SYN_SENT" if state == "TIME_WAIT" else (state if state == "SYN_SENT2" else None)


def _after_fin(state: str, flags: frozenset[str]) -> str | None:
    if not state or state in _OPENING or "ACK" not in flags:
        return None
    return _AFTER_FIN.get(state, state)


def _after_ack(state: str, *, forward: bool) -> str | None:
    if not state:
        return "ESTABLISHED"
    if state in _OPENING:
        return None if forward else state
    if state == "SYN_RECV":
        return "ESTABLISHED" if forward else state
    return _AFTER_ACK.get(state, state)
