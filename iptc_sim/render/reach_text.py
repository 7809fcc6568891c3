"""Who reaches a destination, in text: each class of packets in a few lines, the largest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from iptc_sim.behaviour.reach_answer import Reach, ReachClass, Wanted
from iptc_sim.diagnostics import printable
from iptc_sim.render.reach_words import command, end_words, example_words, packets_words, turn_words, turns
from iptc_sim.render.words import Labels

#: Lines of rules are broken at this width.
_WIDTH: Final = 110
_INDENT: Final = "   "
_VERBS: Final = {
    Wanted.REACHED: "reach",
    Wanted.MASQUERADED: "reach",
    Wanted.DROPPED: "are meant for",
    Wanted.REJECTED: "are meant for",
}
_ENDS: Final = {
    Wanted.REACHED: "",
    Wanted.MASQUERADED: " with another source",
    Wanted.DROPPED: " and are dropped",
    Wanted.REJECTED: " and are rejected",
}


def render_reach(found: Reach, labels: Labels | None = None, rules: Sequence[str] = ("RULES",)) -> str:
    """Return the answer as text.

    Args:
        found: the answer.
        labels: names for chains.
        rules: what the rules are called on the command line, for the command that follows an example.
    """
    lines = [summary(found)]
    for number, item in enumerate(found.classes, 1):
        lines += ["", *_class(number, item, found, labels or {})]
    if found.left:
        lines += ["", f"and {found.left:,} more classes (--limit shows more)"]
    for left in found.undecided:
        lines += ["", f"not decided: {printable(left.why)}", *(f"{_INDENT}{printable(place)}" for place in left.places)]
    if found.classes:
        lines += ["", f"follow one: {printable(command(found, rules))}"]
    lines += ["", *(f"assumed: {printable(text)}" for text in found.assumptions)]
    return "\n".join(lines) + "\n"


def summary(found: Reach) -> str:
    """Return the answer in one line."""
    count = len(found.classes) + found.left
    whose = f" from {found.source}" if found.source is not None else ""
    states = "" if not found.states else f" ({', '.join(found.states)})"
    told = f"{_VERBS[found.wanted]} {found.to}{_ENDS[found.wanted]}"
    if not count:
        doubt = " that could be shown" if found.undecided else ""
        return f"no packets{whose}{states} {told}{doubt}"
    return f"{count:,} class{'' if count == 1 else 'es'} of packets{whose}{states} {told}"


def _class(number: int, item: ReachClass, found: Reach, labels: Labels) -> Iterator[str]:
    yield f"{number}) {printable(packets_words(item))}"
    yield f"{_INDENT}{printable(end_words(item, found.to, found.wanted))}"
    for text in item.facts:
        yield f"{_INDENT}where {printable(text)}"
    power = item.size.bit_length() - 1
    about = f" (2^{power})" if item.size == 1 << power else f" (about 2^{power})" if item.size >= 1 << 20 else ""
    yield f"{_INDENT}size   {item.size:,}{about}"
    first, *others = item.examples
    head = "by"
    for line in _rules(item, labels):
        yield f"{_INDENT}{head:<6} {line}"
        head = ""
    if head:
        yield f"{_INDENT}by     no rule, and policies that accept"
    yield f"{_INDENT}e.g.   {printable(example_words(first))}"
    for other in others:
        yield f"{_INDENT}       {printable(example_words(other))}"


def _rules(item: ReachClass, labels: Labels) -> Iterator[str]:
    """Yield the rules on the way of the first example, a line for each that decides something, broken where long."""
    found = list(turns(item.examples[0]))
    named: set[str] = set()
    width = max((len(turn.last.table) for turn in found), default=0)
    for turn in found:
        head, line = f"{turn.last.table:<{width}} ", ""
        for word in turn_words(turn, labels, named):
            longer = f"{line} > {word}" if line else word
            if line and len(head) + len(longer) > _WIDTH:
                yield f"{head}{line} >"
                head, longer = " " * (width + 3), word
            line = longer
        yield head + line
