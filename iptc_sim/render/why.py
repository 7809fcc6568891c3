"""Why a rule or a chain was not reached, or did not fit: the nearest place where the packet went another way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.diagnostics import Diagnostic, UsageError, printable, suggestion
from iptc_sim.records import dataclass
from iptc_sim.render.way import Way
from iptc_sim.render.words import action_text, odds_text
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, RuleStep, Trace
from iptc_sim.syntax.write import write_rule
from iptc_sim.target import Goto, Jump, Return

#: How many places are named where several come equally near.
_MAX_PLACES: Final = 4

#: For more branches than this no answer is worked out.
MAX_BRANCHES: Final = 100


@dataclass(frozen=True, slots=True)
class Place:
    """A chain of a table, or a rule of it by its number from 1."""

    table: str
    chain: str
    number: int | None = None

    def __str__(self) -> str:
        return f"{self.table} {self.chain}" + ("" if self.number is None else f" rule {self.number}")


def find_places(text: str, ruleset: Ruleset) -> list[Place]:
    """Return what ``[TABLE/]CHAIN[:N]`` names: without a table the chain of that name in every table.

    Raises:
        UsageError: IPT004, there is no such chain or rule.
    """
    tables, rest = list(ruleset.tables), text
    name, slash, after = text.partition("/")
    if slash and name in ruleset.tables:
        tables, rest = [name], after
    chain, _, digits = rest.rpartition(":")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
    whole = [Place(table, rest) for table in tables if rest in ruleset.tables[table].chains]
    found = whole or [Place(table, chain, number) for table in tables if chain in ruleset.tables[table].chains]
    if not found or (number is None and not whole):
        known = [known for table in tables for known in ruleset.tables[table].chains]
        message = (
            f"there is no chain {chain if chain and number is not None else rest} in {' or '.join(tables) or 'it'}"
        )
        raise _wrong(message, suggestion(chain or rest, known))
    if whole or number is None:
        return whole
    fitting = [item for item in found if 1 <= number <= len(ruleset.tables[item.table].chains[item.chain].rules)]
    if not fitting:
        counts = (f"{item.table} {chain} has {len(ruleset.tables[item.table].chains[chain].rules)}" for item in found)
        raise _wrong(f"there is no rule {number}: {', '.join(counts)}", "")
    return fitting


def _wrong(message: str, hint: str) -> UsageError:
    expected = "CHAIN, CHAIN:NUMBER or TABLE/CHAIN:NUMBER"
    return UsageError(Diagnostic("IPT004", message, subject="--why", expected=expected, hint=hint))


def render_why(trace: Trace, ruleset: Ruleset, places: list[Place]) -> str:
    """Return the answer for each place, ending with a newline; branches with the same answer share it."""
    lines = [f"packet   {printable(str(trace.flow.packet))}"]
    lines += [f"assumed  {printable(text)}" for text in trace.assumptions]
    for place in places:
        lines.append(printable(_title(place, ruleset)))
        answers: dict[tuple[str, ...], list[int]] = {}
        for number, end in enumerate(trace.ends[:MAX_BRANCHES], 1):
            found = tuple(dict.fromkeys(_Answer(Way(trace, end), ruleset).of(place)))
            answers.setdefault(found, []).append(number)
        for found, numbers in answers.items():
            lines += _branches(trace, numbers, several=len(answers) > 1)
            lines += [f"  {printable(text)}" for text in found]
        if len(trace.ends) > MAX_BRANCHES:
            lines.append(f"  ... and {len(trace.ends) - MAX_BRANCHES} more branches (--pick)")
    return "\n".join(lines) + "\n"


def why_not(trace: Trace, end: End, ruleset: Ruleset, table: str, chain: str, number: int | None) -> tuple[str, ...]:
    """Return sentences about one branch: why it did not enter a chain, or how it came to a rule of it."""
    return tuple(dict.fromkeys(_Answer(Way(trace, end), ruleset).of(Place(table, chain, number))))


def _title(place: Place, ruleset: Ruleset) -> str:
    chain = ruleset.tables[place.table].chains[place.chain]
    return str(place) if place.number is None else f"{place}: {write_rule(chain.rules[place.number - 1], chain.name)}"


def _branches(trace: Trace, numbers: list[int], *, several: bool) -> list[str]:
    if not several:
        return [" in each of the branches:"] if len(trace.ends) > 1 else []
    shown = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
    chance = f" ({odds_text(trace.ends[numbers[0] - 1].odds)})" if len(numbers) == 1 else ""
    return [f" branch {shown}{chance}:"]


class _Answer:
    """Answers for one branch."""

    def __init__(self, way: Way, ruleset: Ruleset) -> None:
        self.way, self.ruleset = way, ruleset

    def of(self, place: Place) -> Iterator[str]:
        """Yield the sentences about a place."""
        if place.number is None:
            entered = [step.hook for step in self.way.entries(place.table, place.chain)]
            if entered:
                yield f"it is entered in {', '.join(dict.fromkeys(entered))}"
                return
            yield from self._not_entered(place.table, place.chain)
            return
        looked = self.way.looks(place.table, place.chain, place.number)
        if looked:
            yield from (f"it is reached in {step.hook}, and {_look(step)}" for step in looked)
        elif self.way.entries(place.table, place.chain):
            yield from (f"it is not reached: {text}" for text in self._left(place))
        else:
            yield from self._not_entered(place.table, place.chain)

    def _left(self, place: Place) -> list[str]:
        """Say for each visit of a chain what ended it before a rule."""
        return [
            _leaving(step, self.way.last(step)) for step in self.way.leaves(place.table, place.chain, place.number or 0)
        ]

    def _not_entered(self, table: str, chain: str) -> Iterator[str]:
        """Go back along the jumps to the nearest chain that was entered."""
        seen, level = {chain}, [chain]
        bases: list[str] = []
        if chain in self.ruleset.tables[table].builtin:
            yield from self.way.not_walked(table, chain)
            return
        while level:
            found: list[str] = []
            above: list[str] = []
            for caller, number, callee in self._callers(table, level):
                answer = list(self._not_taken(Place(table, caller, number), callee, chain))
                found += answer
                if not answer and caller not in seen:
                    seen.add(caller)
                    (bases if caller in self.ruleset.tables[table].builtin else above).append(caller)
            if found:
                yield from found[:_MAX_PLACES]
                if len(found) > _MAX_PLACES:
                    yield f"... and {len(found) - _MAX_PLACES} more places that lead there"
                return
            level = above
        for base in bases:
            yield from (f"{table} {base}, which leads there: {text}" for text in self.way.not_walked(table, base))
        if not bases:
            others = sorted(seen - {chain})
            yield (
                f"no rule of table {table} jumps to {chain}"
                if not others
                else (f"only {', '.join(others)} leads to {chain}, and no built-in chain of table {table} leads there")
            )

    def _callers(self, table: str, chains: list[str]) -> Iterator[tuple[str, int, str]]:
        wanted = set(chains)
        for chain in self.ruleset.tables[table].chains.values():
            for number, rule in enumerate(chain.rules, 1):
                if isinstance(rule.target, JumpTo | GoTo) and rule.target.chain in wanted:
                    yield chain.name, number, rule.target.chain

    def _not_taken(self, caller: Place, callee: str, chain: str) -> Iterator[str]:
        """Say why a jump was not taken; nothing where its own chain was not entered."""
        on = "" if callee == chain else f", on the way to {chain},"
        name = f"{caller} (-> {callee}){on}"
        looked = self.way.looks(caller.table, caller.chain, caller.number or 0)
        if looked:
            yield from (f"{name} is reached in {step.hook}, and {_look(step)}" for step in looked)
        elif self.way.entries(caller.table, caller.chain):
            yield from (f"{name} is not reached: {text}" for text in self._left(caller))


def _look(step: RuleStep) -> str:
    if step.maybe:
        return f"whether it fits cannot be told: {step.reason}"
    return f"fits: {action_text(step)}" if step.matched else f"does not fit: {step.reason}"


def _leaving(step: RuleStep, last: RuleStep) -> str:
    """Say how a rule before the wanted one left the chain."""
    at = f"{step.table} {step.chain} rule {step.number}"
    match step.action:
        case Return():
            return f"{at} (RETURN) leaves the chain before it"
        case Goto(chain):
            return f"{at} goes on in {chain} and does not come back"
        case Jump(chain) if last is not step:
            end = f"{last.table} {last.chain} rule {last.number} ({action_text(last)})"
            return f"{at} jumps to {chain} before it, and there {end} ends the table"
        case _:
            return f"{at} ({action_text(step)}) ends the table before it"
