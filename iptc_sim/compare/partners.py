"""Chains that have another name in the other ruleset, known by what they hold and by what leads to them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.records import replace
from iptc_sim.ruleset import Rule, Table
from iptc_sim.targets import TARGETS

#: So much of two chains must be the same for one to be the other under a new name, where the same rules lead to both.
_ENOUGH: Final = 0.6

#: A rule that stands in more chains than this says nothing about any of them.
_COMMON: Final = 50

#: Condition of a rule that leads to a chain, and the name of its own chain where both rulesets have that.
_Caller = tuple[str, Hashable]


def partners(one: Table, other: Table, names: Collection[str], differing: Collection[str]) -> dict[str, str]:
    """Return the new names of chains that only one of two rulesets has under the old name.

    First chains with the same rules are brought together, where jumps to chains with the same rules count as the same,
    best those to which the same rules lead; then those of which 60 % of the rules are the same and to which a rule of
    both leads.

    Args:
        one: a table.
        other: the same table of the other ruleset.
        names: the chains to look at.
        differing: those that both have, with different rules.

    Returns:
        By the name in ``one``, the name in ``other``.
    """
    gone = [name for name in names if name in one.chains and name not in other.chains and name not in one.builtin]
    come = [name for name in names if name in other.chains and name not in one.chains and _can_be_given(name)]
    come = [name for name in come if name not in one.builtin]
    if not gone or not come:
        return {}
    numbers: dict[Hashable, int] = {}
    old, new = _Side(one, gone, differing, numbers), _Side(other, come, differing, numbers)
    found: dict[str, str] = {}
    for by_callers in (True, False):
        _same(old, new, found, by_callers=by_callers)
    _similar(old, new, found)
    return found


def led_to(rule: Rule, names: Mapping[str, str]) -> Rule:
    """Return a rule that leads to a chain by that chain's other name."""
    target = rule.target
    if isinstance(target, JumpTo | GoTo) and target.chain in names:
        return replace(rule, target=replace(target, chain=names[target.chain]))
    return rule


def _can_be_given(name: str) -> bool:
    """Whether ``iptables -E`` takes a name, which is stricter than iptables-restore about new chains."""
    return not name.startswith(("-", "!")) and TARGETS.find(name) is None


class _Side:
    """The chains of one table that are without a namesake.

    Args:
        table: the table.
        names: of the chains.
        differing: chains that both tables have, from which jumps to them may come.
        numbers: what stands for rules and for contents, shared by both sides.
    """

    def __init__(
        self, table: Table, names: list[str], differing: Collection[str], numbers: dict[Hashable, int]
    ) -> None:
        self.names = names
        self.rules: dict[str, Sequence[Rule]] = {name: table.chains[name].rules for name in names}
        self._numbers = numbers
        self.contents: dict[str, int] = {}
        for name in names:
            self._number(name)
        self.callers: defaultdict[str, set[_Caller]] = defaultdict(set)
        known = [(name, table.chains[name].rules) for name in differing if name in table.chains]
        for caller, rules in [*known, *(("", rules) for rules in self.rules.values())]:
            for rule in rules:
                if (aim := _aim(rule)) in self.rules:
                    self.callers[aim].add((caller, (rule.base, rule.matches, type(rule.target))))

    def keys(self, name: str) -> list[int]:
        """Return what stands for the rules of a chain; a jump leads to what the chain holds, whatever its name."""
        return [self._numbers.setdefault(self._key(rule), len(self._numbers)) for rule in self.rules[name]]

    def _key(self, rule: Rule) -> Hashable:
        aim = _aim(rule)
        if aim not in self.rules:
            return rule
        return rule.base, rule.matches, type(rule.target), self.contents.get(aim, -1)

    def _number(self, name: str) -> None:
        """Number what a chain holds, the chains that it leads to first; of a circle the name does not count."""
        begun: set[str] = set()
        waiting = [name]
        while waiting:
            last = waiting[-1]
            aims = [] if last in begun else [aim for rule in self.rules[last] if (aim := _aim(rule)) in self.rules]
            begun.add(last)
            ahead = [aim for aim in aims if aim not in self.contents and aim not in begun]
            if ahead:
                waiting += ahead
            else:
                content = ("content", *self.keys(last))
                self.contents.setdefault(last, self._numbers.setdefault(content, len(self._numbers)))
                waiting.pop()


def _aim(rule: Rule) -> str:
    return rule.target.chain if isinstance(rule.target, JumpTo | GoTo) else ""


def _free(side: _Side, taken: Collection[str]) -> Iterator[str]:
    return (name for name in side.names if name not in taken)


def _same(old: _Side, new: _Side, found: dict[str, str], *, by_callers: bool) -> None:
    """Bring chains with the same rules together; an empty one only where the same rules lead to it."""
    waiting: defaultdict[Hashable, list[str]] = defaultdict(list)
    sides = ((old, set(found)), (new, set(found.values())))
    keys = [
        {
            name: (side.contents[name], frozenset(side.callers[name]) if by_callers else None)
            for name in _free(side, taken)
            if side.rules[name] or (by_callers and side.callers[name])
        }
        for side, taken in sides
    ]
    for name, key in reversed(keys[1].items()):
        waiting[key].append(name)
    for name, key in keys[0].items():
        if waiting[key]:
            found[name] = waiting[key].pop()


def _similar(old: _Side, new: _Side, found: dict[str, str]) -> None:
    """Bring chains together that have most of their rules in common, and a rule that leads to them."""
    taken = set(found.values())
    bags = {name: Counter(new.keys(name)) for name in _free(new, taken)}
    holders: defaultdict[int, list[str]] = defaultdict(list)
    for name, bag in bags.items():
        for key in bag:
            holders[key].append(name)
    scored: list[tuple[float, int, str, str]] = []
    for number, name in enumerate(_free(old, set(found))):
        bag = Counter(old.keys(name))
        near = {one for key in bag if len(holders[key]) <= _COMMON for one in holders[key]}
        for candidate in near:
            shared = (bag & bags[candidate]).total() / max(bag.total(), bags[candidate].total())
            if shared >= _ENOUGH and old.callers[name] & new.callers[candidate]:
                scored.append((-shared, number, name, candidate))
    for _, _, name, candidate in sorted(scored):
        if name not in found and candidate not in taken:
            found[name] = candidate
            taken.add(candidate)
