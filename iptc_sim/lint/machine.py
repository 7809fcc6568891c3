"""What the checks that reason about all packets share: one space, and a walk of each table at each hook."""

from __future__ import annotations

from collections.abc import Iterable

from iptc_sim.constraint import Field
from iptc_sim.diagram.nodes import Node, TooLargeError
from iptc_sim.lint.effects import changed_by, is_pure, is_silent, merged
from iptc_sim.lint.space import EVERYTHING, Space
from iptc_sim.lint.view import View
from iptc_sim.lint.walk import Judged, Reading, TooManyStepsError, Walked, Walker
from iptc_sim.moment import Hook
from iptc_sim.ruleset import Rule
from iptc_sim.target import Goto, Jump


class Machine:
    """Walks of one ruleset, each made once.

    Args:
        view: the rules.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.space = Space(view.ruleset.family)
        self._reading = Reading(view)
        self._walkers: dict[tuple[str, Hook], Walker | None] = {}
        self._chains: dict[tuple[str, str], tuple[frozenset[Field], bool]] = {}

    def walker(self, table: str, hook: Hook) -> Walker | None:
        """Return a walker that has seen all packets of a table at a hook; None where that takes too long."""
        key = (table, hook)
        if key not in self._walkers:
            walker = Walker(self.view, self._reading, self.space, table, hook)
            try:
                walker.whole()
            except (TooLargeError, TooManyStepsError):
                self._walkers[key] = None
            else:
                self._walkers[key] = walker
        return self._walkers[key]

    def walked(self, table: str, hook: Hook, start: Node) -> Walked | None:
        """Return what becomes of some packets in a table at a hook; None where that cannot be told."""
        if table not in self.view.ruleset.tables:
            return None
        walker = Walker(self.view, self._reading, self.space, table, hook, ending=True)
        try:
            return walker.whole(start)
        except (TooLargeError, TooManyStepsError):
            return None

    def observed(self, table: str, hook: Hook, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Node]:
        """Return the packets that may fit rules, by (chain, number); nothing where that cannot be told."""
        walker = Walker(self.view, self._reading, self.space, table, hook)
        walker.observed = dict.fromkeys(places, self.space.diagrams.no)
        try:
            walker.whole()
        except (TooLargeError, TooManyStepsError):
            return {}
        return walker.observed

    def own_fit(self, rule: Rule) -> Node:
        """Return the packets that may fit a rule, wherever it stands: at a hook where a packet has all fields."""
        return self.space.fit(self.judged(rule).constraint, Hook.FORWARD).may

    def judged(self, rule: Rule) -> Judged:
        """Return what a rule asks and does, at a hook where a packet has all fields."""
        return self._reading.judged(rule, "mangle", Hook.FORWARD)

    def changes(self, table: str, rule: Rule) -> frozenset[Field]:
        """Return the fields that may have another value behind a rule and what it calls."""
        deed = self.judged(rule).deed
        return self._inside(table, deed.chain)[0] if isinstance(deed, Jump | Goto) else changed_by(deed)

    def is_plain(self, table: str, chain: str) -> bool:
        """Whether a chain, with those that it calls, only decides which way packets go, by conditions on themselves."""
        changed, plain = self._inside(table, chain)
        return plain and not changed

    def _inside(self, table: str, chain: str) -> tuple[frozenset[Field], bool]:
        key = (table, chain)
        if key not in self._chains:
            self._chains[key] = (EVERYTHING, False)  # for a circle, and for a chain that is not shown
            found = self.view.ruleset.chain(table, chain)
            if found is not None:
                judged = [self.judged(rule) for rule in found.rules]
                plain = all(is_pure(one.constraint) and is_silent(one.deed) for one in judged)
                aims = {one.deed.chain for one in judged if isinstance(one.deed, Jump | Goto)}
                inner = [self._inside(table, aim) for aim in sorted(aims)]
                changed = merged([*(changed_by(one.deed) for one in judged), *(fields for fields, _ in inner)])
                self._chains[key] = (changed, plain and all(quiet for _, quiet in inner))
        return self._chains[key]
