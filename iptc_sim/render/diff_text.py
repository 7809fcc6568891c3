"""A difference in text: what is missing (-), added (+), changed (~), moved (>), renamed (=), by chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iptc_sim.compare.edits import (
    Added,
    ChainAdded,
    ChainRemoved,
    Changed,
    Difference,
    Edit,
    Moved,
    MovedBetween,
    PolicyChanged,
    Removed,
    Renamed,
    TableAdded,
    TableRemoved,
)
from iptc_sim.diagnostics import printable
from iptc_sim.render.words import Labels
from iptc_sim.ruleset import Chain, Rule
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
            lines.append(f"{edit.table} {printable(edit.chain)}".rstrip() + label)
        lines += [f"  {line}" for line in edit_lines(edit, shown)]
    lines += [f"not compared: {printable(text)}" for text in found.left_out]
    lines.append(summary(found))
    return "\n".join(lines) + "\n"


def summary(found: Difference) -> str:
    """Return the last line, ``no difference (4 chains, 9 rules compared)``."""
    extent = f"{_count(found.compared, 'chain')}, {_count(found.rules, 'rule')} compared"
    if not found:
        return f"no difference ({extent})"
    kinds = {
        "added": (Added, ChainAdded, TableAdded),
        "missing": (Removed, ChainRemoved, TableRemoved),
        "changed": (Changed, PolicyChanged),
        "moved": (Moved, MovedBetween),
        "renamed": (Renamed,),
    }
    counts = {word: sum(isinstance(edit, kind) for edit in found.edits) for word, kind in kinds.items()}
    text = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{_count(len(found.edits), 'difference')}: {text} ({extent})"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def edit_lines(edit: Edit, labels: Labels) -> Iterator[str]:
    """Yield the lines that tell an edit, below the name of its chain."""
    match edit:
        case Added(number=number, rule=rule):
            yield f"+ rule {number}: {_rule(rule, labels)}"
        case Removed(number=number, rule=rule):
            yield f"- rule {number}: {_rule(rule, labels)}"
        case Moved(before=before, after=after, rule=rule):
            yield f"> rule {before} is now rule {after}: {_rule(rule, labels)}"
        case MovedBetween(before=before, to=to, after=after, rule=rule):
            yield f"> rule {before} is now rule {after} of {printable(to)}: {_rule(rule, labels)}"
        case Changed():
            yield from _changed(edit, labels)
        case Renamed(former=former, rules=rules):
            yield f"= was called {printable(former)}, {_count(rules, 'rule')}"
        case ChainAdded(rules=rules):
            yield from _chain("+", rules, labels)
        case ChainRemoved(rules=rules):
            yield from _chain("-", rules, labels)
        case PolicyChanged(before=before, after=after):
            yield f"~ policy {before} => {after}"
        case TableAdded(chains=chains):
            yield from _table("+", chains, labels)
        case TableRemoved(chains=chains):
            yield from _table("-", chains, labels)


def _changed(edit: Changed, labels: Labels) -> Iterator[str]:
    before, after = edit.before, edit.after
    where = f"rule {before}" if before == after else f"rule {before} (now {after})"
    yield f"~ {where}: {_rule(edit.new, labels)}"
    for change in edit.changes:
        if change.before or change.after:
            yield printable(f"    {change.option}: {change.before or '(none)'} => {change.after or '(none)'}")
        else:
            yield printable(f"    {change.option}")


def _chain(sign: str, rules: Sequence[Rule], labels: Labels) -> Iterator[str]:
    yield f"{sign} the chain, {_count(len(rules), 'rule')}"
    yield from (f"  {sign} {_rule(rule, labels)}" for rule in rules)


def _table(sign: str, chains: Sequence[Chain], labels: Labels) -> Iterator[str]:
    """Yield what a table holds; its chains in order, and nothing of those that are empty and built in."""
    rules = sum(len(chain.rules) for chain in chains)
    shown = [chain for chain in chains if chain.rules or chain.policy in {None, "DROP"}]
    yield f"{sign} the table, {_count(len(shown), 'chain')}, {_count(rules, 'rule')}"
    for chain in shown:
        policy = f", policy {chain.policy}" if chain.policy == "DROP" else ""
        label = f"  ({printable(labels[chain.name])})" if chain.name in labels else ""
        yield f"  {sign} {printable(chain.name)}{policy}{label}"
        yield from (f"    {sign} {_rule(rule, labels)}" for rule in chain.rules)


def _rule(rule: Rule, labels: Labels) -> str:
    name = rule.target.name if rule.target else ""
    label = f"  ({labels[name]})" if name in labels else ""
    return printable(write_rule(rule) + label)
