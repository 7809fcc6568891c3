"""Rules that are there twice (IPT103)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iptc_sim.constraint import Field
from iptc_sim.lint.effects import fields_read, is_pure
from iptc_sim.lint.finding import Finding, Spot, about, rules_named
from iptc_sim.lint.registry import check
from iptc_sim.lint.view import View
from iptc_sim.ruleset import Rule
from iptc_sim.target import Accept, Drop, EditMark, Goto, Jump, Reject, Return, Translate


@check("IPT103")
def duplicates(view: View) -> Iterator[Finding]:
    """Yield the rules that say the same as an earlier one of their chain."""
    if not view.certain:
        return
    for table, chain in view.chains():
        if len(chain.rules) < 2 or view.is_left_out(table.name, chain.name):
            continue
        seen: dict[tuple[object, ...], int] = {}
        for number, rule in enumerate(chain.rules, 1):
            first = seen.setdefault(said_by(rule), number)
            if first != number and _changes_nothing(view, table.name, chain.rules[first - 1 : number]):
                here = Spot(table.name, chain.name, number, rule)
                yield _finding(here, Spot(table.name, chain.name, first, chain.rules[first - 1]))


def said_by(rule: Rule) -> tuple[object, ...]:
    """Return what a rule says, comments left out; equal where rules say the same."""
    return (rule.base, tuple([match for match in rule.matches if match.name != "comment"]), rule.target)


def _finding(here: Spot, there: Spot) -> Finding:
    comments = [spot.rule.comment for spot in (there, here) if spot.rule]
    aside = f" (comments aside: {comments[0]!r} and {comments[1]!r})" if len(set(comments)) > 1 else ""
    message = f"{here} says the same as {rules_named([there])}{aside}"
    return about("IPT103", here, message, [there], "remove one of them: the second one changes nothing")


def _changes_nothing(view: View, table: str, rules: Sequence[Rule]) -> bool:
    """Whether the last of some rules, which is equal to the first, does nothing that that one has not done.

    What counts, logs or remembers does its work a second time, and so does what stands behind a change of what it asks
    or does: such rules are there twice on purpose.
    """
    machine = view.machine
    judged = machine.judged(rules[0])
    if not is_pure(judged.constraint):
        return False
    between: set[Field] = set()
    for rule in rules[1:-1]:
        between |= machine.changes(table, rule)
    match judged.deed:
        case Accept() | Drop() | Reject() | Return() | Translate() | Goto():
            return between.isdisjoint(fields_read(judged.constraint))
        case Jump(chain):
            return not between and machine.is_plain(table, chain)
        case EditMark(field, keep, xor):
            return not keep & xor and between.isdisjoint({field, *fields_read(judged.constraint)})
    return False
