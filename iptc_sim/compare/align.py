"""Which items of two sequences belong together: what stayed in order, in the time that sorting takes."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import Final

#: Stretches without an item that both have just once are compared item by item up to this product of their lengths.
_SMALL: Final = 40_000

#: How often stretches are cut into smaller ones.
_DEEPEST: Final = 12

#: Where a pair stands: in one sequence, and in the other, from 0.
Pair = tuple[int, int]


def align(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Pair]:
    """Return which items of two sequences are the same and in the same order, as pairs of rising positions.

    What stands once in both keeps its order as far as possible (the longest rising run, Fredman 1975); the stretches
    between are treated alike. Where nothing stands just once, short stretches are compared item by item, and of long
    ones the first item is paired with its first twin, the second with the second.
    """
    numbers: dict[Hashable, int] = {}
    one, other = ([numbers.setdefault(item, len(numbers)) for item in items] for items in (old, new))
    return list(_aligned(one, other, 0, 0, 0))


def _aligned(old: list[int], new: list[int], low: int, start: int, depth: int) -> Iterator[Pair]:
    """Yield the pairs of two stretches, which begin at ``low`` and ``start`` of the whole."""
    shorter = min(len(old), len(new))
    head = next((place for place in range(shorter) if old[place] != new[place]), shorter)
    yield from ((low + place, start + place) for place in range(head))
    rest = shorter - head
    tail = next((place for place in range(rest) if old[-1 - place] != new[-1 - place]), rest)
    ends = len(old) - tail, len(new) - tail
    if head < ends[0] and head < ends[1]:
        yield from _between(old[head : ends[0]], new[head : ends[1]], low + head, start + head, depth)
    yield from ((low + ends[0] + place, start + ends[1] + place) for place in range(tail))


def _between(old: list[int], new: list[int], low: int, start: int, depth: int) -> Iterator[Pair]:
    anchors = _rising(_once(old, new)) if depth < _DEEPEST else []
    if not anchors:
        found = _by_item(old, new) if len(old) * len(new) <= _SMALL else _rising(_in_turn(old, new))
        yield from ((low + one, start + other) for one, other in found)
        return
    here, there = 0, 0
    for one, other in anchors:
        yield from _aligned(old[here:one], new[there:other], low + here, start + there, depth + 1)
        yield low + one, start + other
        here, there = one + 1, other + 1
    yield from _aligned(old[here:], new[there:], low + here, start + there, depth + 1)


def _once(old: list[int], new: list[int]) -> list[Pair]:
    """Return what stands just once in both, by its place in the first."""
    seen, again = Counter(old), Counter(new)
    places = {item: place for place, item in enumerate(new) if again[item] == 1}
    return [(place, places[item]) for place, item in enumerate(old) if seen[item] == 1 and item in places]


def _in_turn(old: list[int], new: list[int]) -> list[Pair]:
    """Return the first of several with the first, the second with the second, by the place in the first sequence."""
    waiting: dict[int, list[int]] = {}
    for place in range(len(new) - 1, -1, -1):
        waiting.setdefault(new[place], []).append(place)
    return [(place, waiting[item].pop()) for place, item in enumerate(old) if waiting.get(item)]


def _by_item(old: list[int], new: list[int]) -> list[Pair]:
    from difflib import SequenceMatcher  # noqa: PLC0415 - slow to import, and for few chains

    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return [(block.a + place, block.b + place) for block in blocks for place in range(block.size)]


def _rising(pairs: list[Pair]) -> list[Pair]:
    """Return a longest part of the pairs, rising in the first place, that rises in the second, too."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(last[length - 1] if length else -1)
        if length == len(ends):
            ends.append(place)
            last.append(number)
        else:
            ends[length], last[length] = place, number
    found: list[Pair] = []
    number = last[-1] if last else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]
