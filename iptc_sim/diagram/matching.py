"""Many rules as one diagram: the first whose condition holds at a point decides there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from iptc_sim.records import dataclass, field

if TYPE_CHECKING:
    from iptc_sim.diagram.nodes import Diagrams, Node

#: A condition and the result where it holds.
Rule = tuple["Node", "Node"]


@dataclass(frozen=True, slots=True)
class Overlay:
    """How rules are laid over one another.

    Thousands of rules that ask for one address each meet nowhere, and are put side by side in one pass over the level.
    Where too many meet, the halves are made first and then laid over one another.

    Args:
        diagrams: where the rules live.
        undecided: the terminal at points that no rule decides.
        override: lays one diagram over another, which counts where the first is undecided.
        make: makes the reduced node of a level, its bounds and children.
        memo: what has been made of which rules.
    """

    diagrams: Diagrams
    undecided: Node
    override: Callable[[Node, Node], Node]
    make: Callable[[int, Sequence[int], Sequence[Node]], Node]
    memo: dict[tuple[tuple[Rule, ...], Node], Node] = field(default_factory=dict)

    def first(self, rules: Sequence[Rule], rest: Node) -> Node:
        """Return the result of the first rule that holds, ``rest`` (a terminal) where none does."""
        layers: list[Rule] = []
        for rule in rules:
            if rule[0] is not self.diagrams.no:
                layers.append(rule)
                if rule[0] is self.diagrams.yes:
                    break
        if not layers:
            return rest
        if len(layers) == 1:
            return self.diagrams.choose(*layers[0], rest)
        key = (tuple(layers), rest)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = self._laid_over(layers, rest)
        return found

    def by_halves(self, parts: list[Node]) -> Node:
        """Return the diagrams laid over one another two by two; there is at least one."""
        while len(parts) > 1:
            last = parts[-1:] if len(parts) % 2 else []
            parts = [self.override(f, g) for f, g in zip(parts[::2], parts[1::2], strict=False)] + last
        return parts[0]

    def _laid_over(self, rules: list[Rule], rest: Node) -> Node:
        """Return the same of two rules or more: neighbours that ask for one level first are made in one pass."""
        runs = [(asks, list(run)) for asks, run in groupby(rules, key=_asks)]
        made: list[Node] = []
        for number, ((level, plain), run) in enumerate(runs, 1):
            behind = rest if number == len(runs) else self.undecided
            if plain:
                made.append(self._side_by_side(level, run, behind))
            else:
                made += [self.diagrams.choose(*rule, self.undecided) for rule in run]
                made.append(behind)
        return self.by_halves(made)

    def _side_by_side(self, level: int, rules: list[Rule], rest: Node) -> Node:
        """Return the same of rules whose conditions all ask for this level first, and their results for lower ones."""
        if len(rules) == 1:
            return self.diagrams.choose(*rules[0], rest)
        starts = sorted({bound for condition, _ in rules for bound in condition.bounds})
        meeting = self._meeting(rules, starts)
        if meeting is None:
            half = len(rules) // 2
            ahead = self._side_by_side(level, rules[:half], self.undecided)
            return self.override(ahead, self._side_by_side(level, rules[half:], rest))
        children = []
        for those in meeting:
            # No comprehension: it would be one more frame of the recursion.
            child = self.first(those, rest)
            children.append(child)
        return self.make(level, starts, children)

    def _meeting(self, rules: list[Rule], starts: list[int]) -> list[list[Rule]] | None:
        """Return the rules that are left in each range, in their order; None where too many meet."""
        never = self.diagrams.no
        place = {start: index for index, start in enumerate(starts)}
        meeting: list[list[Rule]] = [[] for _ in starts]
        # More than this would be multiplied from level to level.
        left = sum([len(condition.children) for condition, _ in rules])
        for condition, result in rules:
            places = [place[bound] for bound in condition.bounds]
            places.append(len(starts))
            for index, child in enumerate(condition.children):
                if child is not never:
                    begin, end = places[index], places[index + 1]
                    left -= end - begin
                    if left < 0:
                        return None
                    rule = (child, result)
                    for those in meeting[begin:end]:
                        those.append(rule)
        return meeting


def _asks(rule: Rule) -> tuple[int, bool]:
    """Return the level that the condition asks for first, and whether its result asks for lower ones only."""
    condition, result = rule
    return condition.level, bool(condition.children) and result.level > condition.level
