"""Everything: every chain entered, every rule looked at, and why it did not fit."""

from __future__ import annotations

from collections.abc import Iterator

from iptc_sim.diagnostics import printable
from iptc_sim.render.words import Labels, action_text, label_of, line_of, odds_text, translation_text, verdict
from iptc_sim.steps import (
    BackStep,
    ChainStep,
    ConntrackStep,
    HookEndStep,
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


def render_detailed(trace: Trace, labels: Labels | None = None, *, said: tuple[str, ...] = ()) -> str:
    """Return the trace in full, ending with a newline; branches are numbered segments."""
    names = labels or {}
    lines = [f"packet: {printable(str(trace.flow.packet))}"]
    lines += [f"assumed: {printable(text)}" for text in trace.assumptions if text not in said]
    ends = {end.segment: (index, end) for index, end in enumerate(trace.ends)}
    for segment in trace.segments:
        if len(trace.segments) > 1:
            lines += _head(segment)
        lines += [line for step in segment.steps for line in _step(step, names)]
        if segment.number in ends:
            index, end = ends[segment.number]
            lines.append(f"=> {verdict(trace, end)}; {odds_text(end.odds)}")
            reply = trace.replies[index] if index < len(trace.replies) else None
            if reply is not None:
                text = render_detailed(reply, names, said=trace.assumptions)
                lines += [f"   reply: {line}" for line in text.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def _head(segment: Segment) -> Iterator[str]:
    yield ""
    if segment.parent is None:
        yield "[segment 0]"
        return
    yield f"[segment {segment.number}, after segment {segment.parent}] {odds_text(segment.chance)}"
    yield f"  {printable(segment.choice)}"


def _step(step: Step, labels: Labels) -> Iterator[str]:
    match step:
        case HookStep(hook, packet):
            yield f"{hook}: {printable(str(packet))}"
        case HookEndStep(hook, packet):
            yield f"{hook} is left: {printable(str(packet))}"
        case RouteStep():
            by = "" if step.interface is None else f" by {printable(str(step.interface))}"
            yield f"route: {step.kind}{by}: {printable(step.why)}"
        case ConntrackStep(None, why):
            yield f"conntrack: no entry: {why}"
        case ConntrackStep(connection, why) if connection is not None:
            tuples = f"original {connection.original}, reply {connection.reply}"
            yield f"conntrack: {connection.state} {connection.direction}: {tuples} ({why})"
        case ChainStep():
            yield f"  {_indent(step.depth)}{step.table} {printable(step.chain)} ({step.how})"
        case RuleStep():
            yield _rule(step, labels)
        case BackStep():
            yield f"  {_indent(step.depth)}back to {step.table} {printable(step.chain)}"
        case PolicyStep():
            yield f"  {_indent(0)}{step.table} {step.chain} policy {step.policy}{' (assumed)' if step.assumed else ''}"
        case TranslateStep():
            yield f"  {step.by}: {translation_text(step)}"
        case NoteStep(text):
            yield f"  note: {printable(text)}"


def _indent(depth: int) -> str:
    return "  " * min(depth, 16)


def _rule(step: RuleStep, labels: Labels) -> str:
    head = f"  {_indent(step.depth + 1)}rule {step.number}"
    place = f" [{line_of(step)}]" if step.rule.line else ""
    if step.maybe:
        return f"{head} may fit, and changes nothing: {printable(str(step.reason))}{place}"
    if not step.matched:
        return f"{head} no: {printable(str(step.reason))}{place}"
    about = label_of(step, labels)
    return f"{head} fits: {action_text(step)}{f' ({about})' if about else ''}{place}"
