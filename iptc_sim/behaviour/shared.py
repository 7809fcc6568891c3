"""What rules share by a name in the kernel: the rule that is loaded first says how it is, wherever it stands."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from iptc_sim.behaviour.keyed import KeyedTable
from iptc_sim.engine.load_order import FirstLoaded
from iptc_sim.matches.hashlimit import Hashlimit
from iptc_sim.records import replace
from iptc_sim.ruleset import Ruleset, Table


def made_otherwise(
    a: tuple[Ruleset, Mapping[str, KeyedTable]], b: tuple[Ruleset, Mapping[str, KeyedTable]]
) -> Iterator[str]:
    """Yield the names of hashlimit tables that both rulesets have, made by rules that say different things of them."""
    mine, theirs = _makers(*a), _makers(*b)
    for name, maker in mine.items():
        other = theirs.get(name, maker)
        if (maker.table, maker.rate_match, maker.counts_bytes) != (other.table, other.rate_match, other.counts_bytes):
            yield maker.table_name


def _makers(ruleset: Ruleset, tables: Mapping[str, KeyedTable]) -> dict[Hashable, Hashlimit]:
    """Return the match that makes each table. Chains whose lines have no such match are not looked into."""
    with_one: dict[str, Table] = {}
    for name, keyed in tables.items():
        chains, texts = keyed.table.chains, keyed.texts
        asked = [chain for chain in chains if chain not in texts or Hashlimit.NAME in texts[chain][0]]
        with_one[name] = Table(name, {chain: chains[chain] for chain in asked})
    left = replace(ruleset, tables=with_one)
    first = FirstLoaded(left)
    found: dict[Hashable, Hashlimit] = {}
    for *_, rule in left.rules():
        for match in rule.matches:
            if isinstance(match, Hashlimit) and isinstance(maker := first(match.shared), Hashlimit):
                found[match.shared] = maker
    return found
