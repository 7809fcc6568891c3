"""Comparison by chain and rule, not by text: spelling, counters and the order of chains don't count."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
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
    OptionChange,
    PolicyChanged,
    Removed,
)
from iptc_sim.compare.scope import NUMBERED, scope
from iptc_sim.ruleset import Chain, Rule, Ruleset

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

#: Two rules with less in common than this are one rule gone and another one come.
_SIMILAR: Final = 0.5

Numbered = tuple[int, Rule]


def diff(a: Ruleset, b: Ruleset, *, table: str | None = None) -> Difference:
    """Compare two rulesets.

    In the chains that kube-proxy fills in random order, rules for different destinations may stand in any order.

    Args:
        a: the ruleset that is expected, or older.
        b: the one that is found, or newer.
        table: compare this table only.
    """
    limits = scope(a, b, table)
    edits: list[Edit] = []
    rules = 0
    for name, chain in limits.chains:
        one, other = a.chain(name, chain), b.chain(name, chain)
        rules += len(one.rules) if one else 0
        edits += _chain(name, one, other)
    return Difference(tuple(edits), len(limits.chains), rules, limits.left_out)


def _chain(table: str, one: Chain | None, other: Chain | None) -> Iterator[Edit]:
    if one is None and other is not None:
        yield ChainAdded(table, other.name, tuple(other.rules))
    elif other is None and one is not None:
        yield ChainRemoved(table, one.name, tuple(one.rules))
    elif one is not None and other is not None:
        if one.policy and other.policy and one.policy != other.policy:
            yield PolicyChanged(table, one.name, one.policy, other.policy)
        if one.rules == other.rules:
            return
        old, new = list(enumerate(one.rules, 1)), list(enumerate(other.rules, 1))
        if one.name in UNORDERED:
            yield from _unordered(table, one.name, old, new)
        else:
            yield from _ordered(table, one.name, old, new)


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
    come = [edit for edit in edits if isinstance(edit, Added)]
    paired: set[int] = set()
    for edit in edits:
        if not isinstance(edit, Removed) or not isinstance(edit.rule.target, JumpTo):
            continue
        twins = [item for item in come if item.rule.target == edit.rule.target and id(item) not in paired]
        scored = [(_common(edit.rule, item.rule), -number) for number, item in enumerate(twins)]
        score, place = max(scored, default=(0.0, 0))
        if score >= _SIMILAR:
            twin = twins[-place]
            paired |= {id(edit), id(twin)}
            old, new = edit.rule, twin.rule
            yield Changed(edit.table, edit.chain, edit.number, twin.number, old, new, changes(old, new))
    yield from (edit for edit in edits if id(edit) not in paired)


def _destination(rule: Rule) -> Hashable:
    ports = tuple(getattr(match, "dport", None) for match in rule.matches)
    return rule.base.destination, rule.base.protocol, ports


def _ordered(table: str, chain: str, old: list[Numbered], new: list[Numbered]) -> Iterator[Edit]:
    matcher = SequenceMatcher(None, [rule for _, rule in old], [rule for _, rule in new], autojunk=False)
    gone: list[Numbered] = []
    come: list[Numbered] = []
    changed: list[Changed] = []
    for tag, low, high, start, stop in matcher.get_opcodes():
        if tag != "equal":
            left, right, pairs = _pair(table, chain, old[low:high], new[start:stop])
            gone += left
            come += right
            changed += pairs
    moved, gone, come = _moves(table, chain, gone, come)
    yield from changed
    yield from moved
    yield from (Removed(table, chain, number, rule) for number, rule in gone)
    yield from (Added(table, chain, number, rule) for number, rule in come)


def _moves(
    table: str, chain: str, gone: list[Numbered], come: list[Numbered]
) -> tuple[list[Moved], list[Numbered], list[Numbered]]:
    moved = []
    left = []
    for number, rule in gone:
        twin = next((item for item in come if item[1] == rule), None)
        if twin is None:
            left.append((number, rule))
        else:
            come = [item for item in come if item is not twin]
            moved.append(Moved(table, chain, number, twin[0], rule))
    return moved, left, come


def _pair(
    table: str, chain: str, old: Sequence[Numbered], new: Sequence[Numbered]
) -> tuple[list[Numbered], list[Numbered], list[Changed]]:
    """Find, within a stretch that differs, the rules that were changed rather than replaced."""
    left: list[Numbered] = []
    rest = list(new)
    changed = []
    for number, rule in old:
        if any(item[1] == rule for item in rest):
            left.append((number, rule))  # it moved within the stretch
            continue
        scored = [(similarity(rule, item[1]), -index) for index, item in enumerate(rest)]
        score, index = max(scored, default=(0.0, 0))
        if score < _SIMILAR:
            left.append((number, rule))
            continue
        after, found = rest.pop(-index)
        changed.append(Changed(table, chain, number, after, rule, found, changes(rule, found)))
    return left, rest, changed


def option_texts(rule: Rule) -> dict[str, str]:
    """Return every option of a rule with its text, by a label such as ``-d`` or ``-m statistic --probability``."""
    found: dict[str, str] = {}
    for number, part in enumerate(rule.extensions):
        is_target = part is rule.target
        label = "" if number == 0 else f"-{'j' if is_target else 'm'} {part.name} "
        if is_target:
            found["-g" if isinstance(part, GoTo) else "-j"] = part.name
        elif label:
            found[_free(found, label.strip())] = "present"
        for declared in part.OPTIONS:
            text = part.option_text(declared.field) if getattr(part, declared.field) is not None else ""
            if text and getattr(part, declared.field) != declared.hidden:
                name = declared.names[0]
                found[_free(found, f"{label}{name}")] = text.replace(f"{name} ", "", 1)
        if not part.OPTIONS and part.words():
            found[_free(found, label.strip())] = " ".join(part.words())
    return found


def _free(found: dict[str, str], label: str) -> str:
    """The same match may stand in a rule twice."""
    number = 2
    name = label
    while name in found:
        name = f"{label} ({number})"
        number += 1
    return name


def changes(old: Rule, new: Rule) -> tuple[OptionChange, ...]:
    """Return which options differ between two rules."""
    before, after = option_texts(old), option_texts(new)
    labels = dict.fromkeys([*before, *after])
    found = [
        OptionChange(label, before.get(label, ""), after.get(label, ""))
        for label in labels
        if before.get(label) != after.get(label)
    ]
    return tuple(found) or (OptionChange("order of the matches", "", ""),)


def similarity(old: Rule, new: Rule) -> float:
    """Return how much two rules have in common, from 0 to 1; a rule that leads to the same chain is the same rule.

    A rule that leads to the chain of another Service or endpoint is another rule.
    """
    if isinstance(old.target, JumpTo) and isinstance(new.target, JumpTo):
        if old.target == new.target:
            return 1.0 + _common(old, new)
        if NUMBERED.fullmatch(old.target.chain) and NUMBERED.fullmatch(new.target.chain):
            return _SIMILAR if _same_conditions(old, new) else 0.0
    return _common(old, new)


def _same_conditions(old: Rule, new: Rule) -> bool:
    return old.base == new.base and old.matches == new.matches


def _common(old: Rule, new: Rule) -> float:
    if old.target and new.target and old.target.name == new.target.name and _same_conditions(old, new):
        return 1.0 if old.target == new.target else _SIMILAR
    before, after = set(option_texts(old).items()), set(option_texts(new).items())
    return len(before & after) / max(1, len(before | after))
