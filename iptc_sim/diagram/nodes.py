"""Functions of a packet's fields as reduced, ordered decision diagrams with many ends (MTBDDs over ranges).

A node asks for one level (one field) and has a child for each of the ranges that its values fall into. Nodes are
interned and reduced: neighbouring ranges never lead to the same child, and no node has only one child. So two diagrams
of one :class:`Diagrams` are the same function exactly where they are the same object (Bryant 1986).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from iptc_sim.diagram import binding
from iptc_sim.diagram.spans import Span
from iptc_sim.diagram.uniting import Union, by_halves

#: The level of terminals: below all others.
END: Final = 1 << 62
#: Above the values of every level.
_BEYOND: Final = (1 << 256,)
#: What an operation on two diagrams has made so far.
Cache = dict[tuple["Node", "Node"], "Node"]


class TooLargeError(Exception):
    """More nodes were needed than the budget of the :class:`Diagrams` allows; what was asked for stays unanswered."""


class Nothing:
    """The type of :data:`NOTHING`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NOTHING"


#: The value outside of the condition that a diagram was narrowed to.
NOTHING: Final = Nothing()


class Node:
    """One node, made by :class:`Diagrams` only; equal to itself alone.

    Args:
        level: what it asks for; :data:`END` for a terminal.
        bounds: the first value of each child's range; the first is 0.
        children: what follows; none for a terminal.
        value: of a terminal.
    """

    __slots__ = ("bounds", "children", "level", "value")

    def __init__(self, level: int, bounds: tuple[int, ...], children: tuple[Node, ...], value: Hashable = None) -> None:
        self.level = level
        self.bounds = bounds
        self.children = children
        self.value = value

    def __repr__(self) -> str:
        if not self.children:
            return f"<{self.value!r}>"
        return f"<level {self.level}, {len(self.children)} children>"

    def part(self, level: int, value: int) -> Node:
        """Return what follows where this level, not below the node's own, has the value."""
        if self.level != level:
            return self
        return self.children[bisect_right(self.bounds, value) - 1]


