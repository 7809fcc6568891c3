"""Which of the rules that share something in the kernel was loaded first: what it says goes for all of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from iptc_sim.match import Match
from iptc_sim.ruleset import BUILTIN_CHAINS, Chain, Rule, Ruleset, Table
from iptc_sim.values import Variant


class FirstLoaded:
    """Tells which match of a ruleset was loaded first; the rules are looked through when it is first asked.

    Args:
        ruleset: the rules, taken as loaded from their text all at once.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._found: dict[Hashable, Match] | None = None

    def __call__(self, key: Hashable) -> Match | None:
        """Return the first match whose ``shared`` is the key; None where there is none."""
        if self._found is None:
            self._found = {}
            for rule in rules_in_order(self._ruleset):
                for match in rule.matches:
                    if match.shared is not None:
                        self._found.setdefault(match.shared, match)
        return self._found.get(key)


def rules_in_order(ruleset: Ruleset) -> Iterator[Rule]:
    """Yield the rules as the kernel gets them.

    iptables-nft sends them line by line; iptables-legacy table by table, first the built-in chains, then those of the
    user by their names (tests/kernel/test_shared_rates.py).
    """
    if ruleset.variant is Variant.NFT:
        yield from sorted((rule for *_, rule in ruleset.rules()), key=lambda rule: rule.line)
        return
    for table in ruleset.tables.values():
        for chain in sorted(table.chains.values(), key=lambda chain: _rank(table, chain)):
            yield from chain.rules


def _rank(table: Table, chain: Chain) -> tuple[int, bytes]:
    builtin = BUILTIN_CHAINS.get(table.name, ())
    place = next((place for place, hook in enumerate(builtin) if hook == chain.name), len(builtin))
    return place, chain.name.encode()
