"""A region of packets as few and simple boxes.

The boxes are prime and together irredundant, found as Minato's and Morreale's ISOP finds products of a function that is
told by two bounds, here over variables of many values. What lies between the bounds may be covered or not, whichever is
simpler.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from iptc_sim.diagram.nodes import Diagrams, Node
from iptc_sim.diagram.spans import Span, Spans, complement, intersection, union

#: A box: the spans of each level that it asks for, by level.
Box = tuple[tuple[int, Spans], ...]


def fixed(made: Diagrams, f: Node, values: Mapping[int, int]) -> Node:
    """Return a diagram for points whose values of some levels are known: it asks for these no more."""
    memo: dict[Node, Node] = {}

    def step(node: Node) -> Node:
        if not node.children:
            return node
        found = memo.get(node)
        if found is None:
            value = values.get(node.level)
            if value is not None:
                found = step(node.part(node.level, value))
            else:
                found = made.branch(node.level, node.bounds, [step(child) for child in node.children])
            memo[node] = found
        return found

    return step(f)


class Cover:
    """Covers conditions of one space with boxes.

    Args:
        made: the diagrams of the space.
        names: levels whose numbers stand for names, of which nobody knows what is between two.
    """

    def __init__(self, made: Diagrams, names: Collection[int] = ()) -> None:
        self._made, self._names = made, frozenset(names)
        self._memo: dict[tuple[Node, Node], tuple[tuple[Box, ...], Node]] = {}

    def boxes(self, lower: Node, upper: Node) -> tuple[Box, ...]:
        """Return boxes that cover all of ``lower`` and nothing outside of ``upper``; they may overlap.

        Args:
            lower: a condition.
            upper: one that follows from it.
        """
        return self._without_redundant(self._of(lower, upper)[0], lower)

    def condition(self, box: Box) -> Node:
        """Return the condition that a point is in a box."""
        return self._made.cell(dict(box))

    def _of(self, lower: Node, upper: Node) -> tuple[tuple[Box, ...], Node]:
        """Return boxes and the condition of all of them."""
        made = self._made
        if lower is made.no:
            return (), made.no
        if upper is made.yes:
            return ((),), made.yes
        found = self._memo.get((lower, upper))
        if found is None:
            found = self._memo[lower, upper] = self._by_level(lower, upper, min(lower.level, upper.level))
        return found

    def _by_level(self, lower: Node, upper: Node, level: int) -> tuple[tuple[Box, ...], Node]:
        made = self._made
        highest = made.highest[level]
        groups: dict[tuple[Node, Node], list[Span]] = {}
        for low, high in _ranges(lower, upper, level, highest):
            groups.setdefault((lower.part(level, low), upper.part(level, low)), []).append((low, high))
        uppers = list(dict.fromkeys(pair[1] for pair in groups))
        everywhere = made.conjunction(*uppers)
        boxes: list[Box] = []
        covers: list[Node] = []
        # First what needs the level asked for, widest ranges first, each box then widened as far as it may go.
        rest = {pair: pair[0] for pair in groups}
        for pair in sorted(groups, key=lambda pair: -sum(high - low + 1 for low, high in groups[pair])):
            must = made.conjunction(rest[pair], made.negation(everywhere))
            for box in self._of(must, pair[1])[0]:
                inner = self.condition(box)
                inside = [other for other in groups if made.conjunction(inner, made.negation(other[1])) is made.no]
                needed = [other for other in inside if made.conjunction(inner, other[0]) is not made.no]
                most, least = (union(*(groups[other] for other in some)) for some in (inside, needed))
                if level in self._names:
                    spans = min((least, most), key=lambda spans: _names(spans, highest))
                else:
                    spans = _simplest(most, least, highest)
                boxes.append(((level, spans), *box))
                covers.append(made.test(level, spans, inner, made.no))
                for other in inside:
                    rest[other] = made.conjunction(rest[other], made.negation(inner))
        common, cover = self._of(made.disjunction(*dict.fromkeys(rest.values())), everywhere)
        return (*boxes, *common), made.disjunction(*covers, cover)

    def _without_redundant(self, boxes: Sequence[Box], lower: Node) -> tuple[Box, ...]:
        """Return the boxes without those that the others cover, those with the most conditions tried first."""
        made = self._made
        kept = list(dict.fromkeys(boxes))
        for box in sorted(kept, key=len, reverse=True):
            others = [self.condition(other) for other in kept if other is not box]
            needed = made.conjunction(lower, self.condition(box))
            if made.conjunction(needed, made.negation(made.disjunction(*others))) is made.no:
                kept.remove(box)
        return tuple(kept)


def _simplest(most: Spans, least: Spans, highest: int) -> Spans:
    """Return a set between two that is told in few words."""
    if most == ((0, highest),):
        return most
    exact, rounded = [], []
    for low, high in most:
        inside = [span for span in least if low <= span[0] <= high]
        if inside:
            hull = inside[0][0], inside[-1][1]
            block = _block_around(hull)
            exact.append(hull)
            rounded.append(block if low <= block[0] and block[1] <= high else hull)
    return min((tuple(rounded), tuple(exact), most), key=lambda spans: _words(spans, highest))


def _block_around(span: Span) -> Span:
    """Return the smallest block, as a network is one, that a range lies in."""
    bits = (span[0] ^ span[1]).bit_length()
    return span[0] >> bits << bits, span[0] >> bits << bits | (1 << bits) - 1


def _names(spans: Spans, highest: int) -> int:
    """Return how many names, or beginnings of names, a set is made of, or all but it; 0 is no name."""
    named = intersection(spans, ((1, highest),))
    outside = intersection(complement(spans, highest), ((1, highest),))
    return min(sum(map(_blocks, named)), sum(map(_blocks, outside)))


def _words(spans: Spans, highest: int) -> int:
    """Return how many blocks (networks, as it were) a set is made of, or all but it."""
    return min(sum(map(_blocks, spans)), sum(map(_blocks, complement(spans, highest))))


def _blocks(span: Span) -> int:
    """Return how many blocks of a power of two, each where a multiple of its size is, a range is made of."""
    low, end, count = span[0], span[1] + 1, 0
    while low < end:
        size = low & -low or 1 << end.bit_length()
        while low + size > end:
            size >>= 1
        low += size
        count += 1
    return count


def _ranges(one: Node, other: Node, level: int, highest: int) -> list[Span]:
    """Return the ranges of a level within which neither diagram changes."""
    starts = sorted({0, *(bound for node in (one, other) if node.level == level for bound in node.bounds)})
    return [(low, high - 1) for low, high in zip(starts, [*starts[1:], highest + 1], strict=True)]
