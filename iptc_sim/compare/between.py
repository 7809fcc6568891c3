"""Rules that moved from one chain to another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from iptc_sim.builtin import ANY
from iptc_sim.compare.edits import Added, ChainAdded, ChainRemoved, Edit, MovedBetween, Removed
from iptc_sim.records import dataclass
from iptc_sim.ruleset import Rule


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a rule came or went: the place of the edit that says so, the chain, and the number there."""

    edit: int
    chain: str
    number: int
    alone: bool


def between(edits: Sequence[Edit]) -> Sequence[Edit]:
    """Return the edits of one table; a rule that goes in one chain and comes in another has moved.

    Rules without a condition are too common for that, and so are those that come or go more than once. A chain that is
    new or gone is told whole also where rules of it come from or go to others.
    """
    gone, come = _places(edits, Removed, ChainRemoved), _places(edits, Added, ChainAdded)
    instead: dict[int, Edit | None] = {}
    late: list[Edit] = []
    for rule, (place, *more) in gone.items():
        others = come.get(rule, ())
        if more or len(others) != 1 or not (place.alone or others[0].alone) or not _has_condition(rule):
            continue
        other = others[0]
        moved = MovedBetween(edits[place.edit].table, place.chain, place.number, other.chain, other.number, rule)
        if other.alone:
            instead[other.edit] = None
        if place.alone:
            instead[place.edit] = moved
        else:
            late.append(moved)
    if not instead:
        return edits
    found = [edit for number, old in enumerate(edits) if (edit := instead.get(number, old)) is not None]
    order = {chain: number for number, chain in reversed(list(enumerate(edit.chain for edit in edits)))}
    return sorted([*found, *late], key=lambda edit: order[edit.chain])


def _places(
    edits: Sequence[Edit], alone: type[Added | Removed], whole: type[ChainAdded | ChainRemoved]
) -> dict[Rule, list[_Place]]:
    found: defaultdict[Rule, list[_Place]] = defaultdict(list)
    for place, edit in enumerate(edits):
        for number, rule in _rules(edit, alone, whole):
            found[rule].append(_Place(place, edit.chain, number, isinstance(edit, alone)))
    return found


def _rules(
    edit: Edit, alone: type[Added | Removed], whole: type[ChainAdded | ChainRemoved]
) -> Iterator[tuple[int, Rule]]:
    if isinstance(edit, Added | Removed) and isinstance(edit, alone):
        yield edit.number, edit.rule
    elif isinstance(edit, ChainAdded | ChainRemoved) and isinstance(edit, whole):
        yield from enumerate(edit.rules, 1)


def _has_condition(rule: Rule) -> bool:
    return rule.base != ANY or any(match.name != "comment" for match in rule.matches)
