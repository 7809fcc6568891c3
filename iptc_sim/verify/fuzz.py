"""Random rulesets and packets, put before the kernel and the simulator, until something differs."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, Self

from iptc_sim.ipsets.text import read_ipsets
from iptc_sim.kernel import RulesRefusedError
from iptc_sim.records import dataclass, replace
from iptc_sim.values import Family, Variant
from iptc_sim.verify.compare import Divergence
from iptc_sim.verify.generator import Case, draw_case
from iptc_sim.verify.run import Totals, Verifier

#: Seconds, longer than a tick of any kernel: connlimit does not look through a list twice in one.
_TICK: Final = 0.02
_LINE: Final = re.compile(r"(?i)line:? (\d+)")
_EXTENSION: Final = re.compile(r"-[mj] \S+")


@dataclass(frozen=True, slots=True)
class Finding:
    """A case that diverges.

    Args:
        case: the rules and the node.
        number: which of its packets, from 1.
        divergence: how.
    """

    case: Case
    number: int
    divergence: Divergence


class Fuzz:
    """Runs random cases; a context manager. Each node is built once and used again.

    Args:
        variant: the back end of iptables.
        families: the IP families, in turn.
        packets: how many are sent through each ruleset.

    Raises:
        KernelError: while it runs: the kernel cannot be asked.
    """

    def __init__(
        self, variant: Variant = Variant.NFT, families: Iterable[Family] = tuple(Family), packets: int = 20
    ) -> None:
        self._variant, self._families, self._packets = variant, tuple(families), packets
        self._open = contextlib.ExitStack()
        self._nodes: dict[str, Verifier] = {}
        self.totals = Totals()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def run(self, seed: int, number: int) -> Iterator[Finding | None]:
        """Yield for each of ``number`` cases what was found; None: both sides agree.

        Args:
            seed: the first case's; the others follow it, so that a case can be had again by its own number.
            number: how many.
        """
        for which in range(seed, seed + number):
            family = self._families[which % len(self._families)]
            yield self._one(draw_case(f"{which}/{int(family)}", family))

    def _one(self, case: Case) -> Finding | None:
        verifier = self._verifier(case)
        case = self._loaded(verifier, case)
        for number in range(1, self._packets + 1):
            flow = case.packets.next()
            if "-m connlimit" in case.text:
                time.sleep(_TICK)
            found = verifier.send(flow)
            if isinstance(found, Divergence):
                return Finding(case, number, found)
            case.packets.tell(flow, *found)
        return None

    def _loaded(self, verifier: Verifier, case: Case) -> Case:
        """Load a case, without the rules that this kernel refuses: a module that it does not have."""
        while True:
            node = replace(verifier.node, sets=read_ipsets(case.sets)) if case.sets else verifier.node
            try:
                verifier.load(case.ruleset, case.text, sets=case.sets, node=node)
            except RulesRefusedError as error:
                found = _LINE.search(str(error))
                if found is None:
                    raise
                refused = _refused(case.text.split("\n"), int(found[1]))
                for line in reversed(refused):
                    words = " ".join(_EXTENSION.findall(case.text.split("\n")[line - 1]))
                    self.totals.refused[words] = self.totals.refused.get(words, 0) + 1
                case = case.without(refused)
            else:
                return case

    def _verifier(self, case: Case) -> Verifier:
        name = case.topology.name
        if name not in self._nodes:
            verifier = Verifier(case.topology.node, self._variant, case.topology.hosts)
            verifier.totals = self.totals
            self._nodes[name] = self._open.enter_context(verifier)
        return self._nodes[name]


def _refused(lines: list[str], number: int) -> list[int]:
    """Return which lines iptables-restore means by the one that it names.

    iptables-legacy names the COMMIT of a table that the kernel refuses, and not which of its rules is the reason.
    """
    if lines[number - 1] != "COMMIT":
        return [number]
    first = max(place for place, line in enumerate(lines[:number], 1) if line.startswith("*"))
    return [place for place in range(first, number) if lines[place - 1].startswith("-A ")]
