"""What differs within one chain: rules that stayed, moved, were changed, came or went."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from operator import itemgetter
from typing import Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.compare.align import align
from iptc_sim.compare.alike import SIMILAR, changes, common, option_texts, similarity
from iptc_sim.compare.edits import Added, Changed, Edit, Moved, Removed
from iptc_sim.ruleset import Rule

#: Chains in which kube-proxy writes the Services in an order of its own at every sync (a walk over a Go map), and those
#: to which its userspace mode appends the rules of a Service when it comes.
UNORDERED: Final = frozenset(
    {
        "KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL",
        "KUBE-PORTALS-CONTAINER", "KUBE-PORTALS-HOST",
        "KUBE-NODEPORT-CONTAINER", "KUBE-NODEPORT-HOST", "KUBE-NODEPORT-NON-LOCAL",
    }
)  # fmt: skip

_NODE_PORTS: Final = JumpTo("KUBE-NODEPORTS")

#: In longer stretches of rules that all differ only those are compared with each other that lead to the same target.
_STRETCH: Final = 200

#: A rule with its number, from 1.
Numbered = tuple[int, Rule]


def rule_edits(table: str, chain: str, old: Sequence[Rule], new: Sequence[Rule], *, strict: bool) -> list[Edit]:
    """Return what turns the rules of a chain into others.

    Args:
        table: of the chain.
        chain: its name.
        old: the rules that it has.
        new: those that it is to have.
        strict: the order counts also where kube-proxy writes in random order.
    """
    one, other = list(enumerate(old, 1)), list(enumerate(new, 1))
    if chain in UNORDERED and not strict:
        return list(_unordered(table, chain, one, other))
    return _ordered(table, chain, one, other)


def _unordered(table: str, chain: str, old: list[Numbered], new: list[Numbered]) -> Iterator[Edit]:
    """Compare rules of the same destination in order, and the rule that must be last."""
    groups: dict[Hashable, tuple[list[Numbered], list[Numbered]]] = {}
    for side, rules in enumerate((old, new)):
        for number, rule in rules:
            groups.setdefault(_destination(rule), ([], []))[side].append((number, rule))
    edits: list[Edit] = []
    for one, other in groups.values():
        if [rule for _, rule in one] != [rule for _, rule in other]:
            edits += _ordered(table, chain, one, other)
    yield from _redirected(edits)
    # The jumps for node ports take what the rules of no Service took: they are last.
    body = max((number for number, rule in new if rule.target != _NODE_PORTS), default=0)
    for number, rule in new:
        if rule.target == _NODE_PORTS and number < body:
            before = next((place for place, item in old if item == rule), None)
            if before is not None:
                yield Moved(table, chain, before, number, rule)


def _redirected(edits: list[Edit]) -> Iterator[Edit]:
    """Yield the edits; a rule gone and one come that lead to the same chain are one rule for another destination."""
    come: defaultdict[Hashable, list[Added]] = defaultdict(list)
    for edit in edits:
        if isinstance(edit, Added):
            come[edit.rule.target].append(edit)
    paired: set[int] = set()
    for edit in edits:
        if not isinstance(edit, Removed) or not isinstance(edit.rule.target, JumpTo):
            continue
        twins = come[edit.rule.target]
        scored = [(common(edit.rule, item.rule), -number) for number, item in enumerate(twins)]
        score, place = max(scored, default=(0.0, 0))
        if score >= SIMILAR:
            twin = twins.pop(-place)
            paired |= {id(edit), id(twin)}
            old, new = edit.rule, twin.rule
            yield Changed(edit.table, edit.chain, edit.number, twin.number, old, new, changes(old, new))
    yield from (edit for edit in edits if id(edit) not in paired)


def _destination(rule: Rule) -> Hashable:
    ports = tuple(getattr(match, "dport", None) for match in rule.matches)
    return rule.base.destination, rule.base.protocol, ports


def _ordered(table: str, chain: str, old: list[Numbered], new: list[Numbered]) -> list[Edit]:
    """Compare rules in order; the edits come in the order of the rules, what is gone before what stands there now."""
    kept = align([rule for _, rule in old], [rule for _, rule in new])
    left, right = ({pair[side] for pair in kept} for side in (0, 1))
    gone = [place for place in range(len(old)) if place not in left]
    come = [place for place in range(len(new)) if place not in right]
    moved = _moves([old[place][1] for place in gone], [new[place][1] for place in come])
    moves = [(gone[one], come[other]) for one, other in moved]
    gone = _without(gone, {one for one, _ in moves})
    come = _without(come, {other for _, other in moves})
    turned: list[tuple[int, int]] = []
    for some, others in _stretches(kept, gone, come):
        found = _pairs([old[place][1] for place in some], [new[place][1] for place in others])
        turned += [(some[one], others[other]) for one, other in found]
    edits: list[tuple[int, int, Edit]] = []
    for one, other in turned:
        (before, was), (after, now) = old[one], new[other]
        edits.append(
            (_stretch(kept, 1, other), after, Changed(table, chain, before, after, was, now, changes(was, now)))
        )
    for one, other in moves:
        after, rule = new[other]
        edits.append((_stretch(kept, 1, other), after, Moved(table, chain, old[one][0], after, rule)))
    edits += [
        (_stretch(kept, 0, place), 0, Removed(table, chain, *old[place]))
        for place in _without(gone, {one for one, _ in turned})
    ]
    edits += [
        (_stretch(kept, 1, place), new[place][0], Added(table, chain, *new[place]))
        for place in _without(come, {other for _, other in turned})
    ]
    edits.sort(key=itemgetter(0, 1))
    return [edit for _, _, edit in edits]


def _stretch(kept: list[tuple[int, int]], side: int, place: int) -> int:
    """Return how many of the rules that stayed stand before a place."""
    return bisect_left(kept, place, key=itemgetter(side))


def _without(places: list[int], taken: set[int]) -> list[int]:
    return [place for place in places if place not in taken]


def _moves(gone: list[Rule], come: list[Rule]) -> Iterator[tuple[int, int]]:
    """Yield the places of rules that went and came again, the first of several first."""
    waiting: defaultdict[Rule, list[int]] = defaultdict(list)
    for place in range(len(come) - 1, -1, -1):
        waiting[come[place]].append(place)
    for place, rule in enumerate(gone):
        if waiting[rule]:
            yield place, waiting[rule].pop()


def _stretches(kept: list[tuple[int, int]], gone: list[int], come: list[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield what went and what came between rules that stayed, stretch by stretch."""
    stretches: defaultdict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, places in enumerate((gone, come)):
        for place in places:
            stretches[_stretch(kept, side, place)][side].append(place)
    yield from (stretches[key] for key in sorted(stretches))


