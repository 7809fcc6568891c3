"""Where jumps lead: chains that are missing, circles, and from which hooks a chain is reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain as chained
from typing import Final

from iptc_sim.moment import Hook
from iptc_sim.records import dataclass
from iptc_sim.ruleset import DEEPEST
from iptc_sim.syntax.replay import Replay
from iptc_sim.syntax.section import Fault, Phase, Section
from iptc_sim.values import Variant

#: How many chains of a circle are named.
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Missing:
    """A chain that rules jump to and the text does not have, or not yet.

    Args:
        name: of the chain.
        line: of the first such rule.
        count: how many rules there are.
        comes_later: whether the text has it after all, behind the rule.
    """

    name: str
    line: int
    count: int
    comes_later: bool = False


def hooks_of(bits: int) -> frozenset[Hook]:
    """Return the hooks of some bits."""
    return frozenset(hook for number, hook in enumerate(Hook) if bits >> number & 1)


class JumpGraph:
    """The jumps of one table.

    Args:
        section: with all of its rules read.

    Attributes:
        reach: by chain: the bits of the hooks that lead to it.
    """

    def __init__(self, section: Section) -> None:
        self._store = section.store
        names = section.store.names
        self._aims_of = self._aims()
        self._builtin = {names[name]: Hook(name) for name in section.builtin if name in names}
        self._named: dict[int, str] = {}
        self._incoming = self._count()
        self._depth = [0] * len(section.store.exists)
        self.reach = [0] * len(section.store.exists)
        for number, hook in enumerate(Hook):
            for chain, own in self._builtin.items():
                self.reach[chain] |= (own is hook) << number
        self._stuck = self._walk()

    def name(self, chain: int) -> str:
        """Return the name of a chain."""
        if not self._named:
            self._named = {index: name for name, index in self._store.names.items()}
        return self._named[chain]

    def is_builtin(self, chain: int) -> bool:
        """Whether a chain is one of those that the kernel calls."""
        return chain in self._builtin

    def bits(self, chain: int, entry: int) -> int:
        """Return the bits of the hooks from which a rule of a chain is reached in the end."""
        return 0 if entry in self._store.taken and chain not in self._builtin else self.reach[chain]

    @cached_property
    def replay(self) -> Replay:
        """Where jumps lead at each line, not only in the end."""
        return Replay(self._store, self._builtin)

    def _rows(self) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield the chains whose rules count, with their entries; a chain may come several times."""
        return self._store.by_chain()

    def _aims(self) -> list[Sequence[int]]:
        """Return for each chain where its rules lead, in order; -1 for those that lead to no chain."""
        aims = self._store.aims
        found: list[Sequence[int]] = [()] * len(self._store.exists)
        for owner, entries in self._rows():
            if isinstance(entries, range):
                own: Sequence[int] = aims[entries.start : entries.stop]
            else:
                own = [aims[entry] for entry in entries]
            found[owner] = [*found[owner], *own] if found[owner] else own
        return found

    def _count(self) -> list[int]:
        """Return how many jumps lead to each chain."""
        incoming = [0] * (len(self._aims_of) + 1)  # the last one takes the -1 of rules that lead nowhere
        for aim in chained.from_iterable(self._aims_of):
            incoming[aim] += 1
        return incoming

    def _walk(self) -> set[int]:
        """Go through the chains, each after those that lead to it; return those for which there is no such order."""
        left, depth, reach, aims_of = self._incoming.copy(), self._depth, self.reach, self._aims_of
        left[-1] = -1
        ready = [chain for chain, count in enumerate(left) if not count]
        for chain in ready:
            bits = reach[chain]
            below = depth[chain] + 1 if bits else 0
            for aim in aims_of[chain]:
                if aim >= 0:
                    reach[aim] |= bits
                    left[aim] -= 1
                    if below > depth[aim]:  # noqa: PLR1730 - this line runs for every jump
                        depth[aim] = below
                    if not left[aim]:
                        ready.append(aim)
        if len(ready) == len(reach):
            return set()
        stuck = set(range(len(reach))) - set(ready)
        self._spread(stuck)
        return stuck

    def _spread(self, chains: set[int]) -> None:
        """Carry the bits of hooks on where jumps go in circles."""
        waiting, aims_of = list(chains), self._aims_of
        while waiting:
            chain = waiting.pop()
            for aim in aims_of[chain]:
                if aim >= 0 and self.reach[aim] | self.reach[chain] != self.reach[aim]:
                    self.reach[aim] |= self.reach[chain]
                    waiting.append(aim)

    def _edges(self) -> Iterator[tuple[int, int, int]]:
        """Yield the jumps as (line, chain, entry)."""
        store = self._store
        for chain, entries in self._rows():
            yield from ((store.lines[entry], chain, entry) for entry in entries if store.aims[entry] >= 0)

    def missing(self) -> list[Missing]:
        """Return the chains that are jumped to and not there, in the order of the text."""
        exists, aims, late = self._store.exists, self._store.aims, self._store.late
        absent = any(count and not there for count, there in zip(self._incoming, exists, strict=False))
        if not self._store.edited and not absent and not any(self._incoming[chain] for chain in late):
            return []
        gone, found = self._store.gone, dict[int, list[int]]()
        for entry, aim in enumerate(aims):  # those that were taken out again were asked for their aim, too
            if aim >= 0 and (not exists[aim] or entry < late.get(aim, 0)) and entry >= gone.get(aim, 0):
                found.setdefault(aim, []).append(self._store.lines[entry])
        first = sorted(found.items(), key=lambda item: min(item[1]))
        return [Missing(self.name(chain), min(places), len(places), bool(exists[chain])) for chain, places in first]

    def faults(self, variant: Variant, commit: int, *, passing: bool = False) -> Iterator[Fault]:
        """Yield jumps that no load takes: to built-in chains, in circles, too deep.

        Args:
            variant: of iptables.
            commit: the line of COMMIT, which the legacy variant names.
            passing: whether to look for paths that were too long for a time, too (nf_tables only).
        """
        yield from self._to_builtin(variant)
        circle = self._circle() if self._stuck else []
        doubtful = variant is Variant.NFT and (passing or bool(self._stuck) or max(self._depth, default=0) > DEEPEST)
        deep = doubtful and (passing or self.replay.stays_too_deep)
        completing = self.replay.too_deep if deep else commit
        if circle:
            yield self._circle_fault(circle, variant, completing)
        elif deep and completing:
            message = f"this completes a path of more than {DEEPEST} jumps; nf_tables follows no more"
            yield Fault("IPT033", message, completing, Phase.JUMPS)

    def _to_builtin(self, variant: Variant) -> Iterator[Fault]:
        """Yield jumps to built-in chains; to take the rule out again comes too late.

        iptables-nft does not even send the rules of a chain that is flushed later.
        """
        store = self._store
        if not (store.edited or any(self._incoming[chain] for chain in self._builtin)):
            return
        nft = variant is Variant.NFT
        for entry, aim in enumerate(store.aims):
            hook = self._builtin.get(aim)
            if hook is not None and not (nft and entry in store.flushed):
                message = f"{hook} is a built-in chain; only its hook leads there"
                yield Fault("IPT028", message, store.lines[entry], Phase.KERNEL if nft else Phase.LINE)

    def _circle(self) -> list[int]:
        """Go back along jumps among the stuck chains until one comes again; return the entries of the circle."""
        aims = self._store.aims
        into = {
            aims[entry]: (chain, entry)
            for _, chain, entry in self._edges()
            if chain in self._stuck and aims[entry] in self._stuck and self.reach[chain]
        }
        known: set[int] = set()
        for start in into:
            seen: dict[int, int] = {}
            path: list[int] = []
            chain: int | None = start
            while chain is not None and chain not in seen and chain not in known:
                seen[chain] = len(path)
                chain, entry = into.get(chain, (None, -1))
                path.append(entry)
            if chain is not None and chain in seen:
                return path[seen[chain] :]
            known.update(seen)
        return []

    def _circle_fault(self, circle: list[int], variant: Variant, reported: int) -> Fault:
        chains = [self._store.aims[entry] for entry in reversed(circle)]
        last = max(self._store.lines[entry] for entry in circle)
        shown = [self.name(chain) for chain in chains[:_SHOWN]] + ["..."] * (len(chains) > _SHOWN)
        path = " -> ".join([*shown, self.name(chains[0])])
        message = f"chains jump in a circle: {path}"
        return Fault("IPT033", message, last, Phase.KERNEL if variant is Variant.LEGACY else Phase.JUMPS, reported)
