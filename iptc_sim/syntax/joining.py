"""Sections of several texts, or of one text, that belong to the same table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iptc_sim.diagnostics import Diagnostic, Severity, Span
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import BUILTIN_CHAINS, Chain, Table
from iptc_sim.syntax.section import Section
from iptc_sim.syntax.stored import StoredChains
from iptc_sim.values import Variant


@dataclass(frozen=True, slots=True)
class Joined:
    """Tables by name, and what was noticed on the way."""

    tables: dict[str, Table]
    warnings: list[Diagnostic]


def join_sections(sections: Sequence[Section], variant: Variant) -> Joined:
    """Make tables of sections.

    A ``*table`` line empties the table, so a later section of the same text replaces an earlier one; of iptables-legacy
    policies stay that it does not name. Listings, and what stands in another text, are joined. A bare ``*table`` has no
    chains.
    """
    tables: dict[str, Table] = {}
    last: dict[str, Section] = {}
    warnings = []
    for section in sections:
        name, chains = section.table, {} if section.is_bare else _chains(section)
        before = last.get(name)
        if before is None:
            tables[name] = Table(name, chains)
        elif before.source is section.source and before.named and section.named:
            message = f"table {name} stands in it twice: the second replaces the first, as iptables-restore does"
            warnings.append(Diagnostic("IPT036", message, Severity.WARNING, Span(section.source, section.line)))
            if variant is Variant.LEGACY:
                chains = _with_policies(_chains(section), tables[name].chains, section)
            tables[name] = Table(name, chains)
        else:
            tables[name] = Table(name, _union(tables[name].chains, chains))
        last[name] = section
    return Joined(tables, warnings)


def _chains(section: Section) -> Mapping[str, Chain]:
    return StoredChains(section.store, frozenset(map(str, BUILTIN_CHAINS[section.table])))


def _with_policies(chains: Mapping[str, Chain], before: Mapping[str, Chain], section: Section) -> Mapping[str, Chain]:
    names, policies = section.store.names, section.store.policies
    kept = {
        name: replace(chain, policy=before[name].policy)
        for name, chain in chains.items()
        if name in before and names[name] not in policies
    }
    return {**chains, **kept}


def _union(one: Mapping[str, Chain], other: Mapping[str, Chain]) -> dict[str, Chain]:
    joined = dict(one)
    for name, chain in other.items():
        known = joined.get(name)
        joined[name] = chain if known is None else _join(known, chain)
    return joined


def _join(one: Chain, other: Chain) -> Chain:
    return Chain(
        one.name,
        (*one.rules, *other.rules),
        other.policy if other.declared else one.policy or other.policy,
        other.counters or one.counters,
        one.declared or other.declared,
    )
