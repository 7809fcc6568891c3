"""Write the expectations of flows that have none, from what happens today; comments and order of the file stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from iptc_sim.diagnostics import Diagnostic, SourceFile, Span, UsageError
from iptc_sim.expect.expected import ARRIVED, STOPPED
from iptc_sim.expect.model import Case, Step
from iptc_sim.expect.values import ROUNDING
from iptc_sim.kube.yaml_values import Marked
from iptc_sim.records import dataclass
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.values import UNKNOWN, Odds

#: Words that YAML takes as they are, inside brackets too.
_PLAIN: Final = re.compile(r"[A-Za-z_.][A-Za-z0-9_./-]*(:[A-Za-z0-9_]+)*|[0-9]+(\.[0-9]+){3}(:[0-9]+)?|[0-9]+/[0-9]+")

#: Pairs of key and value as they are written.
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An expectation that goes into a file.

    Args:
        step: of which it is.
        text: as a mapping in brackets.
    """

    step: Step
    text: str


def record(step: Step, found: Trace, case: Case, source: SourceFile) -> Recorded:
    """Return the expectation that says what happens, as exactly as one can.

    Args:
        step: a packet without an expectation.
        found: what happens to it.
        case: whose it is, for errors.
        source: the file.

    Raises:
        UsageError: IPT131, no expectation says it.
    """
    try:
        pairs = list(_expectation(found))
    except ValueError as error:
        place = Span(source, case.line, 1, 0)
        hint = "tell more of the node, history: fresh, or write the expectation by hand"
        raise UsageError(Diagnostic("IPT131", f"{case.name}: {error}", span=place, hint=hint)) from error
    return Recorded(step, "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}")


def _expectation(found: Trace) -> Iterator[tuple[str, str]]:
    ends = found.ends
    fates = {end.fate for end in ends}
    if len(ends) > 1:
        yield "odds", _odds(ends)
    if fates <= ARRIVED:
        yield "reaches", _listed(dict.fromkeys(_destination(end) for end in ends))
        rewritten = {end.packet.source_text != found.flow.packet.source_text for end in ends}
        if len(rewritten) == 1:
            yield "masqueraded", _source(ends) if rewritten == {True} else "false"
        if len(places := {end.fate is Fate.LOCAL for end in ends}) == 1:
            yield "local", str(places == {True}).lower()
    elif fates == {Fate.DROP}:
        yield "dropped-by", _by(ends)
    elif fates == {Fate.REJECT}:
        codes = {end.code for end in ends}
        yield "rejected-with", codes.pop() if len(codes) == 1 else "any"
        yield "rejected-by", _by(ends)
    elif not fates <= ARRIVED | set(STOPPED.values()):
        end = next(end for end in ends if end.fate not in ARRIVED | set(STOPPED.values()))
        raise ValueError(f"no expectation says that a packet is {end.fate}: {end.why}")


def _odds(ends: tuple[End, ...]) -> str:
    """Return the chance of each destination, and of being stopped, so that they hold exactly."""
    chances: dict[str, Odds] = {}
    for end in ends:
        word = next((word for word, fate in STOPPED.items() if fate is end.fate), "")
        if end.odds is None or (not word and end.fate not in ARRIVED):
            raise ValueError(f"one of {len(ends)} ways has no odds that are known")
        name = word or _destination(end)
        chances[name] = chances.get(name, Odds(0, 1)) + end.odds
    return "{" + ", ".join(f"{name}: {_fraction(odds.fraction)}" for name, odds in chances.items()) + "}"


def _fraction(chance: Fraction) -> str:
    """Return a fraction that is read back as exactly this one."""
    over, under = chance.numerator, chance.denominator
    if under <= 1 / ROUNDING and 0 < chance < 1:
        scale = int(1 / ROUNDING) // under + 1
        over, under = over * scale, under * scale
    return f"{over}/{under}"


def _destination(end: End) -> str:
    packet = end.packet
    if packet.destination is UNKNOWN:
        raise ValueError("its destination is an address of the node, which is not known")
    return _word(str(packet.destination) if packet.dport is UNKNOWN else packet.destination_text)


def _source(ends: tuple[End, ...]) -> str:
    addresses = {end.packet.source for end in ends}
    only = addresses.pop()
    return "true" if addresses or only is UNKNOWN else _word(str(only))


def _by(ends: tuple[End, ...]) -> str:
    places = {end.decided_by for end in ends}
    only = places.pop()
    if places or only is None:
        return "any"
    table, chain, number = only
    return _word(f"{table}/{chain}:{number or 'policy'}")


def _listed(words: dict[str, None]) -> str:
    return next(iter(words)) if len(words) == 1 else f"[{', '.join(words)}]"


def _word(text: str) -> str:
    """Return a word as YAML takes it, in quotes where it needs them."""
    return text if _PLAIN.fullmatch(text) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def with_recorded(source: SourceFile, found: list[Recorded]) -> str:
    """Return the text of a flows file with expectations behind the flows that they are of.

    Raises:
        UsageError: IPT131, one mapping stands for several flows (an alias).
    """
    places: dict[tuple[int, int], Recorded] = {}
    for item in found:
        if item.step.marked.start in places:
            place = Span(source, *item.step.marked.start)
            message = "this stands for several flows (an alias), and each has an expectation of its own"
            raise UsageError(Diagnostic("IPT131", message, span=place))
        places[item.step.marked.start] = item
    lines = source.text.split("\n")
    for _, item in sorted(places.items(), reverse=True):
        _insert(lines, item)
    return "\n".join(lines)


def _insert(lines: list[str], item: Recorded) -> None:
    """Put an expectation behind ``flow: ...``: inside the brackets, or on a line of its own."""
    key, flow = next(pair for pair in item.step.marked.pairs or () if pair[0].text == "flow")
    line, column = flow.end
    if not item.step.marked.is_block:
        text = lines[line - 1]
        lines[line - 1] = f"{text[: column - 1]}, expect: {item.text}{text[column - 1 :]}"
        return
    at = line - 1 if flow.is_block else line  # a text of several lines ends where the next line begins
    lines.insert(at, f"{' ' * _indent(item.step.marked, key)}expect: {item.text}")


def _indent(marked: Marked, key: Marked) -> int:
    first = (marked.pairs or ((key, key),))[0][0]
    return first.start[1] - 1
