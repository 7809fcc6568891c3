"""Many conditions as one diagram: the condition that one of them holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from iptc_sim.records import dataclass, field

if TYPE_CHECKING:
    from iptc_sim.diagram.nodes import Diagrams, Node


@dataclass(frozen=True, slots=True)
class Union:
    """How conditions are united.

    Thousands of conditions that ask for one address each meet nowhere, and are put side by side in one pass over the
    level. Where too many meet, the halves are united first and then with one another.

    Args:
        diagrams: where the conditions live.
        either: unites two.
        make: makes the reduced node of a level, its bounds and children.
        memo: what has been made of which conditions.
    """

    diagrams: Diagrams
    either: Callable[[Node, Node], Node]
    make: Callable[[int, Sequence[int], Sequence[Node]], Node]
    memo: dict[tuple[Node, ...], Node] = field(default_factory=dict)

    def of(self, conditions: Iterable[Node]) -> Node:
        """Return the condition that one of them holds."""
        never = self.diagrams.no
        parts = tuple(dict.fromkeys([condition for condition in conditions if condition is not never]))
        if self.diagrams.yes in parts:
            return self.diagrams.yes
        if len(parts) < 2:
            return parts[0] if parts else never
        found = self.memo.get(parts)
        if found is None:
            runs = [(level, list(run)) for level, run in groupby(parts, key=attrgetter("level"))]
            found = self.memo[parts] = by_halves(self.either, [self._side_by_side(*run) for run in runs])
        return found

    def _side_by_side(self, level: int, conditions: list[Node]) -> Node:
        """Return the same of conditions that all ask for this level first."""
        if len(conditions) == 1:
            return conditions[0]
        starts = sorted({bound for condition in conditions for bound in condition.bounds})
        meeting = self._meeting(conditions, starts)
        if meeting is None:
            half = len(conditions) // 2
            return self.either(
                self._side_by_side(level, conditions[:half]), self._side_by_side(level, conditions[half:])
            )
        children = []
        for those in meeting:
            # No comprehension: it would be one more frame of the recursion.
            child = self.of(those)
            children.append(child)
        return self.make(level, starts, children)

    def _meeting(self, conditions: list[Node], starts: list[int]) -> list[list[Node]] | None:
        """Return what is left of the conditions in each range; None where too many meet."""
        never = self.diagrams.no
        place = {start: index for index, start in enumerate(starts)}
        meeting: list[list[Node]] = [[] for _ in starts]
        # More than this would be multiplied from level to level.
        left = sum([len(condition.children) for condition in conditions])
        for condition in conditions:
            places = [place[bound] for bound in condition.bounds]
            places.append(len(starts))
            for index, child in enumerate(condition.children):
                if child is not never:
                    begin, end = places[index], places[index + 1]
                    left -= end - begin
                    if left < 0:
                        return None
                    for those in meeting[begin:end]:
                        those.append(child)
        return meeting


def by_halves(operation: Callable[[Node, Node], Node], parts: Sequence[Node]) -> Node:
    """Return what an operation makes of diagrams, taken two by two; there is at least one."""
    while len(parts) > 1:
        last = parts[-1:] if len(parts) % 2 else []
        parts = [*(operation(f, g) for f, g in zip(parts[::2], parts[1::2], strict=False)), *last]
    return parts[0]
