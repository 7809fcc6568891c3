"""The part of a ruleset that is kube-proxy's."""

from __future__ import annotations

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.kube.names import is_kube_chain
from iptc_sim.records import replace
from iptc_sim.ruleset import Chain, Ruleset, Table


def only_kube_chains(ruleset: Ruleset) -> Ruleset:
    """Return the chains that kube-proxy owns, and of the built-in chains the rules that jump to them."""
    tables = {}
    for table in ruleset.tables.values():
        chains = {name: kept for name, chain in table.chains.items() if (kept := _kept(table, chain)) is not None}
        if chains:
            tables[table.name] = Table(table.name, chains)
    return replace(ruleset, tables=tables)


def _kept(table: Table, chain: Chain) -> Chain | None:
    if is_kube_chain(table.name, chain.name):
        return chain
    if chain.name not in table.builtin:
        return None
    rules = tuple(
        rule
        for rule in chain.rules
        if isinstance(rule.target, JumpTo | GoTo) and is_kube_chain(table.name, rule.target.chain)
    )
    return replace(chain, rules=rules, policy=None, counters=None)
