"""The alignment: in order, of equal items, nothing left that could stay; a longest one where nothing stands twice."""

from __future__ import annotations

import time
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptc_sim.compare.align import align


def longest(old: list[int], new: list[int]) -> int:
    """Return the length of a longest common subsequence, the slow way."""
    row = [0] * (len(new) + 1)
    for item in old:
        before = row[:]
        for place, other in enumerate(new):
            row[place + 1] = before[place] + 1 if item == other else max(before[place + 1], row[place])
    return row[-1]


@given(st.lists(st.integers(0, 6), max_size=14), st.lists(st.integers(0, 6), max_size=14))
def test_pairs_are_equal_and_in_order(old: list[int], new: list[int]) -> None:
    found = align(old, new)
    assert all(old[one] == new[other] for one, other in found)
    assert all(here[0] < there[0] and here[1] < there[1] for here, there in pairwise(found))
    gaps = pairwise([(-1, -1), *found, (len(old), len(new))])
    for (low, start), (high, stop) in gaps:
        assert not set(old[low + 1 : high]) & set(new[start + 1 : stop]), "something could have stayed"


@given(st.permutations(range(12)), st.integers(0, 12), st.integers(0, 12))
def test_the_longest_where_nothing_stands_twice(new: list[int], first: int, last: int) -> None:
    old, new = list(range(12))[first:], new[:last]
    assert len(align(old, new)) == longest(old, new)


@pytest.mark.parametrize("most", [10, 1_000_000])
def test_a_long_reversed_chain_takes_no_time(most: int) -> None:
    random = Random(6)
    old = [random.randrange(most) for _ in range(20_000)]
    before = time.process_time()
    align(old, old[::-1])
    assert time.process_time() - before < 2
