"""Every operation against brute force over a small space: 5 levels of 1 to 5 values."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptc_sim.diagram.counting import count, cubes
from iptc_sim.diagram.nodes import NOTHING, Diagrams, Node, TooLargeError
from iptc_sim.diagram.spans import Span, complement, union

HIGHEST = (3, 0, 4, 2, 1)
LEVELS = range(len(HIGHEST))
POINTS = [dict(enumerate(values)) for values in product(*(range(highest + 1) for highest in HIGHEST))]
Table = list[Any]


def spans_of_bits(bits: int, highest: int) -> tuple[Span, ...]:
    """The values whose bit is set."""
    return union((value, value) for value in range(highest + 1) if bits >> value & 1)


def spans_of(highest: int) -> st.SearchStrategy[tuple[Span, ...]]:
    return st.integers(0, (2 << highest) - 1).map(lambda bits: spans_of_bits(bits, highest))


def cells() -> st.SearchStrategy[dict[int, tuple[Span, ...]]]:
    """Some levels with spans each, empty ones among them at times; drawn with few choices, for speed."""
    asked = st.lists(st.tuples(st.sampled_from(LEVELS), st.integers(0, (2 << max(HIGHEST)) - 1)), max_size=3)
    return asked.map(lambda told: {level: spans_of_bits(bits, HIGHEST[level]) for level, bits in sorted(told)})


def inside(point: dict[int, int], cell: dict[int, tuple[Span, ...]]) -> bool:
    return all(any(low <= point[level] <= high for low, high in spans) for level, spans in cell.items())


#: A function as a list of cells with a value each: the first that holds decides, else the value 0.
Layers = list[tuple[dict[int, tuple[Span, ...]], Hashable]]
layers_of_numbers = st.lists(st.tuples(cells(), st.integers(0, 3)), max_size=5)
layers_of_truths = st.lists(st.tuples(cells(), st.booleans()), max_size=5)


def evaluated(layers: Layers, default: Hashable) -> Table:
    table = [default] * len(POINTS)
    for cell, value in reversed(layers):
        fitting = [{v for low, high in spans for v in range(low, high + 1)} for spans in cell.values()]
        asked = list(zip(cell, fitting, strict=True))
        for place, point in enumerate(POINTS):
            if all(point[level] in values for level, values in asked):
                table[place] = value
    return table


def built(diagrams: Diagrams, layers: Layers, default: Hashable) -> Node:
    """From the last to the first, one test at a time: by none of the operations on many diagrams."""
    made = diagrams.terminal(default)
    for cell, value in reversed(layers):
        condition = diagrams.yes
        for level, spans in cell.items():
            condition = diagrams.test(level, spans, condition, diagrams.no)
        made = diagrams.choose(condition, diagrams.terminal(value), made)
    return made


def tabulated(diagrams: Diagrams, f: Node) -> Table:
    return [diagrams.value(f, point) for point in POINTS]


def from_table(diagrams: Diagrams, table: Table) -> Node:
    """The diagram by the text book: all points from the last level up, one branch for each value."""
    nodes = [diagrams.terminal(value) for value in table]
    for level, highest in reversed(list(enumerate(diagrams.highest))):
        width = highest + 1
        nodes = [
            diagrams.branch(level, range(width), nodes[start : start + width]) for start in range(0, len(nodes), width)
        ]
    (root,) = nodes
    return root


@given(layers_of_numbers)
def test_same_function_is_same_object_however_made(layers: Layers) -> None:
    diagrams = Diagrams(HIGHEST)
    table = evaluated(layers, 0)
    made = built(diagrams, layers, 0)
    assert tabulated(diagrams, made) == table
    assert made is from_table(diagrams, table)
    assert diagrams.values(made) == set(table)


@given(layers_of_numbers, layers_of_numbers)
def test_two_diagrams_are_one_exactly_if_the_tables_are(left: Layers, right: Layers) -> None:
    diagrams = Diagrams(HIGHEST)
    same = evaluated(left, 0) == evaluated(right, 0)
    assert (built(diagrams, left, 0) is built(diagrams, right, 0)) == same


@given(layers_of_numbers)
def test_nodes_are_reduced_and_ordered(layers: Layers) -> None:
    diagrams = Diagrams(HIGHEST)
    waiting = [built(diagrams, layers, 0)]
    while waiting:
        node = waiting.pop()
        if not node.children:
            continue
        assert node.bounds[0] == 0
        assert list(node.bounds) == sorted(set(node.bounds))
        assert node.bounds[-1] <= HIGHEST[node.level]
        assert len(node.bounds) == len(node.children) > 1
        assert all(a is not b for a, b in pairwise(node.children))
        assert all(child.level > node.level for child in node.children)
        waiting += node.children


@given(layers_of_numbers, layers_of_numbers, st.sampled_from([max, lambda a, b: a - b, lambda a, b: (a, b)]))
def test_apply_and_map(left: Layers, right: Layers, operation: Callable[[Hashable, Hashable], Hashable]) -> None:
    diagrams = Diagrams(HIGHEST)
    f, g = built(diagrams, left, 0), built(diagrams, right, 0)
    pairs = list(zip(evaluated(left, 0), evaluated(right, 0), strict=True))
    cache: dict[tuple[Node, Node], Node] = {}
    made = diagrams.apply(operation, f, g, cache)
    assert made is from_table(diagrams, [operation(a, b) for a, b in pairs])
    assert diagrams.apply(operation, f, g, cache) is made
    asked: list[Hashable] = []

    def noted(value: Hashable) -> str:
        asked.append(value)
        return str(value)

    assert diagrams.map(noted, f) is from_table(diagrams, [str(a) for a, _ in pairs])
    assert sorted(asked, key=str) == sorted(set(evaluated(left, 0)), key=str)


@given(st.lists(layers_of_truths, max_size=4))
def test_logic(operands: Sequence[Layers]) -> None:
    diagrams = Diagrams(HIGHEST)
    conditions = [built(diagrams, layers, default=False) for layers in operands]
    tables = [evaluated(layers, default=False) for layers in operands]
    rows = [[table[place] for table in tables] for place in range(len(POINTS))]
    assert diagrams.conjunction(*conditions) is from_table(diagrams, [all(row) for row in rows])
    assert diagrams.disjunction(*conditions) is from_table(diagrams, [any(row) for row in rows])
    for condition, table in zip(conditions, tables, strict=True):
        assert diagrams.negation(condition) is from_table(diagrams, [not value for value in table])
        assert diagrams.negation(diagrams.negation(condition)) is condition


@given(layers_of_truths, layers_of_numbers, layers_of_numbers)
def test_choose_and_narrow(condition: Layers, yes: Layers, no: Layers) -> None:
    diagrams = Diagrams(HIGHEST)
    c, f, g = built(diagrams, condition, default=False), built(diagrams, yes, 0), built(diagrams, no, 1)
    rows = list(zip(evaluated(condition, default=False), evaluated(yes, 0), evaluated(no, 1), strict=True))
    assert diagrams.choose(c, f, g) is from_table(diagrams, [a if holds else b for holds, a, b in rows])
    assert diagrams.narrow(f, c) is from_table(diagrams, [a if holds else NOTHING for holds, a, _ in rows])


@given(st.sampled_from(LEVELS), st.data(), layers_of_numbers, layers_of_numbers)
def test_test(level: int, data: st.DataObject, yes: Layers, no: Layers) -> None:
    diagrams = Diagrams(HIGHEST)
    spans = data.draw(spans_of(HIGHEST[level]))
    rows = zip(POINTS, evaluated(yes, 0), evaluated(no, 1), strict=True)
    expected = [a if inside(point, {level: spans}) else b for point, a, b in rows]
    f, g = built(diagrams, yes, 0), built(diagrams, no, 1)
    assert diagrams.test(level, spans, f, g) is from_table(diagrams, expected)
    assert diagrams.test(level, complement(spans, HIGHEST[level]), g, f) is diagrams.test(level, spans, f, g)


@given(layers_of_numbers, st.lists(layers_of_numbers, min_size=4, max_size=4))
def test_bind(layers: Layers, followers: Sequence[Layers]) -> None:
    diagrams = Diagrams(HIGHEST)
    asked: list[Hashable] = []

    def continuation(value: Hashable) -> Node:
        assert isinstance(value, int)
        asked.append(value)
        return built(diagrams, followers[value], ("after", value))

    made = diagrams.bind(built(diagrams, layers, 0), continuation)
    tables = [evaluated(follower, ("after", value)) for value, follower in enumerate(followers)]
    first = evaluated(layers, 0)
    expected = [tables[int(str(value))][place] for place, value in enumerate(first)]
    assert made is from_table(diagrams, expected)
    assert sorted(asked, key=str) == sorted(set(first), key=str)


@given(st.lists(cells(), min_size=6, max_size=40))
def test_disjunction_of_many_cells(drawn: list[dict[int, tuple[Span, ...]]]) -> None:
    diagrams = Diagrams(HIGHEST)
    made = diagrams.disjunction(*map(diagrams.cell, drawn))
    assert made is from_table(diagrams, [any(inside(point, cell) for cell in drawn) for point in POINTS])


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15), st.integers(0, 3)), min_size=12, max_size=30))
def test_disjunction_of_ranges_that_nearly_all_meet(drawn: list[tuple[int, int, int]]) -> None:
    diagrams = Diagrams((63, 3))
    made = diagrams.disjunction(
        *(diagrams.cell({0: ((16 + low, 63 - high),), 1: ((first, 3),)}) for low, high, first in drawn)
    )
    expected = [
        any(16 + low <= address <= 63 - high and port >= first for low, high, first in drawn)
        for address, port in product(range(64), range(4))
    ]
    assert made is from_table(diagrams, expected)


def test_levels_can_be_added_while_diagrams_exist() -> None:
    diagrams = Diagrams((3,))
    upper = diagrams.test(0, ((1, 2),), diagrams.terminal("a"), diagrams.terminal("b"))
    level = diagrams.add_level(1)
    assert level == 1
    both = diagrams.test(level, ((1, 1),), upper, diagrams.terminal("c"))
    assert [diagrams.value(both, {0: 2, 1: free}) for free in (0, 1)] == ["c", "a"]
    assert diagrams.value(both, {}) == "c"
    assert both.level == 0


def test_numbers_and_truth_values_are_different_terminals() -> None:
    diagrams = Diagrams((3,))
    assert diagrams.terminal(1) is not diagrams.yes
    assert diagrams.terminal(0) is not diagrams.no
    assert diagrams.terminal(("a", 1)) is diagrams.terminal(("a", 1))
    assert diagrams.choose(diagrams.yes, diagrams.terminal(1), diagrams.no) is diagrams.terminal(1)


@pytest.mark.parametrize("bounds", [(1, 2), (0, 0), (0, 2, 1), (0, 4), (0,)])
def test_branch_refuses_what_are_no_ranges(bounds: tuple[int, ...]) -> None:
    diagrams = Diagrams((3, 3))
    with pytest.raises(ValueError, match="not the ranges of level 0"):
        diagrams.branch(0, bounds, (diagrams.no, diagrams.yes, diagrams.no)[: max(2, len(bounds))])


def test_branch_refuses_children_that_are_not_below() -> None:
    diagrams = Diagrams((3, 3))
    child = diagrams.test(0, ((1, 1),), diagrams.yes, diagrams.no)
    with pytest.raises(ValueError, match="a child of level 1"):
        diagrams.branch(1, (0, 1), (child, diagrams.no))


@pytest.mark.parametrize("spans", [((2, 1),), ((2, 3), (0, 1)), ((0, 2), (2, 3)), ((3, 4),), ((-1, 0),)])
def test_test_refuses_spans_that_are_not_sorted_within_the_level(spans: tuple[Span, ...]) -> None:
    diagrams = Diagrams((3,))
    with pytest.raises(ValueError, match="not sorted spans of level 0"):
        diagrams.test(0, spans, diagrams.yes, diagrams.no)


def test_more_nodes_than_the_budget_are_refused() -> None:
    diagrams = Diagrams((1,) * 20, budget=100)
    conditions = [
        diagrams.cell({level: ((1, 1),), level + 10: ((1, 1),)}) for level in range(10)
    ]  # 2^10 nodes, in this order of levels
    with pytest.raises(TooLargeError, match="more than 100 nodes"):
        diagrams.disjunction(*conditions)
    assert len(diagrams) == 100
    assert diagrams.conjunction(conditions[0], diagrams.yes) is conditions[0]


def services(number: int) -> list[dict[int, tuple[Span, ...]]]:
    """What a chain of Services asks for: protocol, address and port of each."""
    drawn = random.Random(6)
    # Ten addresses in a row are as likely here as in a cluster. No two ports are the same, so that none share a node.
    addresses = range(0x0A600000, 0x0A600000 + number)
    ports = drawn.sample(range(1 << 16), number)
    cells: list[dict[int, tuple[Span, ...]]] = []
    for address, port in zip(addresses, ports, strict=True):
        protocol = drawn.choice((6, 17))
        cells.append({0: ((protocol, protocol),), 1: ((address, address),), 2: ((port, port),)})
    return cells


def reached(f: Node) -> tuple[int, int]:
    """Return the number of nodes below and with this one that are no terminals, and of their children."""
    seen: set[Node] = set()
    waiting = [f]
    while waiting:
        node = waiting.pop()
        if node.children and node not in seen:
            seen.add(node)
            waiting += node.children
    return len(seen), sum(len(node.children) for node in seen)


def test_disjoint_conditions_make_a_diagram_and_work_linear_in_their_number() -> None:
    made = {}
    for number in (1000, 2000):
        diagrams = Diagrams((255, (1 << 32) - 1, 65535))
        conditions = [diagrams.cell(cell) for cell in services(number)]
        before = len(diagrams)
        f = diagrams.disjunction(*conditions)
        nodes, edges = reached(f)
        assert nodes == number + 3  # a port node for each, the addresses of two protocols, the protocols
        assert edges <= 7 * number
        made[number] = len(diagrams) - before
        random.Random(7).shuffle(conditions)
        assert diagrams.disjunction(*conditions) is f
    assert made[2000] <= 2.1 * made[1000]


def test_a_run_of_conditions_is_one_set() -> None:
    diagrams = Diagrams((255, (1 << 32) - 1))
    sources = [(16 * place, 16 * place + 3) for place in range(3000)]
    conditions = [diagrams.cell({0: ((6, 6),), 1: (span,)}) for span in sources]
    assert diagrams.disjunction(*conditions) is diagrams.cell({0: ((6, 6),), 1: tuple(sources)})


def test_addresses_of_128_bits() -> None:
    diagrams = Diagrams(((1 << 128) - 1,))
    top = (1 << 128) - 1
    f = diagrams.test(0, ((top, top),), diagrams.terminal("last"), diagrams.terminal("other"))
    g = diagrams.apply(lambda a, b: (a, b), f, diagrams.test(0, ((0, top - 2),), diagrams.yes, diagrams.no))
    assert [diagrams.value(g, {0: value}) for value in (0, top - 1, top)] == [
        ("other", True),
        ("other", False),
        ("last", False),
    ]


def test_150_levels_do_not_exhaust_the_stack() -> None:
    diagrams = Diagrams((1,) * 150)
    every = diagrams.cell(dict.fromkeys(range(150), ((1, 1),)))
    none = diagrams.cell(dict.fromkeys(range(150), ((0, 0),)))
    either = diagrams.disjunction(every, none)
    assert diagrams.negation(diagrams.conjunction(diagrams.negation(every), diagrams.negation(none))) is either
    swapped = diagrams.bind(either, lambda value: none if value is True else either)
    assert swapped is none
    assert diagrams.apply(lambda a, b: a is True and b is True, either, every) is every
    f = diagrams.choose(every, diagrams.terminal(1), diagrams.choose(none, diagrams.terminal(2), diagrams.no))
    assert diagrams.values(f) == {1, 2, False}
    assert count(diagrams, f, {1, 2}.__contains__, range(0, 150, 2)) == 2
    assert sum(value is not False for _, value in cubes(diagrams, f)) == 2
