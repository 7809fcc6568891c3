"""What is in a diagram: boxes to show, the number of points, one point to try."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence

from iptc_sim.diagram.nodes import END, Diagrams, Node
from iptc_sim.diagram.spans import Span, Spans, intersection

#: A box: the level's value lies within the spans, for each level told; all values of the others.
Cube = dict[int, Spans]
Wanted = Callable[[Hashable], bool]


def cubes(diagrams: Diagrams, f: Node, wanted: Wanted | None = None) -> Iterator[tuple[Cube, Hashable]]:
    """Yield boxes that do not overlap, and the value that the diagram has in each.

    Ranges of one level that lead to the same child are one box with several spans.

    Args:
        diagrams: where the diagram lives.
        f: the diagram.
        wanted: which values to yield the boxes of; all if not told, and then the boxes fill the whole space.
    """
    fitting = None if wanted is None else _where(diagrams, f, wanted)
    waiting: list[tuple[Node, Node | None, Cube]] = [(f, fitting, {})]
    while waiting:
        node, mask, cube = waiting.pop()
        if mask is diagrams.no:
            continue
        if not node.children:
            yield cube, node.value
            continue
        ranges: dict[Node, list[Span]] = {}
        for low, high, child in _ranges(diagrams, node):
            ranges.setdefault(child, []).append((low, high))
        for child, spans in reversed(ranges.items()):
            below = None if mask is None else mask.part(node.level, spans[0][0])
            waiting.append((child, below, cube | {node.level: tuple(spans)}))


def project(diagrams: Diagrams, f: Node, wanted: Wanted, levels: Collection[int]) -> Node:
    """Return the condition on the levels that some values of all other levels lead to a wanted value."""
    kept = frozenset(levels)
    memo: dict[Node, Node] = {}

    def step(node: Node) -> Node:
        found = memo.get(node)
        if found is None:
            parts = [step(child) for child in node.children]
            if node.level in kept:
                found = diagrams.branch(node.level, node.bounds, parts)
            else:
                found = diagrams.disjunction(*dict.fromkeys(parts)) if parts else node
            memo[node] = found
        return found

    return step(_where(diagrams, f, wanted))


def count(diagrams: Diagrams, f: Node, wanted: Wanted, levels: Collection[int]) -> int:
    """Return the number of points over the levels from which some values of the other levels lead to a wanted value.

    So a point is counted once however many values of the other levels go with it. Levels that the diagram does not ask
    for count with all their values.

    Args:
        diagrams: where the diagram lives.
        f: the diagram.
        wanted: whether a value is of those to be counted.
        levels: the levels whose points are counted.
    """
    order = sorted(set(levels))
    place = {level: index for index, level in enumerate(order)} | {END: len(order)}
    # points[i]: the number of points over the levels from order[i] on.
    points = [1]
    for level in reversed(order):
        points.insert(0, points[0] * (diagrams.highest[level] + 1))
    memo: dict[Node, int] = {diagrams.no: 0, diagrams.yes: 1}

    def step(node: Node) -> int:
        """Return the number of points over the levels from the node's own on."""
        found = memo.get(node)
        if found is None:
            below = place[node.level] + 1
            found = 0
            for low, high, child in _ranges(diagrams, node):
                found += (high - low + 1) * step(child) * (points[below] // points[place[child.level]])
            memo[node] = found
        return found

    root = project(diagrams, f, wanted, order)
    return step(root) * (points[0] // points[place[root.level]])


def pick(diagrams: Diagrams, f: Node, wanted: Wanted, wishes: Mapping[int, Sequence[Span]]) -> dict[int, int] | None:
    """Return one point at which the diagram has a wanted value, a value for every level; None if there is none.

    Level by level from the top the first wish is met that leaves a wanted value in reach, with the lowest number that
    does; without a wish (or where none can be met) it is the lowest number that does.

    Args:
        diagrams: where the diagram lives.
        f: the diagram.
        wanted: whether a value will do.
        wishes: the spans that each level's value should come from, the most welcome first.
    """
    node = _where(diagrams, f, wanted)
    if node is diagrams.no:
        return None
    point: dict[int, int] = {}
    for level, highest in enumerate(diagrams.highest):
        # In a reduced diagram every node but the terminal False has a path to True.
        possible = [(0, highest)]
        if node.level == level:
            possible = [(low, high) for low, high, child in _ranges(diagrams, node) if child is not diagrams.no]
        granted = (intersection([wish], possible) for wish in wishes.get(level, ()))
        point[level] = next((spans[0][0] for spans in granted if spans), possible[0][0])
        node = node.part(level, point[level])
    return point


def _where(diagrams: Diagrams, f: Node, wanted: Wanted) -> Node:
    """Return the condition that the diagram has a wanted value."""
    return diagrams.map(lambda value: bool(wanted(value)), f)


def _ranges(diagrams: Diagrams, node: Node) -> Iterator[tuple[int, int, Node]]:
    """Yield the first and last value of each child of a node, and the child."""
    ends = (*node.bounds[1:], diagrams.highest[node.level] + 1)
    for low, end, child in zip(node.bounds, ends, node.children, strict=True):
        yield low, end - 1, child
