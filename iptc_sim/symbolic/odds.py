"""Values that are drawn: exact distributions over what may happen, shared wherever they are the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from math import gcd
from typing import Final

from iptc_sim.diagram.nodes import Diagrams
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.records import dataclass
from iptc_sim.values import CERTAIN, Odds

#: A draw of more values than this gets no more of them: of a Service with a thousand endpoints, each of which
#: treats itself in another way, the whole list would else be kept a thousand times.
_WIDE: Final = 8


class Split:
    """``hit`` with odds of ``numerator`` in ``denominator``, else ``miss``; either may be drawn further.

    Made by :class:`Distributions` only; the same one is the same object.
    """

    __slots__ = ("denominator", "hit", "miss", "numerator")

    def __init__(self, numerator: int, denominator: int, hit: Hashable, miss: Hashable) -> None:
        self.numerator, self.denominator, self.hit, self.miss = numerator, denominator, hit, miss

    def __repr__(self) -> str:
        return f"Split({self.numerator}/{self.denominator}, {self.hit!r}, {self.miss!r})"


@dataclass(frozen=True, slots=True)
class Then:
    """What hangs on further variables, as one of the values that are drawn.

    Of a Service with a hundred endpoints, each of which may be here or there, the draw would else have as many values
    as there are ways to spread the hundred.
    """

    diagram: Diagram


class Distributions:
    """Values of terminals, drawn or certain. A value that is certain stands for itself.

    There is one of it for all diagrams that are compared: what is drawn alike is the same object.

    Args:
        diagrams: where they live.
        is_late: whether a level is one that draws are not split by (see :class:`Then`).
    """

    def __init__(self, diagrams: Diagrams, is_late: Callable[[int], bool] | None = None) -> None:
        self.diagrams = diagrams
        self._is_late = is_late
        self._cut: dict[Diagram, Diagram] = {}
        self._wide: dict[Diagram, bool] = {}
        self._splits: dict[tuple[int, int, Hashable, Hashable], Split] = {}
        self._mixed: dict[tuple[int, int], dict[tuple[Diagram, Diagram], Diagram]] = {}

    def split(self, numerator: int, denominator: int, hit: Hashable, miss: Hashable) -> Hashable:
        """Return ``hit`` with odds of ``numerator`` in ``denominator``, else ``miss``."""
        if hit is miss or numerator >= denominator:
            return hit
        if numerator <= 0:
            return miss
        key = (numerator, denominator, hit, miss)
        found = self._splits.get(key)
        if found is None:
            if not isinstance(hit, Split) and not isinstance(miss, Split) and hit == miss:
                return hit
            found = self._splits[key] = Split(*key)
        return found

    def mix(self, numerator: int, denominator: int, hit: Diagram, miss: Diagram) -> Diagram:
        """Return what is drawn from two diagrams, point by point."""
        if hit is miss or numerator >= denominator:
            return hit
        if numerator <= 0:
            return miss
        hit, miss = self.cut(hit), self.cut(miss)
        if hit.children and self._is_wide(miss):
            hit = self.diagrams.terminal(Then(hit))
        if not hit.children and not miss.children:
            return self.diagrams.terminal(self.split(numerator, denominator, hit.value, miss.value))
        cache = self._mixed.setdefault((numerator, denominator), {})
        return self.diagrams.apply(lambda a, b: self.split(numerator, denominator, a, b), hit, miss, cache)

    def _is_wide(self, f: Diagram) -> bool:
        """Whether a diagram has so many values that those of others are not told apart beside them."""
        found = self._wide.get(f)
        if found is None:
            found = self._wide[f] = len(self.diagrams.values(f)) > _WIDE
        return found

    def cut(self, f: Diagram) -> Diagram:
        """Return the diagram with :class:`Then` in place of all parts that ask for a late level first."""
        if self._is_late is None or not f.children:
            return f
        found = self._cut.get(f)
        if found is None:
            if self._is_late(f.level):
                found = self.diagrams.terminal(Then(f))
            else:
                found = self.diagrams.branch(f.level, f.bounds, [self.cut(child) for child in f.children])
            self._cut[f] = found
        return found

    def at(self, f: Diagram, point: Mapping[int, int]) -> dict[Hashable, Odds]:
        """Return the exact odds of every value that may come out at a point."""
        found: dict[Hashable, Odds] = {}
        for leaf, odds in self.exact(self.diagrams.value(f, point)).items():
            inner = self.at(leaf.diagram, point) if isinstance(leaf, Then) else {leaf: CERTAIN}
            for value, share in inner.items():
                found[value] = found[value] + odds * share if value in found else odds * share
        return found

    def bind(self, f: Diagram, continuation: Callable[[Hashable], Diagram]) -> Diagram:
        """Return the diagram with a continuation in place of every value, those that are drawn included."""
        if not f.children and not isinstance(f.value, Split | Then):
            return continuation(f.value)
        memo: dict[Hashable, Diagram] = {}

        def follow(value: Hashable) -> Diagram:
            found = memo.get(value)
            if found is not None:
                return found
            draws: list[Split] = []
            end = value
            while isinstance(end, Split) and end not in memo:
                draws.append(end)
                end = end.miss
            made = memo.get(end)
            if made is None:
                made = self.diagrams.bind(end.diagram, follow) if isinstance(end, Then) else continuation(end)
                memo[end] = made
            for draw in reversed(draws):
                made = memo[draw] = self.mix(draw.numerator, draw.denominator, follow(draw.hit), made)
            return made

        return self.diagrams.bind(f, follow)

    def leaves(self, value: Hashable) -> Iterator[Hashable]:
        """Yield every value that may come out, each once."""
        seen: set[Hashable] = {value}
        waiting = [value]
        while waiting:
            item = waiting.pop()
            if not isinstance(item, Split | Then):
                yield item
                continue
            parts = self.diagrams.values(item.diagram) if isinstance(item, Then) else (item.miss, item.hit)
            for part in parts:
                if part not in seen:
                    seen.add(part)
                    waiting.append(part)

    @staticmethod
    def exact(value: Hashable) -> dict[Hashable, Odds]:
        """Return the exact odds of every value that may come out, :class:`Then` among them; they add up to 1."""
        weights: dict[Hashable, Odds] = {value: CERTAIN}
        found: dict[Hashable, Odds] = {}
        for item in _from_the_top(value):
            weight = weights.pop(item)
            if not isinstance(item, Split):
                found[item] = weight
                continue
            odds = Odds(item.numerator, item.denominator)
            for part, share in ((item.hit, odds), (item.miss, odds.complement)):
                more = weight * share
                weights[part] = weights[part] + more if part in weights else more
        return found

    def same(self, one: Hashable, other: Hashable) -> bool:
        """Whether two values are the same distribution, however they are drawn."""
        if one is other:
            return True
        if not isinstance(one, Split) and not isinstance(other, Split):
            return one == other
        mine, theirs = self.exact(one), self.exact(other)
        if mine.keys() != theirs.keys():
            return False
        return all(_equal(odds, theirs[leaf]) for leaf, odds in mine.items())


def _equal(one: Odds, other: Odds) -> bool:
    return one.numerator * other.denominator == other.numerator * one.denominator


def _from_the_top(value: Hashable) -> list[Hashable]:
    """Return all parts of a value, none behind one that it is a part of."""
    order: list[Hashable] = []
    seen: set[Hashable] = set()
    waiting: list[tuple[Hashable, bool]] = [(value, False)]
    while waiting:
        item, done = waiting.pop()
        if done:
            order.append(item)
        elif item not in seen:
            seen.add(item)
            waiting.append((item, True))
            if isinstance(item, Split):
                waiting += [(item.hit, False), (item.miss, False)]
    order.reverse()
    return order


def reduced(odds: Odds) -> tuple[int, int]:
    """Return numerator and denominator of odds without a common factor."""
    common = gcd(odds.numerator, odds.denominator)
    return odds.numerator // common, odds.denominator // common