def _pairs(old: list[Rule], new: list[Rule]) -> list[tuple[int, int]]:
    """Return the places, within a stretch that differs, of rules that were changed rather than replaced."""
    if not old or not new:
        return []
    if len(old) <= _STRETCH and len(new) <= _STRETCH:
        return _most_alike(old, new, range(len(old)), range(len(new)))
    by_target: defaultdict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, rules in enumerate((old, new)):
        for place, rule in enumerate(rules):
            by_target[_aim(rule)][side].append(place)
    found: list[tuple[int, int]] = []
    for some, others in by_target.values():
        found += _most_alike(old, new, some[:_STRETCH], others[:_STRETCH])
    return sorted(found)


def _aim(rule: Rule) -> Hashable:
    return rule.target if isinstance(rule.target, JumpTo | GoTo) else rule.target.name if rule.target else None


def _most_alike(
    old: Sequence[Rule], new: Sequence[Rule], some: Sequence[int], others: Sequence[int]
) -> list[tuple[int, int]]:
    """Return for each rule, in order, the one that is most like it and not taken yet; those too different are left."""
    texts = {place: option_texts(new[place]) for place in others}
    free = list(others)
    found: list[tuple[int, int]] = []
    for place in some:
        own = option_texts(old[place])
        scored = [(similarity(old[place], new[other], own, texts[other]), -number) for number, other in enumerate(free)]
        score, number = max(scored, default=(0.0, 0))
        if score >= SIMILAR:
            found.append((place, free.pop(-number)))
    return found
