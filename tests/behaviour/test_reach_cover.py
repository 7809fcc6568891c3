"""Boxes that cover a condition, against counting every point."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from iptc_sim.behaviour.reach_cover import Box, Cover, fixed
from iptc_sim.diagram.nodes import Diagrams, Node
from iptc_sim.diagram.spans import union

HIGHEST = [7, 1, 15]
POINTS = [dict(enumerate(values)) for values in product(*(range(top + 1) for top in HIGHEST))]


def drawn(made: Diagrams, draw: Random, boxes: int) -> Node:
    """Return the union of some drawn boxes."""
    parts = []
    for _ in range(boxes):
        cell = {}
        for level, top in enumerate(HIGHEST):
            if draw.random() < 0.7:
                ends = sorted(draw.choices(range(top + 1), k=4))
                cell[level] = union([(ends[0], ends[1]), (ends[2], ends[3])])
        parts.append(made.cell(cell))
    return made.disjunction(*parts)


def has(box: Box, point: dict[int, int]) -> bool:
    """Whether a point is in a box."""
    return all(any(low <= point[level] <= high for low, high in spans) for level, spans in box)


@pytest.mark.parametrize("seed", range(150))
def test_boxes_cover_what_they_must_and_no_more_than_they_may(seed: int) -> None:
    draw, made = Random(seed), Diagrams(HIGHEST)
    lower = drawn(made, draw, draw.randrange(1, 5))
    upper = made.disjunction(lower, drawn(made, draw, draw.randrange(3)))
    boxes = Cover(made).boxes(lower, upper)
    for point in POINTS:
        inside = sum(has(box, point) for box in boxes)
        assert inside or made.value(lower, point) is False
        assert not inside or made.value(upper, point) is True
    for box in boxes:  # none could be left out
        alone = [p for p in POINTS if has(box, p) and sum(has(one, p) for one in boxes) == 1]
        assert any(made.value(lower, point) is True for point in alone)


def test_a_level_that_does_not_matter_is_not_asked_for() -> None:
    made = Diagrams(HIGHEST)
    low = made.cell({0: ((0, 3),), 1: ((0, 0),)})
    high = made.cell({0: ((0, 3),)})
    assert Cover(made).boxes(low, high) == (((0, ((0, 3),)),),)


def test_what_may_be_covered_is_taken_only_where_that_is_shorter() -> None:
    made = Diagrams([255])
    wanted = made.cell({0: ((32, 47),)})
    beside = made.cell({0: ((5, 5), (32, 60))})
    assert Cover(made).boxes(wanted, beside) == (((0, ((32, 47),)),),)
    holes = made.cell({0: ((33, 46),)})
    assert Cover(made).boxes(holes, wanted) == (((0, ((32, 47),)),),)


def test_known_values_are_asked_for_no_more() -> None:
    made = Diagrams(HIGHEST)
    f = drawn(made, Random(5), 4)
    known = fixed(made, f, {0: 3})
    assert all(made.value(known, point) is made.value(f, {**point, 0: 3}) for point in POINTS)
    assert known.level > 0
