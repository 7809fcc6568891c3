"""Conditions of rules as sets of packets: those that may fit, and those that surely do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from iptc_sim.constraint import STATES, All, AnyOf, Bits, Constraint, Draw, Field, Free, NamedInterface, Own, Within
from iptc_sim.diagram.counting import project
from iptc_sim.diagram.nodes import Diagrams, Node
from iptc_sim.diagram.spans import Span, complement, intersection, union
from iptc_sim.moment import Hook
from iptc_sim.records import dataclass
from iptc_sim.symbolic.conditions import Conditions
from iptc_sim.symbolic.store import KEPT, Entry, Store
from iptc_sim.symbolic.variables import Space as Variables
from iptc_sim.symbolic.variables import interface_spans
from iptc_sim.values import RANDOM_STEPS, Family

#: All fields: what an unknown change may have changed.
EVERYTHING: Final = frozenset(Field)
#: The hooks that know no out interface.
_ARRIVING: Final = frozenset({Hook.PREROUTING, Hook.INPUT})
_MARKS: Final = frozenset({Field.MARK, Field.CTMARK})


@dataclass(frozen=True, slots=True)
class Fit:
    """The packets that fit a condition.

    Args:
        may: all that may.
        must: those that surely do.
    """

    may: Node
    must: Node


class Space:
    """All packets that come to a hook, as far as conditions look at them.

    Args:
        family: of the ruleset.
        budget: how many nodes diagrams may have before :class:`~iptc_sim.diagram.nodes.TooLargeError` is raised.
    """

    def __init__(self, family: Family, budget: int = 1_000_000) -> None:
        self._variables = Variables(family, budget=budget)
        self._conditions = Conditions(self._variables)
        self._store = Store(entry=Entry.ANY, outgoing=KEPT)
        self.diagrams: Diagrams = self._variables.diagrams
        self._starts: dict[tuple[str, Hook], Node] = {}
        self._known: dict[tuple[Constraint, Hook], Node] = {}
        self.unknown = Fit(self.diagrams.yes, self.diagrams.no)

    def start(self, table: str, hook: Hook) -> Node:
        """Return the packets that a table sees at a hook: which interfaces they have, and that nat sees new ones."""
        key = (table, hook)
        if key not in self._starts:
            cell: dict[Field, Sequence[Span]] = {}
            if hook is not Hook.POSTROUTING:  # what it shows of the way in depends on the kernel
                cell[Field.IN_INTERFACE] = self._interfaces(Field.IN_INTERFACE, there=hook is not Hook.OUTPUT)
            cell[Field.OUT_INTERFACE] = self._interfaces(Field.OUT_INTERFACE, there=hook not in _ARRIVING)
            if table == "nat":  # nf_nat_inet_fn: packets of known connections follow their entry
                cell[Field.CTSTATE] = union((place, place) for place in map(STATES.index, ("NEW", "RELATED")))
            found = self.cell(cell)
            if table == "nat" and hook in _ARRIVING:  # what lo brings back was settled on its way out
                found = self.diagrams.conjunction(found, self.not_lo())
            self._starts[key] = found
        return self._starts[key]

    def _interfaces(self, field: Field, *, there: bool) -> Sequence[Span]:
        none: tuple[Span, ...] = ((0, 0),)
        return complement(none, self.diagrams.highest[self.level(field)]) if there else none

    def level(self, field: Field) -> int:
        """Return the level that asks for a field."""
        return self._variables.level(field)

    def cell(self, spans: dict[Field, Sequence[Span]]) -> Node:
        """Return the packets whose fields are within spans."""
        return self._variables.cell(spans)

    def within(self, field: Field, low: int, high: int) -> Node:
        """Return the packets with a field from ``low`` to ``high``."""
        return self._variables.within(field, ((low, high),))

    def interface(self, field: Field, name: str, *, prefix: bool = False) -> Node:
        """Return the packets with an interface of that name, or whose name begins so."""
        return self._variables.within(field, interface_spans(name, prefix=prefix))

    def not_lo(self) -> Node:
        """Return the packets that have not come in by lo."""
        return self.diagrams.negation(self.interface(Field.IN_INTERFACE, "lo"))

    def known_of(self, packets: Node, fields: Collection[Field]) -> Node:
        """Return what some of the fields tell of packets, all else forgotten."""
        return self._told_by(packets, {self.level(field) for field in fields})

    def _told_by(self, packets: Node, levels: Collection[int]) -> Node:
        return project(self.diagrams, packets, lambda value: value is True, levels)

    def in_every_way_in(self, packets: Node) -> Node:
        """Return the packets that are in the set by whatever interface they come; that is not lo."""
        level = self.level(Field.IN_INTERFACE)
        made = self.diagrams
        others = set(range(len(made.highest))) - {level}
        some = made.conjunction(self.within(Field.IN_INTERFACE, 1, made.highest[level]), self.not_lo())
        missing = made.conjunction(some, made.negation(packets))
        return made.negation(self._told_by(missing, others))

    def fit(self, constraint: Constraint, hook: Hook, changed: Collection[Field] = ()) -> Fit:
        """Return which packets fit, by the fields that they had at the start of the walk.

        Args:
            constraint: the condition.
            hook: where it is asked: the same condition may have another answer at another hook.
            changed: fields that may have other values by now.
        """
        made = self.diagrams
        match constraint:
            case All(parts):
                return self._all(parts, hook, changed)
            case AnyOf(parts):
                fits = [self.fit(part, hook, changed) for part in parts]
                may, must = [fit.may for fit in fits], [fit.must for fit in fits]
                return Fit(made.disjunction(*may), made.disjunction(*must))
            case Own():
                return self.unknown
            case Draw(threshold) if threshold not in {0, RANDOM_STEPS}:
                return self.unknown
            case Free(key, reads, negated):
                if changed and (reads is None or not reads.isdisjoint(changed)):
                    return self.unknown
                constraint = Free((hook, key), reads, negated)
            case Within(field) | Bits(field) | NamedInterface(field) if field in changed:
                return self.unknown
        key_ = (constraint, hook)
        known = self._known.get(key_)
        if known is None:
            known = self._known[key_] = self._conditions.of(constraint, self._store)
        return Fit(known, known)

    def _all(self, parts: Sequence[Constraint], hook: Hook, changed: Collection[Field]) -> Fit:
        """Fit all of them; ranges of fields, which nearly all conditions are, are put into one cell first."""
        made = self.diagrams
        cell: dict[int, Sequence[Span]] = {}
        others = []
        for part in parts:
            if isinstance(part, Within) and not part.negated and part.field not in _MARKS and part.field not in changed:
                level = self.level(part.field)
                cell[level] = intersection(cell[level], part.spans) if level in cell else part.spans
            else:
                others.append(self.fit(part, hook, changed))
        inside = made.cell(cell) if all(cell.values()) else made.no
        may = made.conjunction(inside, *(fit.may for fit in others)) if others else inside
        must = made.conjunction(inside, *(fit.must for fit in others)) if others else inside
        return Fit(may, must)
