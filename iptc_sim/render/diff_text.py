"""A difference in text: what is missing (-), added (+), changed (~), moved (>), by chain."""

from __future__ import annotations

from collections.abc import Iterator

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
from iptc_sim.diagnostics import printable
from iptc_sim.render.words import Labels
from iptc_sim.ruleset import Rule
from iptc_sim.syntax.write import write_rule


def render_diff(found: Difference, names: tuple[str, str], labels: Labels | None = None) -> str:
    """Return the difference as text.

    Args:
        found: the difference.
        names: what to call A and B.
        labels: names for chains.
    """
    shown = labels or {}
    lines: list[str] = []
    if found:
        lines += [f"--- {printable(names[0])}", f"+++ {printable(names[1])}"]
    place = ("", "")
    for edit in found.edits:
        if (edit.table, edit.chain) != place:
            place = (edit.table, edit.chain)
            label = f"  ({printable(shown[edit.chain])})" if edit.chain in shown else ""
            lines.append(f"{edit.table} {printable(edit.chain)}{label}")
        lines += [f"  {line}" for line in _edit(edit, shown)]
    lines += [f"not compared: {printable(text)}" for text in found.left_out]
    lines.append(summary(found))
    return "\n".join(lines) + "\n"


def summary(found: Difference) -> str:
    """Return the last line, ``no difference (4 chains, 9 rules compared)``."""
    extent = f"{_count(found.compared, 'chain')}, {_count(found.rules, 'rule')} compared"
    if not found:
        return f"no difference ({extent})"
    kinds = {
        "added": (Added, ChainAdded),
        "missing": (Removed, ChainRemoved),
        "changed": (Changed, PolicyChanged),
        "moved": (Moved,),
    }
    counts = {word: sum(isinstance(edit, kind) for edit in found.edits) for word, kind in kinds.items()}
    text = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{_count(len(found.edits), 'difference')}: {text} ({extent})"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _edit(edit: Edit, labels: Labels) -> Iterator[str]:
    match edit:
        case Added(number=number, rule=rule):
            yield f"+ rule {number}: {_rule(rule, labels)}"
        case Removed(number=number, rule=rule):
            yield f"- rule {number}: {_rule(rule, labels)}"
        case Moved(before=before, after=after, rule=rule):
            yield f"> rule {before} is now rule {after}: {_rule(rule, labels)}"
        case Changed(before=before, after=after, new=new, changes=changes):
            where = f"rule {before}" if before == after else f"rule {before} (now {after})"
            yield f"~ {where}: {_rule(new, labels)}"
            for change in changes:
                old, now = change.before or "(none)", change.after or "(none)"
                yield printable(f"    {change.option}: {old} => {now}")
        case ChainAdded(rules=rules):
            yield f"+ the chain, {_count(len(rules), 'rule')}"
            yield from (f"  + {_rule(rule, labels)}" for rule in rules)
        case ChainRemoved(rules=rules):
            yield f"- the chain, {_count(len(rules), 'rule')}"
            yield from (f"  - {_rule(rule, labels)}" for rule in rules)
        case PolicyChanged(before=before, after=after):
            yield f"~ policy {before} => {after}"


def _rule(rule: Rule, labels: Labels) -> str:
    name = rule.target.name if rule.target else ""
    label = f"  ({labels[name]})" if name in labels else ""
    return printable(write_rule(rule) + label)
