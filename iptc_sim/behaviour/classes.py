"""The packets that two behaviours differ for, put together to classes, each shown by a witness."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import eq
from typing import Final

from iptc_sim.behaviour.answer import DifferenceClass, Undecided
from iptc_sim.behaviour.confirm import Confirmed, confirm
from iptc_sim.behaviour.described import conditions_of, cube_of, free_conditions, question_text, size_of
from iptc_sim.behaviour.slices import Slice
from iptc_sim.behaviour.witness import Maker, Witness, wishes
from iptc_sim.diagram.counting import pick
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.engine.session import ALIVE
from iptc_sim.moment import Hook
from iptc_sim.node import Node
from iptc_sim.records import dataclass, field, replace
from iptc_sim.steps import HookStep, Trace
from iptc_sim.symbolic.odds import Then
from iptc_sim.symbolic.outcome import Outcome, differing
from iptc_sim.symbolic.pipeline import Entrance
from iptc_sim.symbolic.store import ENTRY_CTMARK, ENTRY_MARK, KEPT, NO_MARK, Term, Value
from iptc_sim.symbolic.variables import Cell, Space
from iptc_sim.values import Odds

#: How many packets of a class are tried before it is given up.
_TRIES: Final = 8
#: So many destinations of a class are named.
_KEYS: Final = 20

#: What A and B do, as values of diagrams.
_Pair = tuple[Hashable, Hashable]


@dataclass(slots=True)
class Found:
    """What a comparison has found so far.

    Args:
        limit: of classes.
        classes: those found.
        undecided: what could not be decided.
        complete: whether all classes were told.
        alike: of classes the place in the list, by what A and B do.
    """

    limit: int
    classes: list[DifferenceClass]
    undecided: dict[Undecided, None]
    complete: bool = True
    alike: dict[Hashable, int] = field(default_factory=dict)

    def merge(self, key: Hashable, item: DifferenceClass) -> bool:
        """Add packets that are treated as those of a class found before; return whether there is such a class."""
        place = self.alike.get(key)
        if place is None:
            return False
        known = self.classes[place]
        keys = tuple(dict.fromkeys((*known.keys, *item.keys)))
        self.classes[place] = replace(known, parts=known.parts + item.parts, size=known.size + item.size, keys=keys)
        return True

    @property
    def is_full(self) -> bool:
        """Whether no more classes are wanted."""
        return len(self.classes) >= self.limit


class Classes:
    """Makes classes of where two behaviours differ.

    Args:
        space: of both.
        entrance: where the packets come from.
        slices: that packets are traced through.
        node: the machine; None: one is made for every witness.
        names: of interfaces that rules name.
        cell: within which packets enter.
    """

    def __init__(
        self,
        space: Space,
        entrance: Entrance,
        slices: tuple[Slice, Slice],
        node: Node | None,
        names: Sequence[str],
        cell: Cell,
    ) -> None:
        self._space, self._entrance, self._slices, self._names = space, entrance, slices, names
        self._made = space.diagrams
        self._wide = space.diagrams.nothing
        self._cell = {space.level(one): tuple(spans) for one, spans in cell.items()}
        self._ends = _Ends(space)
        self._maker = Maker(space, entrance, node)

    def find(self, f: Diagram, g: Diagram, possible: Diagram, found: Found) -> bool:
        """Add the classes of packets for which two behaviours differ; return whether there are such packets.

        Args:
            f: what A does.
            g: what B does.
            possible: which points are packets.
            found: what is added to.
        """
        made = self._made
        pairs = made.apply(self._ends.pair, f, g)
        anywhere = made.conjunction(differing(self._space, f, g), made.map(lambda pair: pair is not None, pairs))
        where = made.conjunction(anywhere, possible)
        if where is made.no:
            return False
        there = made.narrow(pairs, where)
        self._wide = made.narrow(pairs, anywhere)
        for shapes, alike in self._ends.grouped(made.values(there)):
            region = made.map(frozenset(alike).__contains__, there)
            key = (self._entrance, shapes)
            if key in found.alike:
                keys = tuple(dict.fromkeys(self._keys(alike, there)))
                found.merge(
                    key, replace(found.classes[found.alike[key]], parts=len(alike), keys=keys, size=self._size(region))
                )
            elif found.is_full:
                found.complete = False
            else:
                before = len(found.classes)
                self._class(alike, region, there, found)
                if len(found.classes) > before:
                    found.alike[key] = before
        return True

    def _size(self, region: Diagram) -> int:
        return size_of(self._space, region)

    def _class(self, pairs: list[_Pair], region: Diagram, there: Diagram, found: Found) -> None:
        if all(self._ends.differ_in_state_only(*pair) for pair in pairs):
            found.undecided[self._ends.of_state(pairs)] = None
            return
        shown = self._witness(region)
        if isinstance(shown, Undecided):
            found.undecided[shown] = None
            return
        point, witness, confirmed = shown
        # Described without what holds of all packets.
        cube = cube_of(self._made, self._made.map(frozenset(pairs).__contains__, self._wide), point)
        found.classes.append(
            DifferenceClass(
                _entry(confirmed.traces),
                conditions_of(self._space, {**self._cell, **cube}, self._entrance, self._names),
                len(pairs),
                self._size(region),
                tuple(dict.fromkeys(self._keys(pairs, there))),
                confirmed.kinds,
                confirmed.ours,
                confirmed.theirs,
                witness.flow,
                witness.node,
                confirmed.traces,
                (*witness.said, *free_conditions(self._space, cube)),
            )
        )

    def _witness(self, region: Diagram) -> tuple[Mapping[int, int], Witness, Confirmed] | Undecided:
        """Return a packet of a region that is shown to be treated differently, or why none was found."""
        made, left, why = self._made, region, ""
        point: Mapping[int, int] | None = None
        hopes = wishes(self._space, self._entrance, self._names)
        first = ""
        for _ in range(_TRIES):
            point = pick(made, left, bool, hopes)
            if point is None:
                break
            for real in self._maker.realistic(point):
                if made.value(region, real) is not True:
                    why = why or "its connection would have to be another one than the packet's"
                    continue
                try:
                    witness = self._maker.make(real)
                except ValueError as error:
                    why = str(error)
                    continue
                told = confirm(*self._slices, witness)
                if isinstance(told, Confirmed):
                    return real, witness, told
                why = told
                first = first or str(witness.flow.packet)
            left = made.conjunction(left, made.negation(made.cell(cube_of(made, left, point))))
        cube = cube_of(made, region, point or {})
        told_of = ", ".join(f"{item.field} {item.text}" for item in conditions_of(self._space, cube, self._entrance))
        more = (*((f"such as {first}",) if first else ()), *free_conditions(self._space, cube))
        text = f"packets may be treated differently that no trace shows: {why or 'none could be made'}"
        return Undecided(text, (f"{self._entrance}: {told_of or 'any packet'}", *more))

    def _keys(self, pairs: list[_Pair], there: Diagram) -> Iterator[str]:
        """Yield the destinations of the first few parts of a class."""
        hopes = wishes(self._space, self._entrance, self._names)
        for pair in pairs[:_KEYS]:
            point = pick(self._made, self._made.map(partial(eq, pair), there), bool, hopes)
            if point is None:
                continue
            cube = cube_of(self._made, self._made.map(partial(eq, pair), self._wide), point)
            told = {one.field: one.text for one in conditions_of(self._space, {**self._cell, **cube}, self._entrance)}
            words = [told.get("protocol", ""), told.get("destination", "anywhere")]
            port = told.get("destination port")
            yield " ".join(filter(None, [*words, f"port {port}" if port else ""]))


class _Ends:
    """What the values of two behaviours have in common."""

    def __init__(self, space: Space) -> None:
        self._odds = space.odds

    def pair(self, mine: Hashable, theirs: Hashable) -> _Pair | None:
        """Return what both sides do; None where that is the same, however it is drawn."""
        return None if self._odds.same(mine, theirs) else (mine, theirs)

    def grouped(self, values: Iterable[Hashable]) -> list[tuple[Hashable, list[_Pair]]]:
        """Return the pairs that differ in the same way, whatever addresses they are about."""
        found: dict[tuple[Hashable, Hashable], list[_Pair]] = {}
        for value in values:
            if isinstance(value, tuple):
                found.setdefault(self._shapes(value[0], value[1]), []).append((value[0], value[1]))
        return sorted(found.items(), key=lambda item: (-len(item[1]), repr(item[0])))

    def _shapes(self, one: Hashable, other: Hashable) -> tuple[Hashable, Hashable]:
        """Return what is to be told of each side; what may happen with the same odds on both sides is not."""
        mine, theirs = self._odds.exact(one), self._odds.exact(other)
        same = {leaf for leaf, odds in mine.items() if leaf in theirs and _is_equal(odds, theirs[leaf])}
        sides = [[leaf for leaf in side if leaf not in same] for side in (mine, theirs)]
        there = [{repr(where) for leaf in side for where in self._where(leaf, exact=True)} for side in sides]
        if there[0] != there[1]:  # then it does not matter what else they differ in
            left, right = ({repr(one) for leaf in side for one in self._where(leaf, exact=False)} for side in sides)
        else:
            left, right = ({repr(self._shape(leaf)) for leaf in side} for side in sides)
        return tuple(sorted(left)), tuple(sorted(right))

    def _where(self, value: Hashable, *, exact: bool) -> Iterator[Hashable]:
        """Yield what becomes of packets and where they go, of addresses only whether they are others."""
        for leaf in self._odds.leaves(value):
            if not isinstance(leaf, Outcome):
                yield repr(leaf)
            elif exact:
                yield _fate(leaf), leaf.code, leaf.destination, leaf.dport
            else:
                yield _fate(leaf), leaf.code, *(_kind(term) for term in (leaf.destination, leaf.dport))

    def _shape(self, value: Hashable) -> Hashable:
        if isinstance(value, Then):
            return tuple(sorted({repr(self._shape(leaf)) for leaf in self._odds.leaves(value)}))
        if not isinstance(value, Outcome):
            return repr(value)
        terms = (value.destination, value.dport, value.source, value.sport)
        kinds = tuple(map(_kind, terms))
        mark = None if value.mark == ENTRY_MARK else value.mark
        # A new connection has no mark yet; one that was there keeps its own.
        ctmark = None if value.ctmark in {NO_MARK, ENTRY_CTMARK} else value.ctmark
        return (_fate(value), value.code, kinds, mark, ctmark, value.notes, value.changed)

    def differ_in_state_only(self, one: Hashable, other: Hashable) -> bool:
        """Whether packets end alike, and only conditions with a state of their own were asked for others."""
        mine, theirs = ({_without_asked(leaf) for leaf in self._odds.leaves(value)} for value in (one, other))
        return len(mine) == 1 and mine == theirs

    def of_state(self, pairs: list[_Pair]) -> Undecided:
        """Return that a limit or list is asked for other packets, so that what it answers later cannot be told."""
        asked: dict[str, None] = {}
        for pair in pairs:
            for leaf in (leaf for value in pair for leaf in self._odds.leaves(value)):
                asked |= {_asked_text(item): None for item in (leaf.asked if isinstance(leaf, Outcome) else ())}
        why = "a condition that counts or remembers packets is asked for other packets in B than in A"
        return Undecided(why, tuple(asked)[:5])


def _kind(term: Term) -> str:
    return "a value" if isinstance(term, Value) else type(term).__name__


def _fate(outcome: Outcome) -> Hashable:
    """Return what becomes of packets; where rules have moved them, it does not matter whether that is here."""
    return "passes" if outcome.fate in ALIVE and outcome.destination != KEPT else outcome.fate


def _is_equal(one: Odds, other: Odds) -> bool:
    return one.numerator * other.denominator == other.numerator * one.denominator


def _without_asked(leaf: Hashable) -> Hashable:
    return replace(leaf, asked=()) if isinstance(leaf, Outcome) else leaf


def _asked_text(item: Hashable) -> str:
    return question_text(item[1]) if isinstance(item, tuple) and len(item) > 1 else str(item)


def _entry(traces: tuple[Trace, Trace]) -> str:
    """Return how a witness goes: by the first of both ways that comes so far."""
    if traces[0].flow.packet.in_interface is None:
        return "local"
    for trace in traces:
        hooks = {step.hook for segment in trace.segments for step in segment.steps if isinstance(step, HookStep)}
        if Hook.FORWARD in hooks:
            return "forwarded"
        if Hook.INPUT in hooks:
            return "incoming"
    return "arriving"
