"""When jumps lead where while a text is loaded by iptables-nft: the kernel takes its rules one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from iptc_sim.moment import Hook
from iptc_sim.ruleset import DEEPEST
from iptc_sim.syntax.store import RuleStore

#: How many times one chain may come into reach and be lost again; between the last of them nothing is missed.
_MOST_SPANS: Final = 10

_NEVER: Final = 1 << 62

#: From one line of the text up to another, without that; in order, apart from each other.
_Spans = Sequence[tuple[int, int]]


class Replay:
    """Where jumps lead at each line of a text.

    If jumps lead nowhere that they must not when all rules are there, what was there on the way doesn't matter. If they
    do, the kernel goes through the rules a second time, follows all jumps after each of them, and names the first with
    which something is wrong, be it deleted again later (``nft_table_validate``, ``NFT_VALIDATE_DO``).

    Args:
        store: the rules of the table.
        builtin: the chains of it that the kernel calls.
    """

    def __init__(self, store: RuleStore, builtin: Mapping[int, Hook]) -> None:
        self._store = store
        self._jumps: dict[int, list[tuple[int, int, int]]] = {}
        for chain, entries in store.runs():
            for entry in entries:
                aim = store.aims[entry]
                if aim >= 0 and entry not in store.flushed:
                    self._jumps.setdefault(chain, []).append((aim, *self._life(entry)))
        self._too_deep: list[tuple[int, int]] = []
        self._reached = {hook: self._follow(chain) for chain, hook in builtin.items()}

    @property
    def too_deep(self) -> int:
        """The line that completes the first path which is too long; 0 for none.

        To nf_tables a circle is a path without an end (``nft_chain_validate``).
        """
        return min(self._too_deep, default=(0, 0))[0]

    @property
    def stays_too_deep(self) -> bool:
        """Whether there is such a path when all has been done."""
        return any(end == _NEVER for _, end in self._too_deep)

    def bits(self, chain: int, entry: int) -> int:
        """Return the bits of the hooks from which a rule of a chain was reached at one line or another."""
        return sum(bool(self._since(hook, chain, entry)) << number for number, hook in enumerate(Hook))

    def arrival(self, chain: int, entry: int, hooks: frozenset[Hook]) -> int:
        """Return the line with which a rule of a chain was first reached from one of some hooks; 0 for never."""
        return min((line for hook in hooks if (line := self._since(hook, chain, entry))), default=0)

    def _since(self, hook: Hook, chain: int, entry: int) -> int:
        both = _common(self._reached.get(hook, {}).get(chain, ()), *self._life(entry))
        return both[0][0] if both else 0

    def _life(self, entry: int) -> tuple[int, int]:
        return self._store.lines[entry], self._store.taken.get(entry, _NEVER)

    def _follow(self, start: int) -> dict[int, _Spans]:
        """Return when each chain is reached from a built-in one, in so many jumps as the kernel follows, or none."""
        front: dict[int, _Spans] = {start: [(0, _NEVER)]}
        reached: dict[int, _Spans] = {}
        for depth in range(DEEPEST + 2):
            for chain, spans in front.items():
                reached[chain] = _merged([*reached.get(chain, ()), *spans])
            if depth > DEEPEST:
                self._too_deep += [span for spans in front.values() for span in spans]
            further: dict[int, list[tuple[int, int]]] = {}
            for chain, spans in front.items():
                for aim, begin, end in self._jumps.get(chain, ()):
                    if both := _common(spans, begin, end):
                        further.setdefault(aim, []).extend(both)
            front = {chain: _merged(found) for chain, found in further.items()}
        return reached


def _common(spans: _Spans, begin: int, end: int) -> list[tuple[int, int]]:
    return [(max(one, begin), min(other, end)) for one, other in spans if max(one, begin) < min(other, end)]


def _merged(spans: list[tuple[int, int]]) -> _Spans:
    if len(spans) == 1:
        return spans
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return found if len(found) <= _MOST_SPANS else [*found[: _MOST_SPANS - 1], found[-1]]
