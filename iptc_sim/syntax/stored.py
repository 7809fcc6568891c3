"""The chains and rules of a :class:`~iptc_sim.syntax.store.RuleStore` as a ruleset has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import overload

from iptc_sim.ruleset import Chain, Rule
from iptc_sim.syntax.store import RuleStore


class StoredRules(Sequence[Rule]):
    """The rules of one chain, built together when the first of them is looked at."""

    __slots__ = ("_chain", "_made", "_store")

    def __init__(self, store: RuleStore, chain: int) -> None:
        self._store, self._chain = store, chain
        self._made: tuple[Rule, ...] | None = None

    def _all(self) -> tuple[Rule, ...]:
        if self._made is None:
            self._made = tuple([self._store.rule(entry) for entry in self._store.entries(self._chain)])
        return self._made

    @overload
    def __getitem__(self, index: int) -> Rule: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Rule, ...]: ...
    def __getitem__(self, index: int | slice) -> Rule | tuple[Rule, ...]:
        return self._all()[index]

    def __len__(self) -> int:
        return len(self._store.entries(self._chain)) if self._made is None else len(self._made)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StoredRules) and self._reads_as(other):
            return True
        return isinstance(other, Sequence) and self._all() == tuple(other)

    def _reads_as(self, other: StoredRules) -> bool:
        """Whether the lines are the same, which takes a hundredth of the time that their rules do."""
        if self._store.sense != other._store.sense or len(self) != len(other):
            return False
        mine, theirs = self.text, other.text
        if mine is not None and theirs is not None:
            return mine == theirs
        return None not in (lines := self._texts()) and lines == other._texts()

    @property
    def text(self) -> str | None:
        """The lines that they stand in, see :meth:`RuleStore.chain_text`."""
        return self._store.chain_text(self._chain)

    def _texts(self) -> list[str | None]:
        return [self._store.text(entry) for entry in self._store.entries(self._chain)]

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())


class StoredChains(Mapping[str, Chain]):
    """The chains of a table by name, in the order of the text.

    Args:
        store: holds them.
        builtin: the names of those that have a policy.
    """

    def __init__(self, store: RuleStore, builtin: frozenset[str]) -> None:
        self._store, self._builtin = store, builtin
        self._made: dict[str, Chain] = {}
        self._by_index: dict[int, str] = {}

    def __getitem__(self, name: str) -> Chain:
        made = self._made.get(name)
        if made is None:
            index = self._store.names[name]
            if not self._store.exists[index]:
                raise KeyError(name)
            made = self._made[name] = self._chain(name, index)
        return made

    def _chain(self, name: str, index: int) -> Chain:
        listed = bool(self._store.listed[index])
        policy = self._store.policies.get(index) or ("ACCEPT" if listed else None)
        return Chain(
            name,
            StoredRules(self._store, index),
            policy if name in self._builtin else None,
            self._store.counters.get(index),
            listed,
        )

    def __contains__(self, name: object) -> bool:
        index = self._store.names.get(name) if isinstance(name, str) else None
        return index is not None and bool(self._store.exists[index])

    def __iter__(self) -> Iterator[str]:
        return (name for name, index in self._store.names.items() if self._store.exists[index])

    def __len__(self) -> int:
        return self._store.exists.count(1)

    @property
    def rule_count(self) -> int:
        """How many rules the text of the table holds, those taken out again included."""
        return len(self._store.lines)

    def reads_as(self, other: StoredChains) -> bool:
        """Whether the same line is the same rule in both."""
        return self._store.sense == other._store.sense

    def texts(self) -> dict[str, tuple[str, int]]:
        """Return the lines of chains and how many rules they are, see :meth:`RuleStore.chain_texts`."""
        return self._store.chain_texts()

    def aims(self, name: str) -> list[str]:
        """Return the chain that each rule of a chain leads to, empty for none."""
        index = self._store.names[name]
        if not self._by_index:
            self._by_index = {number: chain for chain, number in self._store.names.items()}
        return [self._by_index.get(self._store.aims[entry], "") for entry in self._store.entries(index)]

    def leading_to(self, chains: Collection[str]) -> set[str]:
        """Return the chains that lead to some, over others or at once."""
        callers: dict[int, list[int]] = {}
        aims = self._store.aims
        for owner, entries in self._store.by_chain():
            held = aims[entries.start : entries.stop] if isinstance(entries, range) else [aims[one] for one in entries]
            for aim in held:
                if aim >= 0:
                    callers.setdefault(aim, []).append(owner)
        known = self._store.names
        waiting = [known[name] for name in chains if name in known]
        found: set[int] = set()
        while waiting:
            for caller in callers.get(waiting.pop(), ()):
                if caller not in found:
                    found.add(caller)
                    waiting.append(caller)
        return {name for name, index in known.items() if index in found}

    def rules_at(self, name: str, places: Iterable[int]) -> tuple[Rule, ...]:
        """Return the rules of a chain at some places, from 0; the others are not built."""
        entries = self._store.entries(self._store.names[name])
        return tuple(self._store.rule(entries[place]) for place in places)

    def same_lines(self, other: StoredChains) -> dict[str, int]:
        """Return the chains of the user's that stand in another text line for line, with how many rules they have."""
        if self._store.sense != other._store.sense:
            return {}
        mine, theirs = self._store.chain_texts(), other._store.chain_texts()
        return {
            name: found[1] for name, found in mine.items() if theirs.get(name) == found and name not in self._builtin
        }
