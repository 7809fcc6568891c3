"""Where jumps lead: chains that are missing, circles, and from which hooks a chain is reached."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from iptc_sim.moment import Hook
from iptc_sim.records import dataclass
from iptc_sim.syntax.section import Fault, Phase, Section
from iptc_sim.values import Variant

#: How many jumps deep the kernel follows a path of nf_tables (``NFT_JUMP_STACK_SIZE`` less the base chain).
DEEPEST = 15

#: How many chains of a circle are named.
_SHOWN = 8


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
        self._builtin = {names[name]: Hook(name) for name in section.builtin if name in names}
        self._arrived: dict[frozenset[Hook], dict[int, int]] = {}
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

    def hooks(self, chain: int) -> frozenset[Hook]:
        """Return the hooks from which a chain is reached."""
        bits = self.reach[chain]
        return frozenset(hook for number, hook in enumerate(Hook) if bits >> number & 1)

    def _count(self) -> list[int]:
        """Return how many jumps lead to each chain."""
        store = self._store
        incoming = [0] * (len(store.exists) + 1)  # the last one takes the -1 of rules that lead nowhere
        if store.edited:
            for _, entries in store.by_chain():
                for entry in entries:
                    incoming[store.aims[entry]] += 1
        else:
            for aim in store.aims:
                incoming[aim] += 1
        return incoming

    def _walk(self) -> set[int]:
        """Go through the chains, each after those that lead to it; return those for which there is no such order."""
        left, depth, reach, aims_of = self._incoming.copy(), self._depth, self.reach, self._store.all_aims()
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
        waiting, aims_of = list(chains), self._store.all_aims()
        while waiting:
            chain = waiting.pop()
            for aim in aims_of[chain]:
                if aim >= 0 and self.reach[aim] | self.reach[chain] != self.reach[aim]:
                    self.reach[aim] |= self.reach[chain]
                    waiting.append(aim)

    def _edges(self) -> Iterator[tuple[int, int, int]]:
        """Yield the jumps as (line, chain, entry)."""
        store = self._store
        for chain, entries in store.by_chain():
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

    def faults(self, variant: Variant, commit: int) -> Iterator[Fault]:
        """Yield jumps that no load takes: to built-in chains, in circles, too deep.

        Args:
            variant: of iptables.
            commit: the line of COMMIT, which the legacy variant names.
        """
        yield from self._to_builtin(variant)
        circle = self._circle() if self._stuck else []
        completing = self._completing() if variant is Variant.NFT else commit
        if circle:
            yield self._circle_fault(circle, variant, completing)
        elif variant is Variant.NFT and completing:
            message = f"this completes a path of more than {DEEPEST} jumps; nf_tables follows no more"
            yield Fault("IPT033", message, completing, Phase.JUMPS)

    def _to_builtin(self, variant: Variant) -> Iterator[Fault]:
        if not any(self._incoming[chain] for chain in self._builtin):
            return
        phase = Phase.KERNEL if variant is Variant.NFT else Phase.LINE
        for line, _, entry in self._edges():
            hook = self._builtin.get(self._store.aims[entry])
            if hook is not None:
                yield Fault("IPT028", f"{hook} is a built-in chain; only its hook leads there", line, phase)

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
            known |= seen.keys()
        return []

    def _circle_fault(self, circle: list[int], variant: Variant, reported: int) -> Fault:
        chains = [self._store.aims[entry] for entry in reversed(circle)]
        last = max(self._store.lines[entry] for entry in circle)
        shown = [self.name(chain) for chain in chains[:_SHOWN]] + ["..."] * (len(chains) > _SHOWN)
        path = " -> ".join([*shown, self.name(chains[0])])
        message = f"chains jump in a circle: {path}"
        return Fault("IPT033", message, last, Phase.KERNEL if variant is Variant.LEGACY else Phase.JUMPS, reported)

    def _arrivals(self, starts: set[int]) -> dict[int, int]:
        """Return the line that made each chain reached from ``starts``, rules being loaded in the order of the text."""
        aims = self._store.aims
        arrived = dict.fromkeys(starts, 0)
        loaded: dict[int, list[int]] = {}
        for line, chain, entry in sorted(self._edges()):
            loaded.setdefault(chain, []).append(entry)
            waiting = [entry] if chain in arrived else []
            while waiting:
                aim = aims[waiting.pop()]
                if aim not in arrived:
                    arrived[aim] = line
                    waiting += loaded.get(aim, ())
        return arrived

    def arrival(self, chain: int, hooks: frozenset[Hook]) -> int:
        """Return the line that made a chain reached from one of the hooks; 0 for a built-in chain."""
        if hooks not in self._arrived:
            self._arrived[hooks] = self._arrivals({index for index, hook in self._builtin.items() if hook in hooks})
        return self._arrived[hooks].get(chain, 0)

    def _completing(self) -> int:
        """Return the line that completes the first path which is too long, in a circle or not; 0 for none.

        To nf_tables a circle is a path without an end (nft_chain_validate, ``NFT_JUMP_STACK_SIZE``).
        """
        if not self._stuck and max(self._depth, default=0) <= DEEPEST:
            return 0
        edges = sorted(self._edges())
        count = bisect_left(range(len(edges)), True, key=lambda last: self._deepest(edges[: last + 1]) > DEEPEST)
        return edges[count][0] if count < len(edges) else 0

    def _deepest(self, edges: Sequence[tuple[int, int, int]]) -> int:
        """Return how many jumps the longest path from a built-in chain has, up to one more than there may be."""
        jumps: dict[int, list[int]] = {}
        for _, chain, entry in edges:
            jumps.setdefault(chain, []).append(self._store.aims[entry])
        front, depth = set(self._builtin), 0
        while depth <= DEEPEST and (front := {aim for chain in front for aim in jumps.get(chain, ())}):
            depth += 1
        return depth
