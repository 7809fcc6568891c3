"""Equal ends of a trace merged: where can it end, with which exact odds."""

from __future__ import annotations

from iptc_sim.records import dataclass
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.values import Odds


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way in which the packet may end.

    Args:
        fate: what becomes of it.
        destination: address and port that it reached, or had when it was stopped.
        source: address and port that it came from then.
        masqueraded: whether the source was rewritten.
        code: ``--reject-with`` of a reject.
        odds: the exact chance; None where it hangs on something without odds.
        ends: numbers of the merged branches, from 1.
        proxied_to: where a proxy on this node that takes the packet connects to; empty for none.
    """

    fate: Fate
    destination: str
    source: str
    masqueraded: bool
    code: str
    odds: Odds | None
    ends: tuple[int, ...]
    proxied_to: str = ""


def outcomes(trace: Trace) -> tuple[Outcome, ...]:
    """Return the distinct outcomes of a trace, in the order in which they first appear."""
    found: dict[tuple[object, ...], list[int]] = {}
    for number, end in enumerate(trace.ends, 1):
        packet = end.packet
        key = (end.fate, packet.destination, packet.dport, packet.source, packet.sport, end.code)
        found.setdefault(key, []).append(number)
    return tuple(_merge(trace, numbers) for numbers in found.values())


def _merge(trace: Trace, numbers: list[int]) -> Outcome:
    ends = [trace.ends[number - 1] for number in numbers]
    first = ends[0]
    packet = first.packet
    return Outcome(
        first.fate,
        packet.destination_text,
        packet.source_text,
        packet.source_text != trace.flow.packet.source_text,
        first.code,
        _total(ends),
        tuple(numbers),
    )


def _total(ends: list[End]) -> Odds | None:
    total = Odds(0, 1)
    for end in ends:
        if end.odds is None:
            return None
        total = total + end.odds
    return total
