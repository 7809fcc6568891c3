"""Where jumps lead: chains that are missing, circles, and from which hooks a chain is reached."""

from __future__ import annotations

from collections.abc import Iterator

from iptc_sim.extension import Hook
from iptc_sim.records import dataclass
from iptc_sim.syntax.section import Fault, Phase, Section
from iptc_sim.targets import TARGETS
from iptc_sim.values import Variant

#: How many jumps deep the kernel follows a path of nf_tables (``NFT_JUMP_STACK_SIZE`` less the base chain).
DEEPEST = 15


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

    @property
    def hint(self) -> str:
        """What was meant, if that can be guessed."""
        from difflib import get_close_matches  # noqa: PLC0415 - for errors only

        near = get_close_matches(self.name.upper(), [cls.NAME for cls in TARGETS.all()], 1, 0.8)
        return f"did you mean {near[0]}?" if near else ""


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
        self._incoming = self._count()
        self._depth = [0] * len(section.store.exists)
        self.reach = [0] * len(section.store.exists)
        for number, hook in enumerate(Hook):
            for chain, own in self._builtin.items():
                self.reach[chain] |= (own is hook) << number
        self._stuck = self._walk()

    def name(self, chain: int) -> str:
        """Return the name of a chain."""
        return next(name for name, index in self._store.names.items() if index == chain)

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
        left, depth, reach, aims_of = self._incoming.copy(), self._depth, self.reach, self._store.aims_of
        left[-1] = -1
        ready = [chain for chain, count in enumerate(left) if not count]
        for chain in ready:
            bits = reach[chain]
            below = depth[chain] + 1 if bits else 0
            for aim in aims_of(chain):
                if aim >= 0:
                    reach[aim] |= bits
                    left[aim] -= 1
                    depth[aim] = max(below, depth[aim])
                    if not left[aim]:
                        ready.append(aim)
        if len(ready) == len(reach):
            return set()
        stuck = set(range(len(reach))) - set(ready)
        self._spread(stuck)
        return stuck

    def _spread(self, chains: set[int]) -> None:
        """Carry the bits of hooks on where jumps go in circles."""
        waiting = list(chains)
        while waiting:
            chain = waiting.pop()
            for aim in self._store.aims_of(chain):
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
        gone = any(count and not there for count, there in zip(self._incoming, exists, strict=False))
        if not gone and not any(self._incoming[chain] for chain in late):
            return []
        found: dict[int, list[int]] = {}
        for line, _, entry in self._edges():
            if not exists[aims[entry]] or entry < late.get(aims[entry], 0):
                found.setdefault(aims[entry], []).append(line)
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
        if circle:
            yield self._circle_fault(circle, variant, commit)
        elif variant is Variant.NFT and max(self._depth, default=0) > DEEPEST:
            yield from self._too_deep()

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
        for start in into:
            seen: dict[int, int] = {}
            path: list[int] = []
            chain: int | None = start
            while chain is not None and chain not in seen:
                seen[chain] = len(path)
                chain, entry = into.get(chain, (None, -1))
                path.append(entry)
            if chain is not None:
                return path[seen[chain] :]
        return []

    def _circle_fault(self, circle: list[int], variant: Variant, commit: int) -> Fault:
        lines = self._store.lines
        arrival = self._arrivals(set(self._builtin))
        chains = [self._store.aims[entry] for entry in reversed(circle)]
        last = max(lines[entry] for entry in circle)
        reported = max(last, min(arrival.get(chain, 0) for chain in chains))
        path = " -> ".join(self.name(chain) for chain in [*chains, chains[0]])
        message = f"chains jump in a circle: {path}"
        return Fault("IPT033", message, last, Phase.KERNEL, commit if variant is Variant.LEGACY else reported)

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

    def _too_deep(self) -> Iterator[Fault]:
        """nft_chain_validate follows a path only so far (kernel, ``NFT_JUMP_STACK_SIZE``)."""
        message = f"a path of more than {DEEPEST} jumps leads through here; nf_tables follows no more"
        for line, chain, entry in sorted(self._edges()):
            if self.reach[chain] and DEEPEST <= self._depth[chain] < self._depth[self._store.aims[entry]]:
                yield Fault("IPT033", message, line, Phase.KERNEL)