class Diagrams:
    """The nodes of one space of points, and the operations on them.

    Args:
        highest: the highest value of each level, from the top; a level's values begin at 0.
        budget: how many nodes there may be before :class:`TooLargeError` is raised.
    """

    def __init__(self, highest: Sequence[int], *, budget: int = 2_000_000) -> None:
        self.highest = list(highest)
        self.budget = budget
        self._nodes: dict[tuple[int, tuple[int, ...], tuple[Node, ...]], Node] = {}
        self._terminals: dict[tuple[type, Hashable], Node] = {}
        self.yes = self.terminal(True)
        self.no = self.terminal(False)
        self.nothing = self.terminal(NOTHING)

    def __len__(self) -> int:
        """Return how many nodes have been made, terminals not counted."""
        return len(self._nodes)

    def add_level(self, highest: int) -> int:
        """Append a level behind all others; return it."""
        self.highest.append(highest)
        return len(self.highest) - 1

    def terminal(self, value: Hashable) -> Node:
        """Return the diagram that is this value everywhere; ``1`` and ``True`` are two values."""
        key = (type(value), value)
        found = self._terminals.get(key)
        if found is None:
            found = self._terminals[key] = Node(END, (0,), (), value)
        return found

    def branch(self, level: int, bounds: Sequence[int], children: Sequence[Node]) -> Node:
        """Return the diagram that asks for a level: ``children[i]`` from ``bounds[i]`` on.

        Raises:
            ValueError: the bounds do not begin at 0 and rise within the level, or a child asks for this level or one
                above it.
        """
        rising = all(low < high for low, high in pairwise(bounds))
        if not rising or bounds[0] != 0 or bounds[-1] > self.highest[level] or len(bounds) != len(children):
            raise ValueError(f"not the ranges of level {level}: {bounds}")
        if any(child.level <= level for child in children):
            raise ValueError(f"a child of level {level} asks for a level that is not below it")
        return self._node(level, bounds, children)

    def _node(self, level: int, bounds: Sequence[int], children: Sequence[Node]) -> Node:
        """Return the reduced node."""
        last: Node | None = None
        starts: list[int] = []
        kept: list[Node] = []
        for low, child in zip(bounds, children, strict=True):
            if child is not last:
                starts.append(low)
                kept.append(child)
                last = child
        return self._intern(level, starts, kept)

    def _intern(self, level: int, starts: list[int], kept: list[Node]) -> Node:
        """Return the node of ranges among which no neighbours lead to the same child."""
        if len(kept) == 1:
            return kept[0]
        key = (level, tuple(starts), tuple(kept))
        found = self._nodes.get(key)
        if found is None:
            if len(self._nodes) >= self.budget:
                raise TooLargeError(f"more than {self.budget:,} nodes")
            found = self._nodes[key] = Node(*key)
        return found

    def test(self, level: int, spans: Sequence[Span], yes: Node, no: Node) -> Node:
        """Return ``yes`` where the level's value lies in one of the spans (sorted, apart), else ``no``.

        Both may ask for levels above this one.

        Raises:
            ValueError: the spans are not sorted and apart within the level.
        """
        if yes.level <= level or no.level <= level:
            return self.choose(self.test(level, spans, self.yes, self.no), yes, no)
        highest = self.highest[level]
        bounds: list[int] = [0]
        children: list[Node] = [no]
        begin = 0
        for low, high in spans:
            if not begin <= low <= high <= highest:
                raise ValueError(f"not sorted spans of level {level}: {spans}")
            if low > bounds[-1]:
                bounds.append(low)
                children.append(yes)
            else:
                children[-1] = yes
            begin = high + 1
            if begin <= highest:
                bounds.append(begin)
                children.append(no)
        return self._node(level, bounds, children)

    def cell(self, spans: Mapping[int, Sequence[Span]]) -> Node:
        """Return the condition that each level told has a value within its spans."""
        condition = self.yes
        for level in sorted(spans, reverse=True):
            condition = self.test(level, spans[level], condition, self.no)
        return condition

    def choose(self, condition: Node, yes: Node, no: Node) -> Node:
        """Return ``yes`` where the condition is True and ``no`` where it is False."""
        if yes is no or condition is self.yes:
            return yes
        if condition is self.no:
            return no
        if yes is self.yes and no is self.no:
            return condition
        if not yes.children and not no.children:
            return self._replaced(condition, {self.yes: yes, self.no: no})
        return self.bind(condition, lambda value: yes if value is True else no)

    def conjunction(self, *conditions: Node) -> Node:
        """Return the condition that holds where all of them do."""
        return self._joined(conditions, self.yes, self.no)

    def disjunction(self, *conditions: Node) -> Node:
        """Return the condition that holds where one of them does."""
        return self._joined(conditions, self.no, self.yes)

    def negation(self, condition: Node) -> Node:
        """Return the condition that holds where this one does not."""
        return self._replaced(condition, {self.yes: self.no, self.no: self.yes})

    def _joined(self, conditions: Sequence[Node], neutral: Node, decisive: Node) -> Node:
        """Return the union or intersection: one decisive part decides, neutral ones do not count."""
        memo: Cache = {}

        def step(f: Node, g: Node) -> Node:
            if f is decisive or g is decisive:
                return decisive
            if f is neutral or f is g:
                return g
            if g is neutral:
                return f
            key = (f, g)
            found = memo.get(key)
            if found is None:
                found = memo[key] = memo[g, f] = self._merge(f, g, step)
            return found

        if neutral is self.no:
            return Union(self, step, self._node).of(conditions)
        return by_halves(step, [*conditions, neutral])

    def apply(
        self, operation: Callable[[Hashable, Hashable], Hashable], f: Node, g: Node, cache: Cache | None = None
    ) -> Node:
        """Return the operation's result on the values of both diagrams, point by point.

        Args:
            operation: on two values of terminals.
            f: its first operand.
            g: its second.
            cache: results of earlier calls with the same operation; this call's are added.
        """
        memo: Cache = {} if cache is None else cache

        def step(f: Node, g: Node) -> Node:
            key = (f, g)
            found = memo.get(key)
            if found is None:
                if f.children or g.children:
                    found = self._merge(f, g, step)
                else:
                    found = self.terminal(operation(f.value, g.value))
                memo[key] = found
            return found

        return step(f, g)

    def _merge(self, f: Node, g: Node, step: Callable[[Node, Node], Node]) -> Node:
        """Return the node whose children are what ``step`` makes of the children of both that meet."""
        if f.level != g.level:
            upper = f if f.level < g.level else g
            made = []
            for child in upper.children:
                # No comprehension: it would be one more frame of the recursion.
                below = step(child, g) if upper is f else step(f, child)
                made.append(below)
            return self._node(upper.level, upper.bounds, made)
        left, right = f.bounds[1:] + _BEYOND, g.bounds[1:] + _BEYOND
        here, there = iter(f.children), iter(g.children)
        a, b = next(here), next(there)
        last = step(a, b)
        starts, kept = [0], [last]
        i = j = 0
        x, y = left[0], right[0]
        end = _BEYOND[0]
        while x < end or y < end:
            low = x
            if y < x:
                low = y
            if x == low:
                a = next(here)
                i += 1
                x = left[i]
            if y == low:
                b = next(there)
                j += 1
                y = right[j]
            child = step(a, b)
            if child is not last:
                starts.append(low)
                kept.append(child)
                last = child
        return self._intern(f.level, starts, kept)

    def map(self, operation: Callable[[Hashable], Hashable], f: Node) -> Node:
        """Return the diagram with the operation's result in place of each value; it is asked once per value."""
        return self._replaced(f, {end: self.terminal(operation(end.value)) for end in ends(f)})

    def _replaced(self, f: Node, made: dict[Node, Node]) -> Node:
        """Return the diagram with other nodes in place of those told; what is made of the others is added to these."""

        def step(node: Node) -> Node:
            found = made.get(node)
            if found is None:
                children = []
                for child in node.children:
                    below = made.get(child)
                    children.append(step(child) if below is None else below)
                found = made[node] = self._node(node.level, node.bounds, children)
            return found

        return step(f)

    def bind(self, f: Node, continuation: Callable[[Hashable], Node]) -> Node:
        """Return the diagram with ``continuation(v)`` in place of each terminal ``v``.

        The continuations may ask for any level, also for those that led to the terminal: then the answers are known.

        Args:
            f: what comes first.
            continuation: what follows a value; asked once per value.
        """
        return binding.bound(self, f, continuation, self._node, self._replaced)

    def narrow(self, f: Node, condition: Node) -> Node:
        """Return the diagram where the condition holds, and :data:`NOTHING` elsewhere."""
        return self.choose(condition, f, self.nothing)

    def value(self, f: Node, point: Mapping[int, int]) -> Hashable:
        """Return the value at a point: level to value, 0 for the levels not told."""
        while f.children:
            f = f.children[bisect_right(f.bounds, point.get(f.level, 0)) - 1]
        return f.value

    def values(self, f: Node) -> frozenset[Hashable]:
        """Return the values that the diagram has somewhere; as a set, so of ``1`` and ``True`` only one."""
        return frozenset(end.value for end in ends(f))


def ends(f: Node) -> list[Node]:
    """Return the terminals of a diagram, each once."""
    seen = {f: None}
    waiting = [f]
    while waiting:
        for child in waiting.pop().children:
            if child not in seen:
                seen[child] = None
                if child.children:
                    waiting.append(child)
    return [node for node in seen if not node.children]
