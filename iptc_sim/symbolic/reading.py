"""A ruleset read once for all questions that are asked of it: its rules taken apart, its long chains indexed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from iptc_sim.constraint import Asked, Constraint, Draw, both
from iptc_sim.engine.conntrack import conntrack_in_use
from iptc_sim.moment import Hook
from iptc_sim.records import dataclass
from iptc_sim.ruleset import Rule, Ruleset
from iptc_sim.symbolic.index import ChainIndex
from iptc_sim.symbolic.own import owns
from iptc_sim.target import Continue, Deed

#: Targets that write what other rules ask, though the packet goes on as it was.
WRITERS: Final = frozenset({"SET", "RATEEST"})


@dataclass(frozen=True, slots=True)
class Parts:
    """A rule taken apart.

    Args:
        conditions: one after the other as the kernel asks them.
        deed: what follows where all of them hold.
    """

    conditions: tuple[Constraint, ...]
    deed: Deed


class Reading:
    """One ruleset.

    Args:
        ruleset: the rules.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self._rules: dict[tuple[int, str, Hook, str], tuple[Rule, Parts]] = {}
        self._indexes: dict[tuple[str, str], ChainIndex] = {}

    @cached_property
    def uses_conntrack(self) -> bool:
        """Whether connections are tracked at all, see :func:`iptc_sim.engine.conntrack.conntrack_in_use`."""
        return conntrack_in_use(self.ruleset)

    def parts(self, rule: Rule, table: str, hook: Hook, before: str) -> Parts:
        """Return a rule taken apart.

        Args:
            rule: of the ruleset.
            table: where it stands.
            hook: at which its chain is walked.
            before: the state that packets count as in raw (:attr:`Asked.before_conntrack`).
        """
        key = (id(rule), table, hook, before)
        known = self._rules.get(key)
        if known is not None:
            return known[1]
        asked = Asked(self.ruleset.family, table, hook, self.ruleset.variant, before)
        deed: Deed = rule.target.deed(asked) if rule.target is not None else Continue()
        conditions = _stages([rule.base.constraint(asked), *(match.constraint(asked) for match in rule.matches)])
        found = Parts(conditions if _matters(rule, deed, conditions) else (), deed)
        self._rules[key] = rule, found  # with the rule, which no other may take the number of
        return found

    def index(self, table: str, chain: str, rules: Sequence[Rule]) -> ChainIndex:
        """Return the index of a chain with these rules."""
        found = self._indexes.get((table, chain))
        if found is None:
            found = self._indexes[table, chain] = ChainIndex(rules)
        return found


def _stages(constraints: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """Return the conditions of a rule in order, those joined that nobody notices the order of."""
    found: list[Constraint] = []
    plain: list[Constraint] = []
    for constraint in constraints:
        if isinstance(constraint, Draw) or any(True for _ in owns(constraint)):
            if plain:
                found.append(both(plain))
            plain = []
            found.append(constraint)
        else:
            plain.append(constraint)
    if plain:
        found.append(both(plain))
    return tuple(found)


def _matters(rule: Rule, deed: Deed, conditions: Sequence[Constraint]) -> bool:
    """Whether it makes a difference if packets fit: a rule that counts or logs makes none, unless others share it."""
    writes = rule.target is not None and rule.target.NAME in WRITERS
    shared = any(own.shared for condition in conditions for own in owns(condition))
    return writes or shared or not isinstance(deed, Continue)
