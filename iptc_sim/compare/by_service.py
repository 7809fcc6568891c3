"""A difference sorted by the Services that it is about: what is missing, stale, changed or out of order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.compare.edits import (
    Added,
    ChainAdded,
    ChainRemoved,
    Changed,
    Difference,
    Edit,
    Moved,
    PolicyChanged,
    Removed,
)
from iptc_sim.compare.scope import NUMBERED
from iptc_sim.records import dataclass, field, replace
from iptc_sim.ruleset import Rule

#: Tells whose an edit is: (table, chain, rule or None for the chain itself) -> service port, empty for none.
Owner = Callable[[str, str, Rule | None], str]


class Kind(StrEnum):
    """What is wrong on the node."""

    MISSING = "missing"
    STALE = "stale"
    CHANGED = "changed"
    MOVED = "moved"


_KINDS: Final[Mapping[type, Kind]] = {
    Removed: Kind.MISSING,
    ChainRemoved: Kind.MISSING,
    Added: Kind.STALE,
    ChainAdded: Kind.STALE,
    Changed: Kind.CHANGED,
    PolicyChanged: Kind.CHANGED,
    Moved: Kind.MOVED,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Args:
        kind: what.
        edit: the edit that tells it.
        jumps: edits of rules that lead to the chain: they are missing, or stale, with it.
        odds: edits of neighbours whose odds differ only because of it.
    """

    kind: Kind
    edit: Edit
    jumps: tuple[Edit, ...] = ()
    odds: tuple[Edit, ...] = ()

    @property
    def edits(self) -> tuple[Edit, ...]:
        """All of them."""
        return (self.edit, *self.jumps, *self.odds)


@dataclass(frozen=True, slots=True)
class ServiceDifference:
    """What is wrong about one service port.

    Args:
        service: its name, ``default/web:http``; empty for what belongs to no Service.
        exists: whether the objects have it.
        findings: what is wrong.
    """

    service: str
    exists: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Grouped:
    """A difference by Service.

    Args:
        difference: all edits.
        services: those that differ, by name; what belongs to none comes last.
        agree: how many of the objects' service ports have no difference.
    """

    difference: Difference
    services: tuple[ServiceDifference, ...]
    agree: int = 0
    counts: Mapping[Kind, int] = field(default_factory=dict)


def group(found: Difference, owner: Owner, known: Sequence[str]) -> Grouped:
    """Sort a difference by Service.

    Args:
        found: the difference, expected rules first.
        owner: tells whose an edit is.
        known: the service ports that the objects have.
    """
    by_service: dict[str, list[Finding]] = {}
    for finding in _findings(found.edits):
        edit = finding.edit
        rule = _rule(edit)
        by_service.setdefault(owner(edit.table, edit.chain, rule), []).append(finding)
    ours = set(known)
    order = sorted(by_service, key=lambda name: (not name, name))
    services = tuple(ServiceDifference(name, name in ours, tuple(by_service[name])) for name in order)
    counts = {kind: sum(item.kind is kind for part in services for item in part.findings) for kind in Kind}
    return Grouped(found, services, len(ours - set(by_service)), counts)


def renumbered(found: Difference, places: Mapping[tuple[str, str], tuple[int, ...]]) -> Difference:
    """Return a difference whose rules of B have the numbers that they have in the whole chain.

    Args:
        found: the difference; its B was a part of a ruleset.
        places: the numbers of the part's rules in the whole, by table and chain.
    """

    def place(edit: Edit, number: int) -> int:
        numbers = places.get((edit.table, edit.chain), ())
        return numbers[number - 1] if number <= len(numbers) else number

    def done(edit: Edit) -> Edit:
        match edit:
            case Added(number=number):
                return replace(edit, number=place(edit, number))
            case Changed(after=after) | Moved(after=after):
                return replace(edit, after=place(edit, after))
        return edit

    return replace(found, edits=tuple(done(edit) for edit in found.edits))


def _rule(edit: Edit) -> Rule | None:
    match edit:
        case Added(rule=rule) | Removed(rule=rule) | Moved(rule=rule):
            return rule
        case Changed(old=old):
            return old
    return None


def _findings(edits: Sequence[Edit]) -> Iterator[Finding]:
    """Yield what is wrong, each with the edits that only follow from it."""
    chains = {edit.chain: edit for edit in edits if isinstance(edit, ChainAdded | ChainRemoved)}
    jumps: dict[int, list[Edit]] = {}
    followers: set[int] = set()
    for edit in edits:
        if isinstance(edit, Added | Removed):
            led = chains.get(_target(edit.rule))
            if isinstance(led, ChainAdded if isinstance(edit, Added) else ChainRemoved):
                jumps.setdefault(id(led), []).append(edit)
                followers.add(id(edit))
    odds: dict[int, list[Edit]] = {}
    for edit in edits:
        if isinstance(edit, Changed) and _is_odds(edit):
            cause = next(_causes(edits, edit), None)
            if cause is not None:
                by_chain = chains.get(_target(cause.rule)) if id(cause) in followers else cause
                odds.setdefault(id(by_chain), []).append(edit)
                followers.add(id(edit))
    for edit in edits:
        if id(edit) not in followers:
            yield Finding(_KINDS[type(edit)], edit, tuple(jumps.get(id(edit), ())), tuple(odds.get(id(edit), ())))


def _target(rule: Rule) -> str:
    return rule.target.chain if isinstance(rule.target, JumpTo | GoTo) else ""


def _is_odds(edit: Changed) -> bool:
    return all(item.option.startswith("-m statistic") for item in edit.changes)


def _causes(edits: Sequence[Edit], changed: Changed) -> Iterator[Added | Removed]:
    """Yield the endpoints more or less in the same chain, which explain that another's odds differ."""
    for edit in edits:
        if not isinstance(edit, Added | Removed) or (edit.table, edit.chain) != (changed.table, changed.chain):
            continue
        if NUMBERED.fullmatch(_target(edit.rule)):
            yield edit
