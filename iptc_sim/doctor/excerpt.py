"""Dumps that show a part of kube-proxy's rules only: what they don't show is taken as kube-proxy writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.compare.scope import scope
from iptc_sim.kube.expected import TABLES
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Chain, Ruleset, Table
from iptc_sim.steps import RuleStep, Trace

_SHOWN: Final = 4

WHOLE_DUMP: Final = "a whole dump of the node: iptables-save, without -t and without grep"


@dataclass(frozen=True, slots=True)
class Completed:
    """A dump with what it does not show.

    Args:
        rules: what packets are sent through.
        added: the chains that were added, as (table, chain).
        tables: the tables of which the dump shows nothing.
    """

    rules: Ruleset
    added: frozenset[tuple[str, str]] = frozenset()
    tables: tuple[str, ...] = ()

    def met(self, walked: Trace) -> str:
        """Return what a packet met of it, in a sentence; empty for nothing."""
        steps = (step for segment in walked.segments for step in segment.steps if isinstance(step, RuleStep))
        met = dict.fromkeys((step.table, step.chain) for step in steps if (step.table, step.chain) in self.added)
        if not met:
            return ""
        shown = " and ".join(self._named(met))
        return f"the dump does not show {shown}: taken as there, as kube-proxy writes them"

    def _named(self, met: dict[tuple[str, str], None]) -> Iterator[str]:
        for table in dict.fromkeys(table for table, _ in met):
            chains = [chain for name, chain in met if name == table]
            more = f" and {len(chains) - _SHOWN} more chains" if len(chains) > _SHOWN else ""
            yield f"table {table}" if table in self.tables else f"{table} {', '.join(chains[:_SHOWN])}{more}"


def unseen_tables(found: Ruleset) -> tuple[str, ...]:
    """Return the tables of kube-proxy that a dump leaves out, as ``iptables-save -t nat`` does.

    None where it shows none of them: then there is nothing of kube-proxy on the node.
    """
    missing = tuple(name for name in TABLES if name not in found.tables)
    return missing if len(missing) < len(TABLES) else ()


def complete(found: Ruleset, expected: Ruleset) -> Completed:
    """Add what a dump does not show to it: the chains that an excerpt leaves out, and whole tables.

    Args:
        found: the dump.
        expected: what kube-proxy would write.
    """
    unseen = unseen_tables(found)
    tables = dict(found.tables)
    added: set[tuple[str, str]] = set()
    for name in expected.tables:
        table = found.tables.get(name)
        if table is None and name in unseen:
            tables[name] = expected.tables[name]
            added |= {(name, chain) for chain in expected.tables[name].chains}
        elif table is not None and table.is_excerpt:
            chains = _left_out(name, table, found, expected)
            tables[name] = Table(name, {**chains, **table.chains})
            added |= {(name, chain) for chain in chains}
    return Completed(replace(found, tables=tables) if added else found, frozenset(added), unseen)


def _left_out(name: str, table: Table, found: Ruleset, expected: Ruleset) -> dict[str, Chain]:
    """Return the chains of which an excerpt says nothing; those that it would show are missing on the node."""
    compared = {chain for _, chain in scope(expected, found, name).chains}
    return {
        chain.name: replace(chain, declared=False)
        for chain in expected.tables[name].chains.values()
        if chain.name not in table.chains and chain.name not in compared
    }
