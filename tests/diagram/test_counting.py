"""Boxes, numbers of points and picked points against enumeration of a small space."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from iptc_sim.diagram.counting import count, cubes, pick, project
from iptc_sim.diagram.nodes import Diagrams
from iptc_sim.diagram.spans import Span
from tests.diagram.test_nodes import (
    HIGHEST,
    LEVELS,
    POINTS,
    Layers,
    built,
    evaluated,
    from_table,
    inside,
    layers_of_numbers,
)

wanted_values = st.sets(st.integers(0, 4))
levels_asked = st.sets(st.sampled_from(LEVELS))


@st.composite
def wishes_drawn(draw: st.DrawFn) -> dict[int, list[Span]]:
    """Spans in the order of preference; some overlap, some lie outside of the level."""
    wishes = {}
    for level in sorted(draw(levels_asked)):
        ends = st.integers(0, HIGHEST[level] + 2)
        wishes[level] = draw(st.lists(st.tuples(ends, ends).map(lambda span: (min(span), max(span))), max_size=3))
    return wishes


@given(layers_of_numbers)
def test_cubes_are_disjoint_complete_and_right(layers: Layers) -> None:
    diagrams = Diagrams(HIGHEST)
    boxes = list(cubes(diagrams, built(diagrams, layers, 0)))
    for point, value in zip(POINTS, evaluated(layers, 0), strict=True):
        assert [told for cube, told in boxes if inside(point, cube)] == [value]
    for cube, _ in boxes:
        assert list(cube) == sorted(cube)
        for level, spans in cube.items():
            assert spans
            assert all(0 <= low <= high <= HIGHEST[level] for low, high in spans)
            assert all(one[1] < other[0] for one, other in pairwise(spans))


@given(layers_of_numbers, wanted_values)
def test_cubes_of_wanted_values_only(layers: Layers, wanted: set[int]) -> None:
    diagrams = Diagrams(HIGHEST)
    f = built(diagrams, layers, 0)
    assert list(cubes(diagrams, f, wanted.__contains__)) == [
        (cube, value) for cube, value in cubes(diagrams, f) if value in wanted
    ]


def test_parallel_ranges_are_one_box() -> None:
    diagrams = Diagrams((9,))
    f = diagrams.test(0, ((1, 2), (5, 9)), diagrams.terminal("a"), diagrams.terminal("b"))
    assert list(cubes(diagrams, f)) == [({0: ((0, 0), (3, 4))}, "b"), ({0: ((1, 2), (5, 9))}, "a")]
    assert list(cubes(diagrams, diagrams.terminal("a"))) == [({}, "a")]


@given(layers_of_numbers, wanted_values, levels_asked)
def test_count_and_project_are_what_enumeration_says(layers: Layers, wanted: set[int], levels: set[int]) -> None:
    diagrams = Diagrams(HIGHEST)
    f = built(diagrams, layers, 0)
    rows = list(zip(POINTS, evaluated(layers, 0), strict=True))
    found = {tuple(point[level] for level in sorted(levels)) for point, value in rows if value in wanted}
    assert count(diagrams, f, wanted.__contains__, levels) == len(found)
    expected = from_table(diagrams, [tuple(point[level] for level in sorted(levels)) in found for point in POINTS])
    assert project(diagrams, f, wanted.__contains__, levels) is expected


def test_count_is_exact_beyond_floating_point() -> None:
    diagrams = Diagrams(((1 << 128) - 1, 65535, (1 << 128) - 1))
    one = diagrams.cell({0: ((5, 5),), 1: ((7, 7),), 2: ((9, 9),)})
    assert count(diagrams, diagrams.negation(one), bool, (0, 1, 2)) == (1 << 272) - 1
    assert count(diagrams, one, bool, (0, 2)) == 1
    assert count(diagrams, diagrams.negation(one), bool, (0, 2)) == 1 << 256


@given(layers_of_numbers, wanted_values, wishes_drawn())
def test_pick_finds_a_point_if_there_is_one_and_heeds_the_wishes(
    layers: Layers, wanted: set[int], wishes: dict[int, list[Span]]
) -> None:
    diagrams = Diagrams(HIGHEST)
    left = [p for p, value in zip(POINTS, evaluated(layers, 0), strict=True) if value in wanted]
    point = pick(diagrams, built(diagrams, layers, 0), wanted.__contains__, wishes)
    if not left:
        assert point is None
        return
    assert point in left
    for level in LEVELS:
        possible = sorted({other[level] for other in left})
        welcome = [value for low, high in wishes.get(level, ()) for value in possible if low <= value <= high]
        assert point[level] == (welcome or possible)[0]
        left = [other for other in left if other[level] == point[level]]
