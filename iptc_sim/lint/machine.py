"""What the checks that reason about all packets share: one space, and a walk of each table at each hook."""

from __future__ import annotations

from collections.abc import Iterable

from iptc_sim.constraint import Field
from iptc_sim.diagram.nodes import Node
from iptc_sim.lint.effects import changed_by, is_pure, is_silent
from iptc_sim.lint.space import EVERYTHING, Space
from iptc_sim.lint.view import View
from iptc_sim.lint.walk import DEEPEST, UNANSWERED, Judged, Reading, Walked, Walker
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
        self._depth = 0
        self.unanswered: dict[tuple[str, Hook], None] = {}

    def walkers(self, table: str, chain: str) -> list[Walker] | None:
        """Return walkers that have seen all packets of the hooks that lead to a chain; None where one gave up."""
        found = [self._walker(table, hook) for hook in sorted(self.view.hooks(table, chain))]
        known = [walker for walker in found if walker is not None]
        return known if len(known) == len(found) else None

    def _walker(self, table: str, hook: Hook) -> Walker | None:
        key = (table, hook)
        if key not in self._walkers:
            walker = self._new_walker(table, hook)
            self._walkers[key] = walker if self._whole(walker) is not None else None
        return self._walkers[key]

    def _new_walker(self, table: str, hook: Hook, *, ending: bool = False) -> Walker:
        return Walker(self.view, self._reading, self.space, table, hook, ending=ending)

    def walked(self, table: str, hook: Hook, start: Node) -> Walked | None:
        """Return what becomes of some packets in a table at a hook; None where that cannot be told."""
        if table not in self.view.ruleset.tables:
            return None
        return self._whole(self._new_walker(table, hook, ending=True), start)

    def observed(self, table: str, hook: Hook, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Node]:
        """Return the packets that may fit rules, by (chain, number); nothing where that cannot be told."""
        walker = self._new_walker(table, hook)
        walker.observed = dict.fromkeys(places, self.space.diagrams.no)
        return walker.observed if self._whole(walker) is not None else {}

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
        return self._inside(table, chain)[1]

    def _inside(self, table: str, chain: str) -> tuple[frozenset[Field], bool]:
        """Return which fields a chain may change, with those that it calls, and whether it is plain."""
        key = (table, chain)
        if key not in self._chains:
            found = self.view.ruleset.chain(table, chain)
            if found is None or self._depth == DEEPEST:
                return EVERYTHING, False
            self._chains[key] = (EVERYTHING, False)  # for a circle
            judged = [self.judged(rule) for rule in found.rules]
            plain = all(is_pure(one.constraint) and is_silent(one.deed) for one in judged)
            aims = {one.deed.chain for one in judged if isinstance(one.deed, Jump | Goto)}
            self._depth += 1
            inner = [self._inside(table, aim) for aim in sorted(aims)]
            self._depth -= 1
            changed = frozenset().union(*(changed_by(one.deed) for one in judged), *(fields for fields, _ in inner))
            self._chains[key] = (changed, plain and all(quiet for _, quiet in inner))
        return self._chains[key]

    def _whole(self, walker: Walker, start: Node | None = None) -> Walked | None:
        """Let a walker walk its table; None where it gives up."""
        try:
            return walker.whole(start)
        except UNANSWERED:
            self.unanswered[walker.table, walker.hook] = None
            return None
