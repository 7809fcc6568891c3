"""One diagram behind another: each terminal of the first goes on with a diagram of its own."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iptc_sim.diagram.nodes import Diagrams, Node

#: For each node the terminals that it leads to, and the lowest level that is asked for on the way.
_Ends = dict["Node", tuple[tuple["Node", ...], int]]
_Make = Callable[[int, Sequence[int], Sequence["Node"]], "Node"]
_Replace = Callable[["Node", dict["Node", "Node"]], "Node"]


def bound(
    diagrams: Diagrams, f: Node, continuation: Callable[[Hashable], Node], make: _Make, replace: _Replace
) -> Node:
    """Return ``f`` with ``continuation(v)`` in place of each terminal ``v``.

    It is walked from the top, with the continuations of only those terminals that can still be reached, and of these
    only the parts that the answers so far allow. So continuations cost nothing off the paths that lead to them.

    Args:
        diagrams: where all of this lives.
        f: what comes first.
        continuation: what follows a value; asked once per value.
        make: makes the reduced node of a level, its bounds and children.
        replace: puts nodes in place of terminals, where these nodes ask for lower levels only.
    """
    ends: _Ends = {}
    _collect(f, ends)
    memo: dict[tuple[Node, tuple[Node, ...]], Node] = {}

    def walk(node: Node, after: tuple[Node, ...]) -> Node:
        if not node.children:
            return after[0]
        key = (node, after)
        found = memo.get(key)
        if found is None:
            top = min([follower.level for follower in after])
            terminals, lowest = ends[node]
            if top > lowest:
                found = memo[key] = replace(node, dict(zip(terminals, after, strict=True)))
                return found
            if top < node.level:
                bounds, parts = _split(after, top, 0, diagrams.highest[top])
                pairs = [(node, part) for part in parts]
            else:
                bounds, pairs = _descend(node, after, ends, diagrams.highest[node.level])
            children = []
            for below, rest in pairs:
                children.append(walk(below, rest))
            found = memo[key] = make(min(top, node.level), bounds, children)
        return found

    return walk(f, tuple([continuation(end.value) for end in ends[f][0]]))


def _collect(node: Node, ends: _Ends) -> tuple[tuple[Node, ...], int]:
    """Note for each node the terminals that it leads to, and the lowest level on the way."""
    found = ends.get(node)
    if found is None:
        if node.children:
            reached: dict[Node, None] = {}
            lowest = node.level
            for child in dict.fromkeys(node.children):
                terminals, level = _collect(child, ends)
                reached.update(dict.fromkeys(terminals))
                lowest = max(lowest, level)
            found = tuple(reached), lowest
        else:
            found = (node,), -1
        ends[node] = found
    return found


def _descend(
    node: Node, after: tuple[Node, ...], ends: _Ends, highest: int
) -> tuple[list[int], list[tuple[Node, tuple[Node, ...]]]]:
    """Return the bounds below a node, and which child goes on with which followers there."""
    level = node.level
    follower = dict(zip(ends[node][0], after, strict=True))
    bounds: list[int] = []
    pairs: list[tuple[Node, tuple[Node, ...]]] = []
    for low, high, child in zip(node.bounds, (*node.bounds[1:], highest + 1), node.children, strict=True):
        mine = tuple([follower[end] for end in ends[child][0]])
        starts, parts = _split(mine, level, low, high - 1)
        bounds += starts
        pairs += [(child, part) for part in parts]
    return bounds, pairs


def _split(after: tuple[Node, ...], level: int, low: int, high: int) -> tuple[list[int], list[tuple[Node, ...]]]:
    """Cut ``low..high`` wherever a follower changes with the level; return the starts and the followers there."""
    asking = [node for node in dict.fromkeys(after) if node.level == level]
    if not asking:
        return [low], [after]
    cuts = {low}
    for node in asking:
        cuts.update(node.bounds[bisect_right(node.bounds, low) : bisect_left(node.bounds, high + 1)])
    starts = sorted(cuts)
    return starts, [tuple([node.part(level, start) for node in after]) for start in starts]
