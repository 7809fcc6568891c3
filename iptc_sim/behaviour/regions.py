"""Which packets can meet a difference in a table: all others are treated alike there.

A packet that fits none of the rules that only one side has, and none of the rules that lead to a chain that differs
for it, meets the same rules in the same order on both sides. What is told here is a superset of the packets that do fit
one: of every rule on the way only the key counts, which nothing changes while a table is walked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from iptc_sim.behaviour.fingerprints import Fingerprints
from iptc_sim.behaviour.keyed import ANY_KEY, KeyedTable, joined
from iptc_sim.behaviour.order import Key, is_reordered
from iptc_sim.compare.align import align
from iptc_sim.symbolic.summaries import FOLLOWED

#: More keys than this are told as "any packet".
_MOST: Final = 50_000

#: Which parts of a key are told.
_Shape = tuple[bool, bool, bool]


class Regions:
    """The keys of the packets that can meet a difference, chain by chain.

    Args:
        prints: how the chains of the table compare.
        a: the table in one ruleset.
        b: in the other.
    """

    def __init__(self, prints: Fingerprints, a: KeyedTable, b: KeyedTable) -> None:
        self._prints, self._a, self._b = prints, a, b
        self._known: dict[str, tuple[Key, ...]] = {}
        self._depth = 0

    def of(self, chain: str) -> tuple[Key, ...]:
        """Return the keys for a chain, none where it is the same function on both sides; no key covers another."""
        if self._prints.is_same(chain):
            return ()
        found = self._known.get(chain)
        if found is not None:
            return found
        if self._depth == FOLLOWED:
            return (ANY_KEY,)
        self._known[chain] = (ANY_KEY,)  # what a circle would find; the kernel refuses those
        self._depth += 1
        found = self._known[chain] = widest(self._find(chain))
        self._depth -= 1
        return found

    def _find(self, chain: str) -> Iterable[Key]:
        one, other = self._a[chain], self._b[chain]
        if chain in self._prints.leading:
            yield from self._led_on(one.keys, one.aims)
            return
        mine, theirs = self._a.lines(chain), self._b.lines(chain)
        if chain in self._prints.policies:
            yield ANY_KEY
            return
        kept = _kept(mine, theirs)
        for side, places in ((one, {pair[0] for pair in kept}), (other, {pair[1] for pair in kept})):
            yield from (key for place, key in enumerate(side.keys) if place not in places)
        stay = [pair[0] for pair in kept]
        yield from self._led_on([one.keys[place] for place in stay], [one.aims[place] for place in stay])

    def _led_on(self, keys: Sequence[Key], aims: Sequence[str]) -> Iterable[Key]:
        """Yield the keys of the packets that rules lead to where they are treated differently."""
        for key, aim in zip(keys, aims, strict=True):
            if not aim or self._prints.is_same(aim):
                continue
            if key[0] or key[2]:
                yield key  # few packets, whatever of them the chain treats differently
            else:
                yield from (both for inner in self.of(aim) if (both := joined(key, inner)) is not None)


def _kept(mine: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]]:
    """Return which lines of two chains belong together: those on both sides that no packet sees in another order."""
    common = Counter(mine) & Counter(theirs)
    left, right = _those(mine, common), _those(theirs, common)
    if is_reordered([mine[place] for place in left], [theirs[place] for place in right]):
        places: dict[str, list[int]] = {}
        for place in reversed(right):
            places.setdefault(theirs[place], []).append(place)
        return [(place, places[mine[place]].pop()) for place in left]
    return align(mine, theirs)


def _those(lines: Sequence[str], common: Counter[str]) -> list[int]:
    left = Counter(common)
    found = []
    for place, line in enumerate(lines):
        if left[line] > 0:
            left[line] -= 1
            found.append(place)
    return found


def widest(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Return the keys without those that another one covers; any packet where there are too many."""
    found = dict.fromkeys(keys)
    if len(found) > _MOST:
        return (ANY_KEY,)
    shapes = {_shape(key) for key in found}
    return tuple(key for key in found if not any(wider in found for wider in _wider(key, shapes)))


def _shape(key: Key) -> _Shape:
    return bool(key[0]), bool(key[1]), bool(key[2])


def _wider(key: Key, shapes: Iterable[_Shape]) -> Iterator[Key]:
    """Yield the keys of some shapes that ask for a part of what this one asks for."""
    own = _shape(key)
    for shape in shapes:
        if shape != own and all(one >= other for one, other in zip(own, shape, strict=True)):
            one, two, three = (part if kept else "" for part, kept in zip(key, shape, strict=True))
            yield one, two, three
