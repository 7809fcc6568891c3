"""What of two rulesets can be compared: an excerpt says nothing about the chains that it does not show."""

from __future__ import annotations

import re

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.records import dataclass
from iptc_sim.ruleset import Ruleset, Table

#: Chains that stand for one Service port or endpoint: where an excerpt shows a jump to one, that one is compared too.
NUMBERED = re.compile(r"KUBE-[A-Z]+-[A-Z2-7]{16}")


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
            wanted = _reached(table, present)
            names = [chain for chain in names if chain in wanted]
    shown = frozenset(names)
    missing = sum(chain not in shown for table in present for chain in table.chains)
    if missing:
        left_out.append(f"{missing} {'chain' if missing == 1 else 'chains'} of {name} that the excerpt does not show")
    return names


def _reached(excerpt: Table, tables: list[Table]) -> set[str]:
    """Return the chains that an excerpt shows, and the numbered ones of the same kinds that those lead to.

    ``grep KUBE-SVC`` shows jumps to KUBE-SEP chains and none of these: that says nothing about them.
    """
    found = set(excerpt.chains)
    kinds = {_kind(name) for name in found}
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        for rule in (rule for table in tables if name in table.chains for rule in table.chains[name].rules):
            target = rule.target
            if not isinstance(target, JumpTo | GoTo) or target.chain in found or not NUMBERED.fullmatch(target.chain):
                continue
            if _kind(target.chain) in kinds:
                found.add(target.chain)
                waiting.append(target.chain)
    return found


def _kind(chain: str) -> str:
    """Return ``KUBE-SVC`` for ``KUBE-SVC-CDGGSHYLG3RE2FKL``; nothing for a chain that has no number."""
    return chain.rpartition("-")[0] if NUMBERED.fullmatch(chain) else ""
