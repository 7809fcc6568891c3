"""The end of a packet, said of all packets at once, and where two behaviours differ."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from iptc_sim.constraint import Field
from iptc_sim.diagram.nodes import NOTHING
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.records import dataclass
from iptc_sim.steps import Fate
from iptc_sim.symbolic.conditions import Conditions
from iptc_sim.symbolic.odds import Split, Then
from iptc_sim.symbolic.store import (
    ENTRY_CTMARK,
    KEPT,
    NO_MARK,
    BitTerm,
    Entry,
    HashedOnce,
    Kept,
    Mark,
    Opaque,
    Store,
    Term,
    Value,
)
from iptc_sim.symbolic.variables import Space

_ENDS: Final = (
    ("destination", Field.DESTINATION), ("dport", Field.DPORT), ("source", Field.SOURCE), ("sport", Field.SPORT)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome(HashedOnce):
    """One end. What was rewritten and marked is not told of packets that did not get through.

    Args:
        fate: what becomes of the packet.
        code: ``--reject-with`` of a reject; of a stolen packet, who has it.
        destination: what it became; ``dport``, ``source`` and ``sport`` likewise.
        mark: that it leaves with; None where it did not get through.
        ctmark: likewise of its connection, where it has one.
        entry: of connection tracking: whether it is tracked, and in which zone; None where the rules do not use it.
        changed: further fields that were changed, each with what was done.
        notes: what was done beside that, in words.
        asked: the conditions with a state of their own (limits, lists) that the packet was put to, and what it was
            written into.
    """

    fate: Fate
    code: str = ""
    destination: Term = KEPT
    dport: Term = KEPT
    source: Term = KEPT
    sport: Term = KEPT
    mark: Mark | None = None
    ctmark: Mark | None = None
    entry: Hashable = None
    changed: tuple[tuple[Field, Opaque], ...] = ()
    notes: tuple[str, ...] = ()
    asked: tuple[Hashable, ...] = ()

    __hash__ = HashedOnce.__hash__

    @classmethod
    def stopped(cls, fate: Fate, store: Store, code: str = "") -> Outcome:
        """Return the end of a packet that does not get through."""
        return cls(fate, code, asked=store.asked)

    @classmethod
    def passed(cls, fate: Fate, store: Store, *, tracked: bool) -> Outcome:
        """Return the end of a packet that gets through; ``tracked``: whether the rules use connection tracking."""
        return cls(
            fate,
            "",
            store.destination,
            store.dport,
            store.source,
            store.sport,
            store.mark,
            store.ctmark if tracked and store.entry is not Entry.UNTRACKED else None,
            ("untracked",) if store.entry is Entry.UNTRACKED else ("tracked", store.zone) if tracked else None,
            store.changed,
            store.notes,
            store.asked,
        )


#: The marks of connections that nothing was done to.
_UNTOUCHED: Final = (NO_MARK, ENTRY_CTMARK)


def differing(space: Space, f: Diagram, g: Diagram) -> Diagram:
    """Return where two behaviours differ: True and False.

    A value that was set counts as kept where it is the one that the packet had. Where several outcomes are drawn, it is
    said of a few points that they differ although the odds of equal outcomes add up to the same.

    Args:
        space: of both.
        f: a behaviour: outcomes, drawn or certain, or NOTHING.
        g: another one.
    """
    return _Comparison(space).diagrams(f, g)


class _Comparison:
    def __init__(self, space: Space) -> None:
        self.space = space
        self.conditions = Conditions(space)
        self.odds = space.odds

    def diagrams(self, f: Diagram, g: Diagram) -> Diagram:
        """Return where two diagrams differ."""
        made = self.space.diagrams
        pairs = made.apply(lambda mine, theirs: None if mine is theirs else (mine, theirs), f, g)
        return made.bind(pairs, lambda pair: self.of(*pair) if isinstance(pair, tuple) else made.no)

    def of(self, one: Hashable, other: Hashable) -> Diagram:
        """Return where two values differ."""
        made = self.space.diagrams
        parts: list[Diagram] = []
        while one is not other:
            if not isinstance(one, Split) or not isinstance(other, Split):
                parts.append(self._single(one, other))
                break
            if (one.numerator, one.denominator) != (other.numerator, other.denominator):
                parts.append(self._single(one, other))
                break
            parts.append(self.of(one.hit, other.hit))
            one, other = one.miss, other.miss
        return made.disjunction(*parts) if parts else made.no

    def _single(self, one: Hashable, other: Hashable) -> Diagram:
        made = self.space.diagrams
        if isinstance(one, Outcome) and isinstance(other, Outcome):
            return self._outcomes(one, other)
        if one is NOTHING or other is NOTHING:
            return made.no if one is other else made.yes
        if isinstance(one, Then) or isinstance(other, Then):
            f, g = (item.diagram if isinstance(item, Then) else made.terminal(item) for item in (one, other))
            return self.diagrams(f, g)
        return made.no if self.odds.same(one, other) else made.yes

    def _outcomes(self, one: Outcome, other: Outcome) -> Diagram:
        made = self.space.diagrams
        rest = ("fate", "code", "changed", "notes", "asked")
        if any(getattr(one, name) != getattr(other, name) for name in rest):
            return made.yes
        if None not in (one.entry, other.entry) and one.entry != other.entry:
            return made.yes
        parts = [self._terms(getattr(one, name), getattr(other, name), about) for name, about in _ENDS]
        parts.append(self._marks(one.mark, other.mark))
        parts.append(self._marks(one.ctmark, other.ctmark))
        return made.disjunction(*parts)

    def _terms(self, one: Term, other: Term, about: Field) -> Diagram:
        made = self.space.diagrams
        if one == other:
            return made.no
        if isinstance(other, Kept):
            one, other = other, one
        if isinstance(one, Kept) and isinstance(other, Value):
            return made.negation(self.space.within(about, ((other.number, other.number),)))
        return made.yes

    def _marks(self, one: Mark | None, other: Mark | None) -> Diagram:
        made = self.space.diagrams
        if one == other:
            return made.no
        if one is None or other is None:  # only one of the rulesets uses connections
            return made.no if (other if one is None else one) in _UNTOUCHED else made.yes
        if isinstance(one, BitTerm) and isinstance(other, BitTerm):
            return made.negation(self.conditions.mark_is(one.joined(other), 0, 0xFFFFFFFF))
        return made.yes
