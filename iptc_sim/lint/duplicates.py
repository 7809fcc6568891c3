"""Rules that are there twice (IPT103)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from iptc_sim.constraint import Field
from iptc_sim.lint.effects import fields_read, is_pure
from iptc_sim.lint.finding import Finding, Spot, about, rules_named
from iptc_sim.lint.registry import check
from iptc_sim.lint.view import View
from iptc_sim.ruleset import Chain, Rule
from iptc_sim.target import Accept, Drop, EditMark, Goto, Jump, Reject, Return, Translate


@check("IPT103")
def duplicates(view: View) -> Iterator[Finding]:
    """Yield the rules that say the same as an earlier one of their chain."""
    if not view.certain:
        return
    for table, chain in view.chains():
        if view.is_left_out(table.name, chain.name):
            continue
        pairs = equal_rules(chain)
        if pairs:
            changes = Changes(view, table.name, chain)
            for first, number in pairs:
                rule = chain.rules[number - 1]
                if _changes_nothing(view, table.name, rule, changes.between(first, number)):
                    here = Spot(table.name, chain.name, number, rule)
                    yield _finding(here, Spot(table.name, chain.name, first, chain.rules[first - 1]))


def equal_rules(chain: Chain) -> list[tuple[int, int]]:
    """Return the numbers of the rules that say the same as an earlier one, each behind that of the first such rule."""
    seen: dict[tuple[object, ...], int] = {}
    numbered = [(seen.setdefault(said_by(rule), number), number) for number, rule in enumerate(chain.rules, 1)]
    return [(first, number) for first, number in numbered if first != number]


class Changes:
    """Which fields of packets the rules of a chain may change, and where.

    Args:
        view: the rules.
        table: the table.
        chain: the chain.
    """

    def __init__(self, view: View, table: str, chain: Chain) -> None:
        self._numbers: dict[Field, list[int]] = {}
        for number, rule in enumerate(chain.rules, 1):
            for field in view.machine.changes(table, rule):
                self._numbers.setdefault(field, []).append(number)

    def between(self, first: int, last: int) -> frozenset[Field]:
        """Return what the rules between two numbers may change."""
        return frozenset(
            field
            for field, numbers in self._numbers.items()
            if bisect_right(numbers, first) < bisect_left(numbers, last)
        )


def said_by(rule: Rule) -> tuple[object, ...]:
    """Return what a rule says, comments left out; equal where rules say the same."""
    return (rule.base, tuple([match for match in rule.matches if match.name != "comment"]), rule.target)


def _finding(here: Spot, there: Spot) -> Finding:
    comments = [spot.rule.comment for spot in (there, here) if spot.rule]
    aside = f" (comments aside: {comments[0]!r} and {comments[1]!r})" if len(set(comments)) > 1 else ""
    message = f"{here} says the same as {rules_named([there])}{aside}"
    return about("IPT103", here, message, [there], "remove one of them: the second one changes nothing")


def _changes_nothing(view: View, table: str, rule: Rule, between: frozenset[Field]) -> bool:
    """Whether a rule does nothing that an equal one before it has not done; ``between``: what may have changed since.

    What counts, logs or remembers does its work a second time, and so does what stands behind a change of what it asks
    or does: such rules are there twice on purpose.
    """
    machine = view.machine
    judged = machine.judged(rule)
    if not is_pure(judged.constraint):
        return False
    match judged.deed:
        case Accept() | Drop() | Reject() | Return() | Translate() | Goto():
            return between.isdisjoint(fields_read(judged.constraint))
        case Jump(chain):
            return not between and machine.is_plain(table, chain)
        case EditMark(field, keep, xor):
            return not keep & xor and between.isdisjoint({field, *fields_read(judged.constraint)})
    return False
