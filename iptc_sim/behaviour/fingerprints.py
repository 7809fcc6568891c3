"""Chains that are the same function in two rulesets, told without building their rules.

A chain is the same function if its lines are the same, or differ by an order that no packet notices, and all chains
that it leads to are the same function: the greatest fixpoint, which is sound because the kernel refuses chains that
lead in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iptc_sim.behaviour.keyed import KeyedTable
from iptc_sim.behaviour.order import is_reordered
from iptc_sim.records import dataclass
from iptc_sim.ruleset import BUILTIN_CHAINS, Chain, Table
from iptc_sim.syntax.stored import StoredChains

#: Longer chains whose lines differ are not built to see whether they are only spelled differently.
_LONG: Final = 200

_Texts = dict[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """How the chains of one table compare.

    Args:
        table: its name.
        by_text: how many chains say the same, line for line.
        by_keys: how many say the same in an order that makes no difference.
        differing: chains whose own rules or policy differ, or that one side does not have.
        leading: chains that say the same on both sides and lead to a differing one, over others or at once.
        policies: built-in chains with another policy; they are among those that differ.
    """

    table: str
    by_text: int
    by_keys: int
    differing: frozenset[str]
    leading: frozenset[str]
    policies: frozenset[str] = frozenset()

    def is_same(self, chain: str) -> bool:
        """Whether a chain is the same function on both sides."""
        return chain not in self.differing and chain not in self.leading


def fingerprints(a: Mapping[str, KeyedTable], b: Mapping[str, KeyedTable]) -> dict[str, Fingerprints]:
    """Compare the tables of two rulesets of one family, chain by chain."""
    empty = {name: KeyedTable(Table(name, {})) for name in (*a, *b)}
    return {name: _of_table(name, a.get(name, empty[name]), b.get(name, empty[name])) for name in empty}


def _of_table(name: str, one: KeyedTable, other: KeyedTable) -> Fingerprints:
    by_keys: set[str] = set()
    differing: set[str] = set()
    policies: set[str] = set()
    a, b = one.table, other.table
    mine_all, theirs_all = _texts(one, other)
    same = {chain for chain, found in mine_all.items() if theirs_all.get(chain) == found}
    builtin = frozenset(a.builtin) if name in BUILTIN_CHAINS else frozenset()
    by_text = len(same)
    for chain in dict.fromkeys([*a.chains, *b.chains, *builtin]):
        if chain in same and chain not in builtin:
            continue
        mine, theirs = a.chains.get(chain), b.chains.get(chain)
        if chain in builtin:
            mine, theirs = mine or Chain(chain), theirs or Chain(chain)
        if mine is None or theirs is None:
            differing.add(chain)
        elif (mine.policy or "ACCEPT") != (theirs.policy or "ACCEPT"):
            policies.add(chain)
            by_text -= chain in same
        elif chain in same:
            continue
        elif _is_reordered(mine_all.get(chain), theirs_all.get(chain)):
            by_keys.add(chain)
        elif (len(mine.rules) <= _LONG or chain not in mine_all) and mine.rules == theirs.rules:
            by_text += 1
        else:
            differing.add(chain)
    differing |= policies
    # What says the same leads to the same chains, so one side tells.
    leading = one.callers(differing) - differing if differing else set[str]()
    return Fingerprints(name, by_text, len(by_keys), frozenset(differing), frozenset(leading), frozenset(policies))


def _texts(a: KeyedTable, b: KeyedTable) -> tuple[_Texts, _Texts]:
    one, other = a.table.chains, b.table.chains
    if isinstance(one, StoredChains) and isinstance(other, StoredChains) and one.reads_as(other):
        return a.texts, b.texts
    return {}, {}


def _is_reordered(one: tuple[str, int] | None, other: tuple[str, int] | None) -> bool:
    if one is None or other is None or one[1] != other[1] or len(one[0]) != len(other[0]):
        return False
    return is_reordered(one[0].split("\n"), other[0].split("\n"))
