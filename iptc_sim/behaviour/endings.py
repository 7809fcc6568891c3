"""The ends of a trace as they count for a comparison, and in what two sets of them differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from iptc_sim.behaviour.answer import Ending, Kind, Share
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.values import UNKNOWN, Odds

_GONE: Final = frozenset({Fate.DROP, Fate.REJECT, Fate.LOST})


def endings(trace: Trace) -> tuple[Share, ...]:
    """Return the ends of a trace with their odds, equal ones merged, in the order in which they first appear."""
    found: dict[Ending, Odds | None] = {}
    for end in trace.ends:
        key = _ending(trace, end)
        if key not in found:
            found[key] = end.odds
        else:
            before = found[key]
            found[key] = None if before is None or end.odds is None else before + end.odds
    return tuple(Share(ending, odds) for ending, odds in found.items())


def _ending(trace: Trace, end: End) -> Ending:
    packet, first = end.packet, trace.flow.packet
    if end.fate in _GONE:
        return Ending(end.fate, end.code)
    source = "" if packet.source_text == first.source_text else packet.source_text
    out = packet.out_interface
    changed = (("TOS", first.tos, packet.tos), ("TTL", first.ttl - (end.fate is Fate.FORWARD), packet.ttl))
    mark = () if end.connection is None or not end.connection.mark else (f"connection mark {end.connection.mark:#x}",)
    return Ending(
        end.fate,
        end.code,
        packet.destination_text,
        source,
        packet.mark,
        "" if out is None else "?" if out is UNKNOWN else str(out),
        (*(f"{name} {now:#x}" for name, before, now in changed if before != now), *mark),
    )


def kinds(ours: Sequence[Share], theirs: Sequence[Share]) -> tuple[Kind, ...]:
    """Return in what two sets of ends differ; nothing where they are the same."""
    one, other = _weights(ours), _weights(theirs)
    if one == other:
        return ()
    if one.keys() == other.keys():
        return (Kind.ROUNDING if _is_rounding(one, other) else Kind.ODDS,)
    found: list[Kind] = []
    if _total(one, _fate) != _total(other, _fate):
        found.append(Kind.FATE)
    elif _total(one, _code) != _total(other, _code):
        found.append(Kind.REJECT)
    mine, there = _by_destination(one), _by_destination(other)
    if mine.keys() != there.keys():
        lost = Kind.FATE in found and (mine.keys() <= there.keys() or there.keys() <= mine.keys())
        found += [] if lost else [Kind.DESTINATION]
    common = [(mine[name], there[name]) for name in mine if name in there]
    for kind, part in _PARTS:
        if any({part(item) for item in some} != {part(item) for item in others} for some, others in common):
            found.append(kind)
    return tuple(found) or (Kind.ODDS,)


def _fate(ending: Ending) -> Hashable:
    return ending.fate


def _code(ending: Ending) -> Hashable:
    return ending.fate, ending.code


_PARTS: Final[tuple[tuple[Kind, Callable[[Ending], Hashable]], ...]] = (
    (Kind.MASQUERADE, lambda ending: ending.source),
    (Kind.MARK, lambda ending: ending.mark),
    (Kind.ALTERATIONS, lambda ending: (ending.alterations, ending.out_interface)),
)


def _weights(shares: Sequence[Share]) -> dict[Ending, Fraction | None]:
    return {share.ending: None if share.odds is None else share.odds.fraction for share in shares}


def _total(weights: Mapping[Ending, Fraction | None], part: Callable[[Ending], Hashable]) -> dict[Hashable, Fraction]:
    """Return the odds of each value of a part; what has no odds counts as one way of its own."""
    found: defaultdict[Hashable, Fraction] = defaultdict(Fraction)
    for ending, odds in weights.items():
        found[part(ending)] += Fraction(1) if odds is None else odds
    return dict(found)


def _by_destination(weights: Mapping[Ending, object]) -> dict[str, list[Ending]]:
    """Return the ends of packets that live on, by where they go."""
    found: defaultdict[str, list[Ending]] = defaultdict(list)
    for ending in weights:
        if ending.fate not in _GONE:
            found[ending.destination].append(ending)
    return dict(found)


def _is_rounding(one: Mapping[Ending, Fraction | None], other: Mapping[Ending, Fraction | None]) -> bool:
    """Whether every chance differs by at most 2^-31 for each of the ways (a draw of 31 bits each, xt_statistic.c)."""
    most = Fraction(len(one), 1 << 31)
    for ending, odds in one.items():
        theirs = other[ending]
        if odds is None or theirs is None:
            return False
        if abs(odds - theirs) > most:
            return False
    return True
