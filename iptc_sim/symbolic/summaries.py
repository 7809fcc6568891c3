"""The chains of a table as functions: from a packet, and what was done to it, to how it leaves the chain."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

from iptc_sim.constraint import Constraint, Draw, Field, Own
from iptc_sim.diagnostics import Diagnostic, InputError
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.nodes import TooLargeError
from iptc_sim.engine.conntrack import NAT_HOOKS
from iptc_sim.moment import Hook
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Rule, Ruleset
from iptc_sim.steps import Fate
from iptc_sim.symbolic.conditions import Conditions
from iptc_sim.symbolic.deeds import Deeds
from iptc_sim.symbolic.leaves import Leave, Next
from iptc_sim.symbolic.outcome import Outcome
from iptc_sim.symbolic.own import owns, with_asked
from iptc_sim.symbolic.reading import WRITERS, Parts
from iptc_sim.symbolic.store import KEPT, Entry, Store, Term, Value
from iptc_sim.symbolic.variables import Cell, Space
from iptc_sim.target import Deed, Goto, Jump
from iptc_sim.tracking import Manip
from iptc_sim.values import RANDOM_STEPS, Family

#: Chains of more rules than this are looked up by destination where that is known.
_LONG: Final = 32
#: Chains that are nested deeper are not followed: each of them takes some frames of Python's stack.
FOLLOWED: Final = 50
#: Targets of which it is not known whether they take packets away, and that let the others through the table.
_PASSING: Final = frozenset({"NFQUEUE"})


@dataclass(frozen=True, slots=True)
class Undecided:
    """Something that was not reasoned about, so that nothing may follow from it.

    Args:
        why: one clause.
        places: the rules that it is about: table, chain, number.
    """

    why: str
    places: tuple[tuple[str, str, int], ...] = ()


class _Place:
    """A chain at a hook, and the places of the rules in it that are looked at; the same one is the same object."""

    __slots__ = ("chain", "hook", "memo", "numbers", "rules", "table")

    def __init__(self, table: str, hook: Hook, chain: str, rules: Sequence[Rule], numbers: Sequence[int]) -> None:
        self.table, self.hook, self.chain, self.rules, self.numbers = table, hook, chain, rules, numbers
        self.memo: dict[tuple[int, int, Store], Diagram] = {}


class Summaries:
    """The chains of one ruleset; each is made a diagram of once for every state that packets come to it in.

    Args:
        space: of the variables.
        ruleset: the rules.
        cell: within which packets enter; outside of it the diagrams say anything.

    Attributes:
        undecided: what was met that is not reasoned about.
    """

    def __init__(self, space: Space, ruleset: Ruleset, cell: Cell | None = None) -> None:
        self.space, self.ruleset = space, ruleset
        self.reading = space.reading(ruleset)
        self.cell: Cell = {} if cell is None else cell
        self.conditions = Conditions(space, cell)
        self.odds = space.odds
        self.undecided: dict[Undecided, None] = {}
        self._deeds = Deeds(self.conditions, self.odds)
        self._chains: dict[tuple[_Place, Store], Diagram] = {}
        self._open: list[tuple[str, str]] = []
        self._places: dict[tuple[str, Hook, str, tuple[int | None, int | None]], _Place] = {}

    def table(self, table: str, hook: Hook, store: Store) -> Diagram:
        """Return what a table does with the packets of a store at a hook.

        Values are :class:`Accepted` and :class:`Outcome`, drawn or certain. A table or chain that the ruleset does not
        have lets everything pass.
        """
        base = self.ruleset.chain(table, hook)
        if base is None or (not base.rules and base.policy != "DROP"):
            return self.space.diagrams.terminal(self._deeds.accepted(store, table, hook))
        drops = base.policy == "DROP"

        def left(leaf: Hashable) -> Diagram:
            if isinstance(leaf, Leave):
                stopped = Outcome.stopped(Fate.DROP, leaf.store)
                end = stopped if drops else self._deeds.accepted(leaf.store, table, hook)
                return self.space.diagrams.terminal(end)
            return self.space.diagrams.terminal(leaf)

        return self.odds.bind(self.chain(table, hook, str(hook), store), left)

    def chain(self, table: str, hook: Hook, name: str, store: Store) -> Diagram:
        """Return how packets of a store leave a chain: :class:`Leave`, :class:`Accepted` or :class:`Outcome`.

        Raises:
            InputError: IPT033, it comes back to itself, or jumps go deeper than the kernel follows.
            TooLargeError: the diagram has too many nodes, or chains are nested too deep for this.
        """
        place = self._place(table, hook, name, store)
        found = self._chains.get((place, store))
        if found is not None:
            return found
        if (table, name) in self._open:
            message = f"chain {name} comes back to itself; the kernel refuses such rules"
            raise InputError(Diagnostic("IPT033", message, subject=f"table {table}"))
        if wrong := self.ruleset.goes_too_deep(len(self._open)):
            raise InputError(replace(wrong, subject=f"table {table}"))
        if len(self._open) > FOLLOWED:
            raise TooLargeError(f"chains are nested more than {FOLLOWED} deep")
        self._open.append((table, name))
        try:
            found = self.odds.bind(self._block(place, 0, len(place.numbers), store), self._left)
        finally:
            self._open.pop()
        self._chains[place, store] = found
        return found

    def _left(self, leaf: Hashable) -> Diagram:
        return self.space.diagrams.terminal(Leave(leaf.store) if isinstance(leaf, Next) else leaf)

    def _place(self, table: str, hook: Hook, name: str, store: Store) -> _Place:
        """Return a chain with the rules that packets of a store may fit, as far as that is told at once."""
        chain = self.ruleset.chain(table, name)
        rules: Sequence[Rule] = () if chain is None else chain.rules
        known: tuple[int | None, int | None] = (None, None)
        if len(rules) > _LONG:
            known = (self._destination(table, store), self._number(Field.DPORT, store.dport))
        key = (table, hook, name, known)
        found = self._places.get(key)
        if found is None:
            numbers: Sequence[int] = range(len(rules))
            if known != (None, None):
                numbers = self.reading.index(table, name, rules).slice(*known)
            found = self._places[key] = _Place(table, hook, name, rules, numbers)
        return found

    def _destination(self, table: str, store: Store) -> int | None:
        """Return the address that all packets of a store go to; None where there are several."""
        if table == "mangle" and self.space.family is Family.IPV6:  # DNPT may change it on the way through a chain
            return None
        return self._number(Field.DESTINATION, store.destination)

    def _number(self, field: Field, term: Term) -> int | None:
        """Return the one value that a field has; None where there are several."""
        if isinstance(term, Value):
            return term.number
        spans = self.cell.get(field, ()) if term == KEPT else ()
        return spans[0][0] if len(spans) == 1 and spans[0][0] == spans[0][1] else None

    def _block(self, place: _Place, low: int, high: int, store: Store) -> Diagram:
        """Return how packets pass a stretch of rules: :class:`Next` behind it, or as :meth:`chain`."""
        if high == low:
            return self.space.diagrams.terminal(Next(store))
        key = (low, high, store)
        found = place.memo.get(key)
        if found is not None:
            return found
        if high - low == 1:
            found = self._rule(place, place.numbers[low], store)
        else:
            middle = (low + high) // 2

            def behind(leaf: Hashable) -> Diagram:
                if isinstance(leaf, Next):
                    return self._block(place, middle, high, leaf.store)
                return self.space.diagrams.terminal(leaf)

            found = self.odds.bind(self._block(place, low, middle, store), behind)
        place.memo[key] = found
        return found

    # ---- one rule

    def _rule(self, place: _Place, number: int, store: Store) -> Diagram:
        rule = place.rules[number]
        where = (place.table, place.chain, number + 1)
        return self._ask(self._parts(rule, place, store), 0, rule, place, where, store)

    def _parts(self, rule: Rule, place: _Place, store: Store) -> Parts:
        if place.table != "raw":
            return self.reading.parts(rule, place.table, place.hook, "INVALID")
        if store.entry is Entry.ANY:  # it may have come by lo, with its entry: then raw sees what the others do
            return self.reading.parts(rule, "mangle", place.hook, "INVALID")
        before = {Entry.UNTRACKED: "UNTRACKED", Entry.PREPARED: "NEW"}.get(store.entry, "INVALID")
        return self.reading.parts(rule, place.table, place.hook, before)

    def _ask(
        self, parts: Parts, stage: int, rule: Rule, place: _Place, where: tuple[str, str, int], store: Store
    ) -> Diagram:
        """Ask the conditions of a rule from one on, and act where all hold."""
        made = self.space.diagrams
        if stage == len(parts.conditions):
            return self._act(rule, parts.deed, place, where, store)
        part = parts.conditions[stage]
        if isinstance(part, Draw):
            hit = self._ask(parts, stage + 1, rule, place, where, store)
            miss = made.terminal(Next(store))
            if part.negated:
                hit, miss = miss, hit
            return self.odds.mix(part.threshold, RANDOM_STEPS, hit, miss)
        holder = self._holder(rule, place, part)
        condition = self.conditions.of(part, store, holder)
        if holder is not None:
            store = with_asked(part, store, holder)
        if condition is made.no:
            return made.terminal(Next(store))
        hit = self._ask(parts, stage + 1, rule, place, where, store)
        return made.choose(condition, hit, made.terminal(Next(store)))

    def _holder(self, rule: Rule, place: _Place, part: Constraint) -> Hashable:
        """Return what a state of a rule belongs to: the how-manieth rule of its chain that says the same.

        None where the conditions have no state.
        """
        if not any(True for _ in owns(part)):
            return None
        same = [one for one in place.rules if one == rule]
        nth = next((count for count, one in enumerate(same) if one is rule), 0)
        return (place.table, place.chain, rule, nth)

    def _act(self, rule: Rule, deed: Deed, place: _Place, where: tuple[str, str, int], store: Store) -> Diagram:
        made = self.space.diagrams
        if isinstance(deed, Jump | Goto):
            return self._enter(deed, place, where, store)
        if rule.target is not None and rule.target.NAME in WRITERS:
            wrote = Own((rule.target.NAME, *rule.target.words(self.ruleset.variant)), shared=True)
            store = with_asked(wrote, store, None)
        side: Manip | None = NAT_HOOKS.get(place.hook) if place.table == "nat" else None
        passes = rule.target is not None and rule.target.NAME in _PASSING
        done, why = self._deeds.of(deed, store, place.table, place.hook, side, passes=passes)
        if why:
            self.undecided[Undecided(why, (where,))] = None
        return done if done is not None else made.terminal(Next(store))

    def _enter(self, deed: Jump | Goto, place: _Place, where: tuple[str, str, int], store: Store) -> Diagram:
        made = self.space.diagrams
        if self.ruleset.chain(place.table, deed.chain) is None:
            why = f"chain {deed.chain} is not in the dump: it is taken as having no rules"
            self.undecided[Undecided(why, (where,))] = None
        inner = self.chain(place.table, place.hook, deed.chain, store)
        if isinstance(deed, Goto):
            return inner

        def back(leaf: Hashable) -> Diagram:
            return made.terminal(Next(leaf.store) if isinstance(leaf, Leave) else leaf)

        return self.odds.bind(inner, back)
