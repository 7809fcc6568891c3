"""What of two rulesets can be compared: an excerpt says nothing about the chains that it does not show."""

from __future__ import annotations

import re
from dataclasses import dataclass

from iptc_sim.ruleset import Ruleset, Table

#: Chains that a generator makes by the dozen; an excerpt that shows one of a kind is taken to show all of that kind.
_KIND = re.compile(r"(KUBE-[A-Z]+-)[A-Z2-7]{16}")


@dataclass(frozen=True, slots=True)
class Scope:
    """The chains to compare, as (table, chain), and what is left out."""

    chains: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]


def scope(a: Ruleset, b: Ruleset, table: str | None = None) -> Scope:
    """Return what to compare.

    Args:
        a: one side.
        b: the other side.
        table: compare this table only.
    """
    chains: list[tuple[str, str]] = []
    left_out: list[str] = []
    for name in dict.fromkeys([*a.tables, *b.tables]):
        if table is not None and name != table:
            continue
        found = _table(name, a, b, left_out)
        chains += [(name, chain) for chain in found]
    return Scope(tuple(chains), tuple(left_out))


def _table(name: str, a: Ruleset, b: Ruleset, left_out: list[str]) -> list[str]:
    one, other = a.tables.get(name), b.tables.get(name)
    present = [table for table in (one, other) if table is not None]
    if len(present) == 1:
        lacking, side = (b, "B") if other is None else (a, "A")
        if not lacking.whole:
            left_out.append(f"table {name}: {side} does not show it")
            return []
    names = list(dict.fromkeys(chain for table in present for chain in table.chains))
    for table in present:
        if table.is_excerpt:
            names = [chain for chain in names if _shown(table, chain)]
    missing = sum(chain not in names for table in present for chain in table.chains)
    if missing:
        left_out.append(f"{missing} {'chain' if missing == 1 else 'chains'} of {name} that the excerpt does not show")
    return names


def _shown(excerpt: Table, chain: str) -> bool:
    kind = _KIND.fullmatch(chain)
    if kind is None:
        return chain in excerpt.chains
    return any(name.startswith(kind[1]) for name in excerpt.chains)
