"""How much two rules have in common, and what differs between them."""

from __future__ import annotations

from typing import Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.compare.edits import OptionChange
from iptc_sim.compare.scope import NUMBERED
from iptc_sim.ruleset import Rule

#: Two rules with less in common than this are one rule gone and another one come.
SIMILAR: Final = 0.5


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


def similarity(
    old: Rule, new: Rule, before: dict[str, str] | None = None, after: dict[str, str] | None = None
) -> float:
    """Return how much two rules have in common, from 0 to 1; a rule that leads to the same chain is the same rule.

    A rule that leads to the chain of another Service or endpoint is another rule.

    Args:
        old: a rule.
        new: another one.
        before: the options of ``old``, where they are known.
        after: those of ``new``.
    """
    if isinstance(old.target, JumpTo) and isinstance(new.target, JumpTo):
        if old.target == new.target:
            return 1.0 + common(old, new, before, after)
        if NUMBERED.fullmatch(old.target.chain) and NUMBERED.fullmatch(new.target.chain):
            return SIMILAR if _same_conditions(old, new) else 0.0
    return common(old, new, before, after)


def _same_conditions(old: Rule, new: Rule) -> bool:
    return old.base == new.base and old.matches == new.matches


def common(old: Rule, new: Rule, before: dict[str, str] | None = None, after: dict[str, str] | None = None) -> float:
    """Return how many of the options of two rules are the same, from 0 to 1."""
    if old.target and new.target and old.target.name == new.target.name and _same_conditions(old, new):
        return 1.0 if old.target == new.target else SIMILAR
    one = set((option_texts(old) if before is None else before).items())
    other = set((option_texts(new) if after is None else after).items())
    return len(one & other) / max(1, len(one | other))
