"""A trace as a graph: what happened at each place as boxes, the ways between them as arrows; for Mermaid and Graphviz.

Rules that did not fit have no box. Each segment is a row of boxes, forks have their odds at the arrows.
"""

from __future__ import annotations

from typing import Final

from iptc_sim.diagnostics import printable
from iptc_sim.records import dataclass, field
from iptc_sim.render.words import (
    Labels,
    action_text,
    label_of,
    odds_text,
    translation_text,
    verdict,
)
from iptc_sim.steps import (
    ConntrackStep,
    End,
    HookStep,
    NoteStep,
    PolicyStep,
    RouteStep,
    RuleStep,
    Segment,
    Step,
    Trace,
    TranslateStep,
)

#: More ends than this are not drawn; a box says how many there are.
MAX_ENDS: Final = 100


@dataclass(frozen=True, slots=True)
class Box:
    """A box.

    Args:
        name: what arrows call it.
        kind: ``packet``, ``hook``, ``rule``, ``change``, ``route``, ``note``, ``end`` or ``bad`` (an end that is not
            reached).
        lines: its text, free of control characters.
    """

    name: str
    kind: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from one box to another, with its text, which may be empty."""

    start: str
    end: str
    text: str = ""


@dataclass(slots=True)
class Graph:
    """Boxes and arrows, in the order in which they were drawn."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)

    def add(self, kind: str, lines: tuple[str, ...], after: str | None, text: str = "") -> str:
        """Add a box behind another one and return its name."""
        name = f"n{len(self.boxes)}"
        self.boxes.append(Box(name, kind, tuple(map(printable, lines))))
        if after is not None:
            self.arrows.append(Arrow(after, name, printable(text)))
        return name


def draw(trace: Trace, labels: Labels | None = None) -> Graph:
    """Return the graph of a trace; of one with very many ends the first of them."""
    graph = Graph()
    ends = {end.segment: end for end in trace.ends[:MAX_ENDS]}
    wanted = _leading(trace, ends)
    start = graph.add("packet", (str(trace.flow.packet), *trace.assumptions), None)
    last: dict[int, str] = {}
    for segment in trace.segments:
        if segment.number in wanted:
            before = start if segment.parent is None else last[segment.parent]
            last[segment.number] = _segment(graph, trace, segment, before, ends.get(segment.number), labels or {})
    if len(trace.ends) > MAX_ENDS:
        graph.add("note", (f"... and {len(trace.ends) - MAX_ENDS} more ends", "--pick draws one of them"), start)
    return graph


def _leading(trace: Trace, ends: dict[int, End]) -> set[int]:
    """Return the segments that lead to some ends."""
    found: set[int] = set()
    for number in ends:
        at: int | None = number
        while at is not None and at not in found:
            found.add(at)
            at = trace.segments[at].parent
    return found


def _segment(graph: Graph, trace: Trace, segment: Segment, before: str, end: End | None, labels: Labels) -> str:
    """Draw one segment and return the name of its last box."""
    text = ""
    if segment.parent is not None:
        text = odds_text(segment.chance) if segment.chance is not None else "if"
        before = graph.add("note", (segment.choice,), before, text)
    for step in segment.steps:
        kind, lines = _box(step, labels)
        if lines:
            before = graph.add(kind, lines, before)
    if end is not None:
        kind = "end" if end.fate in {"local", "forward", "sent"} else "bad"
        before = graph.add(kind, (verdict(trace, end), f"in all {odds_text(end.odds)}"), before)
    return before


def _box(step: Step, labels: Labels) -> tuple[str, tuple[str, ...]]:
    """Return the kind and the text of the box of a step, no lines where it has none."""
    match step:
        case HookStep(hook, packet):
            return "hook", (str(hook), str(packet))
        case RuleStep(matched=True):
            about = label_of(step, labels)
            head = f"{step.table} {step.chain} rule {step.number}"
            return "rule", (head, action_text(step), *([about] if about else []))
        case TranslateStep():
            return "change", (translation_text(step), f"by {step.by}")
        case RouteStep(kind, interface, why):
            by = f" by {interface}" if isinstance(interface, str) else ""
            return "route", (f"route: {kind}{by}", why)
        case ConntrackStep(connection, why):
            return "route", (f"conntrack: {connection.state if connection else 'no entry'}", why)
        case PolicyStep() if step.policy != "ACCEPT":
            return "rule", (f"{step.table} {step.chain} policy {step.policy}",)
        case NoteStep(text):
            return "note", (text,)
        case _:
            return "", ()
