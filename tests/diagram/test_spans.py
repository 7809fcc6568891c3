"""Sets of ranges against sets of numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iptc_sim.diagram.spans import Spans, complement, intersection, of_mask, size, union

WIDTH = 6
HIGHEST = (1 << WIDTH) - 1
numbers = st.sets(st.integers(0, HIGHEST))
number = st.integers(0, HIGHEST)


def spans(values: set[int]) -> Spans:
    """The text book way: a range begins behind each number that is not in the set."""
    lows = [value for value in sorted(values) if value - 1 not in values]
    highs = [value for value in sorted(values) if value + 1 not in values]
    return tuple(zip(lows, highs, strict=True))


@given(numbers, numbers)
def test_sets(left: set[int], right: set[int]) -> None:
    assert union(spans(left), spans(right)) == spans(left | right)
    assert union([(value, value) for value in left]) == spans(left)
    assert intersection(spans(left), spans(right)) == spans(left & right)
    assert complement(spans(left), HIGHEST) == spans(set(range(HIGHEST + 1)) - left)
    assert size(spans(left)) == len(left)


@given(st.lists(st.tuples(number, number).map(lambda span: (min(span), max(span)))))
def test_union_of_ranges_that_overlap(ranges: list[tuple[int, int]]) -> None:
    assert union(ranges) == spans({value for low, high in ranges for value in range(low, high + 1)})


@given(numbers, number)
def test_complement_below_some_of_the_numbers(values: set[int], highest: int) -> None:
    assert complement(spans(values), highest) == spans(set(range(highest + 1)) - values)


@given(number, number)
def test_mask(value: int, mask: int) -> None:
    assert of_mask(value, mask, WIDTH) == spans({other for other in range(HIGHEST + 1) if other & mask == value})


def test_mask_with_too_many_holes() -> None:
    assert of_mask(0, 0b010101, WIDTH, limit=8) is not None
    assert of_mask(0, 0b010101, WIDTH, limit=7) is None
    assert of_mask(1, 1, 32) is None
    assert of_mask(0, 0, 128, limit=1) == ((0, (1 << 128) - 1),)
