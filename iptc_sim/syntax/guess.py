"""Which table a listing shows that does not say it: ``iptables -S`` prints no table name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from iptc_sim.ruleset import BUILTIN_CHAINS, Rule

#: Targets that the kernel takes in one table only.
_TARGET_TABLES: Final = {
    "DNAT": "nat", "SNAT": "nat", "MASQUERADE": "nat", "REDIRECT": "nat", "NETMAP": "nat", "REJECT": "filter",
    "CT": "raw", "NOTRACK": "raw", "TPROXY": "mangle", "TOS": "mangle", "DSCP": "mangle", "TTL": "mangle",
    "HL": "mangle", "ECN": "mangle", "SECMARK": "security",
}  # fmt: skip
_ORDER: Final = ("filter", "nat", "mangle", "raw", "security")


@dataclass(frozen=True, slots=True)
class Guess:
    """A table and the reason to think so, ``DNAT in line 2``."""

    table: str
    why: str


def guess_table(policies: Iterable[str], rules: Sequence[tuple[str, Rule]]) -> Guess:
    """Guess the table of a listing from its built-in chains and its targets.

    Args:
        policies: chains that have a ``-P`` line.
        rules: (chain, rule) in order.
    """
    shown = {chain for chain in policies if any(chain in hooks for hooks in BUILTIN_CHAINS.values())}
    for table in _ORDER:
        if shown and shown == set(map(str, BUILTIN_CHAINS[table])):
            return Guess(table, f"its -P lines are those of {table}")
    for _, rule in rules:
        if rule.target is not None and rule.target.name in _TARGET_TABLES:
            return Guess(_TARGET_TABLES[rule.target.name], f"{rule.target.name} in line {rule.line}")
    chains = shown | {chain for chain, _ in rules if any(chain in hooks for hooks in BUILTIN_CHAINS.values())}
    for table in _ORDER:
        if chains and chains <= set(map(str, BUILTIN_CHAINS[table])):
            return Guess(table, f"it has {', '.join(sorted(chains))}")
    return Guess("filter", "filter is what iptables -S shows by default")
