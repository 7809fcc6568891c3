"""Comparison by chain and rule, not by text: spelling, counters and the order of chains and tables don't count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from iptc_sim.compare.between import between
from iptc_sim.compare.edits import (
    ChainAdded,
    ChainRemoved,
    Difference,
    Edit,
    PolicyChanged,
    Renamed,
    TableAdded,
    TableRemoved,
)
from iptc_sim.compare.partners import led_to, partners
from iptc_sim.compare.scope import scope
from iptc_sim.compare.within import rule_edits
from iptc_sim.diagnostics import Diagnostic, UsageError
from iptc_sim.ruleset import Chain, Ruleset, Table
from iptc_sim.syntax.stored import StoredChains


def diff(
    a: Ruleset, b: Ruleset, *, table: str | None = None, by_content: bool = True, strict: bool = False
) -> Difference:
    """Compare two rulesets.

    In the chains that kube-proxy fills in random order, rules for different destinations may stand in any order. A
    table that is not there and one without rules and with policies ACCEPT are the same.

    Args:
        a: the ruleset that is expected, or older.
        b: the one that is found, or newer.
        table: compare this table only.
        by_content: also find chains that were renamed, rules that moved to another chain, and tables that are new or
            gone; otherwise a chain is known by its name alone.
        strict: the order counts also where kube-proxy writes in random order.

    Raises:
        UsageError: IPT004, they are of two address families.
    """
    if a.family is not b.family:
        message = f"A is of IPv{int(a.family)} and B of IPv{int(b.family)}; rules of two families cannot be compared"
        raise UsageError(Diagnostic("IPT004", message, subject="diff", hint="--family says of which a dump is"))
    limits = scope(a, b, table)
    edits: list[Edit] = []
    rules = 0
    for name, group in groupby(limits.chains, key=lambda item: item[0]):
        sides = Sides(name, a.tables.get(name), b.tables.get(name), [chain for _, chain in group])
        rules += sides.count
        edits += sides.by_content(strict=strict) if by_content else sides.by_name(strict=strict)
    return Difference(tuple(edits), len(limits.chains), rules, limits.left_out)


def says_nothing(table: Table | None) -> bool:
    """Whether a table is not there, or might as well not be: no rule, no chain of the user's, no policy DROP."""
    return table is None or all(
        chain.name in table.builtin and not chain.rules and chain.policy in {None, "ACCEPT"}
        for chain in table.chains.values()
    )


class Sides:
    """One table in two rulesets.

    Args:
        name: of the table.
        one: as A has it; None where A does not.
        other: as B has it.
        chains: the names of those to compare.

    Attributes:
        chains: those of them that are not the same line for line.
        count: how many rules of A are compared.
    """

    def __init__(self, name: str, one: Table | None, other: Table | None, chains: Sequence[str]) -> None:
        self.name = name
        self.one, self.other = one or Table(name, {}), other or Table(name, {})
        mine, theirs = self.one.chains, self.other.chains
        same: dict[str, int] = {}
        if isinstance(mine, StoredChains) and isinstance(theirs, StoredChains):
            same = mine.same_lines(theirs)
        self.chains = [chain for chain in chains if chain not in same]
        left = sum(len(mine[chain].rules) for chain in self.chains if chain in mine)
        self.count = left + sum(same[chain] for chain in chains if chain in same)

    def by_name(self, *, strict: bool) -> Iterator[Edit]:
        """Yield the edits; every chain is compared with its namesake."""
        for name in self.chains:
            one, other = self.one.chains.get(name), self.other.chains.get(name)
            if one is None and other is not None:
                yield ChainAdded(self.name, name, tuple(other.rules))
            elif other is None and one is not None:
                yield ChainRemoved(self.name, name, tuple(one.rules))
            elif one is not None and other is not None:
                yield from _policy(self.name, one, other)
                if one.rules != other.rules:
                    yield from rule_edits(self.name, name, one.rules, other.rules, strict=strict)

    def by_content(self, *, strict: bool) -> Sequence[Edit]:
        """Return the edits; chains may have been renamed, and rules may have moved from one to another."""
        if not self.one.chains or not self.other.chains:
            return self._whole_table()
        pairs = {name: (self._chain(self.one, name), self._chain(self.other, name)) for name in self.chains}
        differing = [name for name, (one, other) in pairs.items() if one and other and one.rules != other.rules]
        names = partners(self.one, self.other, self.chains, differing)
        former = {new: old for old, new in names.items()}
        changed = {*differing, *former}
        edits: list[Edit] = []
        for name, (found, other) in pairs.items():
            one = found or self.one.chains.get(former.get(name, ""))
            if one is None and other is not None:
                edits.append(ChainAdded(self.name, name, tuple(other.rules)))
            elif one is not None and other is not None:
                edits += _policy(self.name, one, other)
                if name in former:
                    edits.append(Renamed(self.name, name, one.name, len(other.rules)))
                if name in changed:
                    before = [led_to(rule, names) for rule in one.rules] if names else one.rules
                    edits += rule_edits(self.name, name, before, other.rules, strict=strict)
            elif one is not None and name not in names:
                edits.append(ChainRemoved(self.name, name, tuple(one.rules)))
        return between(edits)

    @staticmethod
    def _chain(table: Table, name: str) -> Chain | None:
        """Return a chain; a built-in one is there though a listing does not show it."""
        return table.chains.get(name) or (Chain(name) if name in table.builtin else None)

    def _whole_table(self) -> Sequence[Edit]:
        if says_nothing(self.one) and says_nothing(self.other):
            return ()
        if self.one.chains:
            return (TableRemoved(self.name, tuple(self._shown(self.one))),)
        return (TableAdded(self.name, tuple(self._shown(self.other))),)

    def _shown(self, table: Table) -> Iterable[Chain]:
        return (table.chains[name] for name in self.chains if name in table.chains)


def _policy(table: str, one: Chain, other: Chain) -> Iterator[Edit]:
    if one.policy and other.policy and one.policy != other.policy:
        yield PolicyChanged(table, one.name, one.policy, other.policy)
