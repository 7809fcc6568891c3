"""Sets of numbers as sorted ranges that lie apart: union, complement, intersection, masks with holes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: A range of numbers, both ends in it.
Span = tuple[int, int]
#: A set of numbers: its ranges sorted, none touching the next.
Spans = tuple[Span, ...]


def union(*sets: Iterable[Span]) -> Spans:
    """Return all numbers of the sets; the ranges may come in any order and overlap."""
    joined: list[Span] = []
    for low, high in sorted(span for spans in sets for span in spans):
        if joined and low <= joined[-1][1] + 1:
            if high > joined[-1][1]:
                joined[-1] = (joined[-1][0], high)
        else:
            joined.append((low, high))
    return tuple(joined)


def complement(spans: Sequence[Span], highest: int) -> Spans:
    """Return the numbers of ``0..highest`` that are not in the set (its ranges sorted and apart)."""
    outside: list[Span] = []
    begin = 0
    for low, high in spans:
        if low > begin:
            outside.append((begin, min(low - 1, highest)))
        begin = high + 1
        if begin > highest:
            return tuple(outside)
    outside.append((begin, highest))
    return tuple(outside)


def intersection(left: Sequence[Span], right: Sequence[Span]) -> Spans:
    """Return the numbers in both sets (the ranges of each sorted and apart)."""
    common: list[Span] = []
    here = there = 0
    while here < len(left) and there < len(right):
        low, high = max(left[here][0], right[there][0]), min(left[here][1], right[there][1])
        if low <= high:
            common.append((low, high))
        if left[here][1] < right[there][1]:
            here += 1
        else:
            there += 1
    return tuple(common)


def size(spans: Iterable[Span]) -> int:
    """Return how many numbers are in the set."""
    return sum(high - low + 1 for low, high in spans)


def of_mask(value: int, mask: int, width: int, limit: int = 4096) -> Spans | None:
    """Return the numbers of ``width`` bits with ``number & mask == value``.

    Each bit that is free above the lowest fixed one doubles the ranges.

    Returns:
        The ranges; none where ``value`` has a bit outside the mask. None where there are more than ``limit``.
    """
    mask &= (1 << width) - 1
    if value & ~mask:
        return ()
    tail = (mask & -mask).bit_length() - 1 if mask else width
    free = [bit for bit in range(tail, width) if not mask >> bit & 1]
    if 1 << len(free) > limit:
        return None
    lows = [value]
    for bit in free:
        lows += [low | 1 << bit for low in lows]
    return union((low, low | (1 << tail) - 1) for low in lows)
