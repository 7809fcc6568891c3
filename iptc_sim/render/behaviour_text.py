"""A comparison of behaviours in text: the answer, then the classes of packets, each with its witness and both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.behaviour.answer import Behaviour, DifferenceClass, Kind, Verdict
from iptc_sim.diagnostics import printable
from iptc_sim.render.behaviour_words import (
    command,
    flow_text,
    kinds_text,
    packets_text,
    proof_text,
    shares_text,
    size_text,
)
from iptc_sim.render.path import render_path
from iptc_sim.render.words import Labels

#: So many destinations of a class that holds for several are named.
_KEYS: Final = 3


def render_behaviour(
    found: Behaviour, names: tuple[str, str], labels: Labels | None = None, *, made: bool = True
) -> str:
    """Return the answer as text.

    Args:
        found: the answer.
        names: what to call A and B.
        labels: names for chains.
        made: whether no node was given, so that each witness has one of its own.
    """
    lines = [f"A  {printable(names[0])}", f"B  {printable(names[1])}", "", summary(found), f"  {proof_text(found)}"]
    for number, item in enumerate(found.classes, 1):
        lines += ["", *_class(number, item, names, labels or {}, made=made)]
    if found.classes and not found.complete:
        lines += ["", "There may be more classes; these are the first ones (--limit N shows more)."]
    for left in found.undecided:
        lines += ["", f"not decided: {printable(left.why)}", *(f"  {printable(place)}" for place in left.places)]
    if found.assumptions:
        lines += ["", *(f"assumed: {printable(text)}" for text in found.assumptions)]
    return "\n".join(lines) + "\n"


def summary(found: Behaviour) -> str:
    """Return the answer in one line."""
    count = sum(item.kinds != (Kind.ROUNDING,) for item in found.classes)
    if found.verdict is Verdict.DIFFERENT:
        more = "" if found.complete else "at least "
        return f"different: {more}{count} class{'' if count == 1 else 'es'} of packets"
    if found.verdict is Verdict.UNDECIDED:
        return "undecided: no packet was found that is treated differently, and it is not proven that there is none"
    if found.classes:
        return "equivalent for all packets but for the rounding of odds, proven"
    return "equivalent for all packets, proven"


def _class(number: int, item: DifferenceClass, names: tuple[str, str], labels: Labels, *, made: bool) -> Iterator[str]:
    yield f"{number}) {kinds_text(item.kinds)}"
    yield f"   packets  {printable(packets_text(item))}"
    yield f"            {size_text(item)}"
    if len(item.keys) > 1:
        more = f" and {len(item.keys) - _KEYS:,} more" if len(item.keys) > _KEYS else ""
        yield f"            to {printable(', '.join(item.keys[:_KEYS]))}{more}"
    for text in item.answers:
        yield f"   where    {printable(text)}"
    yield f"   e.g.     {printable(flow_text(item.flow))}"
    for side, shares in (("A", item.ours), ("B", item.theirs)):
        for place, line in enumerate(shares_text(shares, item.flow)):
            yield f"   {side if not place else ' '}        {printable(line)}"
    for name, side, trace in zip(names, "AB", item.traces, strict=True):
        yield f"   the way through {side}: {printable(command(item, name, made=made))}"
        said = tuple(trace.assumptions)
        yield from (f"     {line}" for line in render_path(trace, labels, said=said).rstrip("\n").split("\n")[1:])
