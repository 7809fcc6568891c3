"""Where jumps lead for iptables-legacy: not from behind a rule that ends every packet's way through its chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from iptc_sim.builtin import ANY
from iptc_sim.ruleset import Rule
from iptc_sim.syntax.jumps import JumpGraph
from iptc_sim.syntax.section import Section

#: The targets that are numbers to the kernel, not modules.
_VERDICTS: Final = frozenset({"ACCEPT", "DROP", "QUEUE", "RETURN"})


class LegacyWalk(JumpGraph):
    """The jumps of one table as the legacy kernel follows them when it loads it (``mark_source_chains``).

    Rules behind an ACCEPT, DROP, QUEUE or RETURN without conditions are not reached from any hook. To find them every
    rule is looked at, so this is worth it only where something seems to be wrong.

    Args:
        section: with all of its rules read.
    """

    def __init__(self, section: Section) -> None:
        self._passed: set[int] = set()
        super().__init__(section)

    def bits(self, chain: int, entry: int) -> int:
        """Return the bits of the hooks from which a rule of a chain is reached."""
        return self.reach[chain] if entry in self._passed else 0

    def _rows(self) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield the chains with their entries up to the one that nothing passes."""
        for chain in range(len(self._store.exists)):
            entries = self._store.entries(chain)
            ends = (number for number, entry in enumerate(entries, 1) if _is_end(self._store.rule(entry)))
            reached = entries[: next(ends, len(entries))]
            self._passed.update(reached)
            yield chain, reached


def _is_end(rule: Rule) -> bool:
    return rule.base == ANY and not rule.matches and rule.target is not None and rule.target.NAME in _VERDICTS
