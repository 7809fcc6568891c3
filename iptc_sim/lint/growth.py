"""How a ruleset has grown (IPT118)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.lint.finding import Finding, about_file, listed
from iptc_sim.lint.managed import owner_of
from iptc_sim.lint.registry import check
from iptc_sim.lint.view import View
from iptc_sim.ruleset import BUILTIN_CHAINS, Ruleset

#: So many chains that have grown most are named.
_FASTEST: Final = 5


@check("IPT118")
def growth(view: View) -> Iterator[Finding]:
    """Yield how many rules and chains each owner has, which chains grew most, and the longest walk, then and now."""
    if view.since is None:
        return
    before, after = Size(view.since), Size(view.ruleset)
    source = view.source
    total = f"{_step(sum(before.rules.values()), sum(after.rules.values()), 'rule')} in "
    message = f"{total}{_step(sum(before.chains.values()), sum(after.chains.values()), 'chain')}"
    yield about_file("IPT118", source, message)
    for owner in sorted(before.rules.keys() | after.rules.keys(), key=lambda one: (-after.rules[one], one)):
        if (before.rules[owner], before.chains[owner]) != (after.rules[owner], after.chains[owner]):
            rules = _step(before.rules[owner], after.rules[owner], "rule")
            chains = _step(before.chains[owner], after.chains[owner], "chain")
            yield about_file("IPT118", source, f"{owner}: {rules} in {chains}")
    gained = {place: count - before.lengths.get(place, 0) for place, count in after.lengths.items()}
    fastest = sorted((place for place in gained if gained[place] > 0), key=lambda place: (-gained[place], place))
    if fastest:
        named = [f"{place} (+{gained[place]}, now {after.lengths[place]})" for place in fastest[:_FASTEST]]
        yield about_file("IPT118", source, f"grown most: {listed(named)}")
    for place, length in after.walks.items():
        if length != before.walks.get(place, 0):
            walked = _step(before.walks.get(place, 0), length, "rule")
            yield about_file("IPT118", source, f"the longest walk of a packet through {place}: {walked}")


def _step(old: int, new: int, what: str) -> str:
    name = f"{what}{'s' * (new != 1)}"
    return f"{old} -> {new} {name}" if old != new else f"{new} {name}"


class Size:
    """How large a ruleset is.

    Attributes:
        rules: how many rules stand in chains of each owner.
        chains: how many chains each owner has.
        lengths: how many rules each chain has, by ``table CHAIN``.
        walks: how many rules a packet is compared with at most that fits jumps only, by ``table HOOK``.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self.rules: Counter[str] = Counter()
        self.chains: Counter[str] = Counter()
        self.lengths: dict[str, int] = {}
        self.walks: dict[str, int] = {}
        for table in ruleset.tables.values():
            aims: dict[str, list[str]] = {}
            for name, chain in table.chains.items():
                owner = "built-in chains" if name in table.builtin else owner_of(name) or "other chains"
                self.rules[owner] += len(chain.rules)
                self.chains[owner] += 1
                self.lengths[f"{table.name} {name}"] = len(chain.rules)
                aims[name] = [rule.target.chain for rule in chain.rules if isinstance(rule.target, JumpTo | GoTo)]
            for hook in BUILTIN_CHAINS[table.name]:
                if str(hook) in table.chains:
                    self.walks[f"{table.name} {hook}"] = self._longest(table.name, str(hook), aims)

    def _longest(self, table: str, start: str, aims: dict[str, list[str]]) -> int:
        """Return how many rules a packet meets from a chain on that takes every jump; circles count once."""
        known: dict[str, int] = {}
        opened: set[str] = set()
        waiting = [(start, False)]
        while waiting:
            chain, is_done = waiting.pop()
            if is_done:
                own = self.lengths.get(f"{table} {chain}", 0)
                known[chain] = own + sum(known.get(aim, 0) for aim in aims.get(chain, ()))
            elif chain not in opened:
                opened.add(chain)
                waiting.append((chain, True))
                waiting += [(aim, False) for aim in aims.get(chain, ())]
        return known[start]
