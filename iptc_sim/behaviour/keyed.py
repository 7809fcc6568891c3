"""The rules of a chain by the key that their lines ask for, so that those for one destination are found at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from iptc_sim.behaviour.order import Key, key_of
from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.ruleset import BUILTIN_CHAINS, Rule, Ruleset, Table
from iptc_sim.syntax.stored import StoredChains
from iptc_sim.syntax.write import write_rule

#: What a rule without a key asks for.
ANY_KEY: Final[Key] = ("", "", "")
#: Protocol and port.
_Pair = tuple[str, str]


def joined(one: Key, other: Key) -> Key | None:
    """Return what a packet must be that fits both keys; None where there is none."""
    found = tuple(left or right for left, right in zip(one, other, strict=True))
    apart = any(left and right and left != right for left, right in zip(one, other, strict=True))
    return None if apart else (found[0], found[1], found[2])


class KeyedChain:
    """One chain.

    Args:
        lines: of its rules, one each.
        aims: the chain that each rule leads to, empty for none.
    """

    __slots__ = ("_by_destination", "_others", "aims", "keys")

    def __init__(self, lines: Sequence[str], aims: Sequence[str]) -> None:
        self.aims = aims
        self.keys = [key_of(line) for line in lines]
        self._by_destination: dict[str, list[int]] = {}
        self._others: list[int] = []
        for place, (destination, _, _) in enumerate(self.keys):
            (self._by_destination.setdefault(destination, []) if destination else self._others).append(place)

    def fitting(self, wanted: Wanted) -> list[int]:
        """Return the places, from 0, of the rules that a packet of one of some keys may fit."""
        found: list[int] = []
        if wanted.anywhere:
            found += [place for place in self._keyed() if _meets(self.keys[place], wanted.anywhere)]
        for destination, pairs in wanted.by_destination.items():
            there = self._by_destination.get(destination)
            if there:
                found += [place for place in there if _meets(self.keys[place], pairs)]
        found += [place for place in self._others if _meets(self.keys[place], wanted.pairs)]
        return sorted(dict.fromkeys(found))

    def _keyed(self) -> Iterator[int]:
        for places in self._by_destination.values():
            yield from places


def _meets(key: Key, pairs: Collection[_Pair]) -> bool:
    """Whether a packet of one of the pairs of protocol and port may fit a key."""
    _, protocol, port = key
    return any(
        (not protocol or not other or protocol == other) and (not port or not wanted or port == wanted)
        for other, wanted in pairs
    )


class Wanted:
    """Keys of packets, as rules are looked up for them.

    Args:
        keys: the keys.
    """

    __slots__ = ("anywhere", "by_destination", "pairs")

    def __init__(self, keys: Iterable[Key]) -> None:
        self.pairs: dict[_Pair, None] = {}
        self.anywhere: dict[_Pair, None] = {}
        self.by_destination: dict[str, dict[_Pair, None]] = {}
        for destination, protocol, port in keys:
            pair = (protocol, port)
            self.pairs[pair] = None
            there = self.by_destination.setdefault(destination, {}) if destination else self.anywhere
            there[pair] = None


class KeyedTable:
    """The chains of one table; each is looked at when it is asked for.

    Args:
        table: the table.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._chains: dict[str, KeyedChain] = {}
        self._texts: dict[str, tuple[str, int]] | None = None

    @property
    def texts(self) -> dict[str, tuple[str, int]]:
        """The lines of chains and how many rules they are, see :meth:`StoredChains.texts`; none of made tables."""
        if self._texts is None:
            chains = self.table.chains
            self._texts = chains.texts() if isinstance(chains, StoredChains) else {}
        return self._texts

    def chain_texts(self) -> Iterator[tuple[str, str]]:
        """Yield each chain with its lines."""
        texts = self.texts
        for name in self.table.chains:
            yield name, texts[name][0] if name in texts else "\n".join(self.lines(name))

    def __getitem__(self, name: str) -> KeyedChain:
        """Return a chain; one that is not there has no rules."""
        found = self._chains.get(name)
        if found is None:
            found = self._chains[name] = self._make(name)
        return found

    def _make(self, name: str) -> KeyedChain:
        chains = self.table.chains
        if name not in chains:
            return KeyedChain([], ())
        if isinstance(chains, StoredChains):
            return KeyedChain(self.lines(name), chains.aims(name))
        return KeyedChain(self.lines(name), [aim_of(rule) for rule in chains[name].rules])

    def lines(self, name: str) -> Sequence[str]:
        """Return the lines of a chain; those of rules that do not stand together in a text as iptables prints them."""
        text = self.texts.get(name)
        if text is not None:
            return text[0].split("\n") if text[1] else []
        return [write_rule(rule, name) for rule in rules_of(self.table, name)]

    def rules(self, name: str, places: Sequence[int]) -> tuple[Rule, ...]:
        """Return the rules at some places, from 0."""
        chains = self.table.chains
        if name not in chains:
            return ()
        if isinstance(chains, StoredChains) and len(places) * 4 < len(self[name].keys):
            return chains.rules_at(name, places)
        rules = chains[name].rules
        return tuple(rules[place] for place in places)

    def reached(self, roots: Iterable[str]) -> list[str]:
        """Return the chains that some lead to, these included."""
        found = dict.fromkeys(map(str, roots))
        waiting = list(found)
        while waiting:
            for aim in self._aims(waiting.pop()):
                if aim and aim not in found:
                    found[aim] = None
                    waiting.append(aim)
        return list(found)

    def _aims(self, name: str) -> Sequence[str]:
        chains = self.table.chains
        if name not in chains:
            return ()
        return chains.aims(name) if isinstance(chains, StoredChains) else self[name].aims

    def callers(self, chains: Collection[str]) -> set[str]:
        """Return the chains that lead to some, over others or at once."""
        held = self.table.chains
        if isinstance(held, StoredChains):
            return held.leading_to(chains)
        callers: dict[str, list[str]] = {}
        for chain in held:
            for aim in self[chain].aims:
                callers.setdefault(aim, []).append(chain)
        found: set[str] = set()
        waiting = list(chains)
        while waiting:
            for caller in callers.get(waiting.pop(), ()):
                if caller not in found:
                    found.add(caller)
                    waiting.append(caller)
        return found

    def leading_to(self, root: str, chains: Collection[str]) -> tuple[Key, ...]:
        """Return the keys of packets that come from one chain to one of others."""
        known: dict[str, tuple[Key, ...]] = dict.fromkeys(chains, (ANY_KEY,))
        callers = self.callers(chains)

        def keys(chain: str) -> tuple[Key, ...]:
            if chain not in known:
                known[chain] = ()
                if chain in callers:
                    keyed = self[chain]
                    found = dict.fromkeys(
                        both
                        for key, aim in zip(keyed.keys, keyed.aims, strict=True)
                        if aim and (aim in callers or aim in chains)
                        for inner in keys(aim)
                        if (both := joined(key, inner)) is not None
                    )
                    known[chain] = tuple(found)
            return known[chain]

        return keys(root)


def keyed_tables(ruleset: Ruleset) -> dict[str, KeyedTable]:
    """Return the tables of a ruleset, keyed; of those that it does not have, an empty one."""
    names = dict.fromkeys([*BUILTIN_CHAINS, *ruleset.tables])
    return {name: KeyedTable(ruleset.tables.get(name) or Table(name, {})) for name in names}


def rules_of(table: Table, chain: str) -> Sequence[Rule]:
    """Return the rules of a chain; none where it is not there."""
    found = table.chains.get(chain)
    return found.rules if found else ()


def aim_of(rule: Rule) -> str:
    """Return the chain that a rule leads to, empty for none."""
    return rule.target.chain if isinstance(rule.target, JumpTo | GoTo) else ""
