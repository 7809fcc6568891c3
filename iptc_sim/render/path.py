"""The default format: one line per step that changed or decided something, then a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from iptc_sim.diagnostics import printable
from iptc_sim.match import No
from iptc_sim.packet import Packet
from iptc_sim.render.words import (
    Labels,
    action_text,
    label_of,
    line_of,
    odds_text,
    place,
    translation_text,
    verdict,
)
from iptc_sim.steps import (
    BackStep,
    ChainStep,
    End,
    HookStep,
    NoteStep,
    PolicyStep,
    RouteStep,
    RuleStep,
    Step,
    Trace,
    TranslateStep,
)
from iptc_sim.target import (
    Accept,
    Alter,
    Continue,
    Drop,
    Goto,
    Intercept,
    Jump,
    Prepare,
    Reject,
    Return,
    SetMark,
    Steal,
    Translate,
)
from iptc_sim.values import CERTAIN, UNKNOWN

#: With more branches than this each one is shown by its end only.
MAX_BRANCHES = 8

#: How many rules that nearly fitted are named.
_MAX_MISSES = 4


def render_path(trace: Trace, labels: Labels | None = None, *, said: tuple[str, ...] = ()) -> str:
    """Return the trace in path style, ending with a newline; assumptions in ``said`` are not repeated."""
    lines = [f"packet   {printable(str(trace.flow.packet))}"]
    lines += [f"assumed  {printable(text)}" for text in trace.assumptions if text not in said]
    names = labels or {}
    if len(trace.ends) == 1:
        lines += _way(list(trace.steps(trace.end)), names)
        if len(trace.segments) > 1:
            first, *more = _chance(trace, trace.end)
            lines += [f"one branch of several: {first}", *(f"   {line}" for line in more)]
        lines += _finish(trace, trace.end, 0, names)
        return "\n".join(lines) + "\n"
    stem = trace.segments[0].steps
    lines += _way(list(stem), names, open_end=True)
    lines.append(f"{len(trace.ends)} ways on from here:")
    for number, end in enumerate(trace.ends, 1):
        first, *more = _chance(trace, end)
        lines += [f"{number}) {first}", *(f"   {line}" for line in more)]
        if len(trace.ends) <= MAX_BRANCHES:
            jumps = _open_jumps(stem)
            steps = [step for segment in trace.branch(end)[1:] for step in segment.steps]
            lines += [f"   {line}" for line in _way([*jumps, *steps], names, skip=len(jumps))]
        lines += [f"   {line}" for line in _finish(trace, end, number - 1, names)]
    return "\n".join(lines) + "\n"


def _chance(trace: Trace, end: End) -> Iterator[str]:
    """Yield the odds of a branch; where it hangs on things without odds, those that hold once they are settled."""
    branch = trace.branch(end)
    conditions = [segment.choice for segment in branch if segment.choice and segment.chance is None]
    if not conditions:
        yield odds_text(end.odds)
        return
    known = CERTAIN
    for segment in branch:
        known = known * segment.chance if segment.chance is not None else known
    yield f"{odds_text(known)}, if" if known.numerator != known.denominator else "if"
    yield from (printable(text) for text in conditions)


def _finish(trace: Trace, end: End, index: int, labels: Labels) -> Iterator[str]:
    yield f"=> {verdict(trace, end)}"
    reply = trace.replies[index] if index < len(trace.replies) else None
    if reply is not None:
        text = render_path(reply, labels, said=trace.assumptions).rstrip("\n").removeprefix("packet ")
        yield from (f"   {line}" for line in f"reply  {text}".split("\n"))


def _open_jumps(steps: Sequence[Step]) -> list[Step]:
    """Return the jumps that are still open at the end of the stem, so that a branch knows where it is."""
    found: list[Step] = []
    for step in steps:
        follow_jumps(found, step)
    return found


def follow_jumps(pending: list[Step], step: Step) -> None:
    """Keep the chain of jumps that lead to where the walk is."""
    if isinstance(step, RuleStep) and step.matched and isinstance(step.action, Jump | Goto):
        pending.append(step)
    elif isinstance(step, BackStep):
        while pending and isinstance(last := pending[-1], RuleStep) and last.depth >= step.depth:
            pending.pop()
    elif isinstance(step, PolicyStep | HookStep) or (isinstance(step, ChainStep) and step.how == "base"):
        pending.clear()


def _way(steps: Sequence[Step], labels: Labels, *, open_end: bool = False, skip: int = 0) -> Iterator[str]:
    """Yield the lines of a stretch; ``skip`` steps at its start are context that was shown before."""
    pending: list[Step] = []
    shown = {id(step) for step in steps[:skip]}
    table: list[RuleStep] = []
    hook = ""
    packet: Packet | None = None
    for step in steps:
        if isinstance(step, HookStep):
            packet = step.packet
        if isinstance(step, ChainStep) and step.how == "base":
            table = []
        if isinstance(step, RuleStep) and not step.matched:
            table.append(step)
        text = _line(step, labels)
        if text:
            for jump in [*pending, step]:
                if id(jump) in shown:
                    continue
                shown.add(id(jump))
                yield from _headed(hook, jump, labels)
                hook = _hook(jump) or hook
            if isinstance(step, RouteStep):
                hook = ""
        if isinstance(step, PolicyStep) and (step.table == "nat" or step.policy != "ACCEPT"):
            yield from _misses(table, packet, hook, step)
            hook = str(step.hook)
        follow_jumps(pending, step)
    if open_end:
        for jump in pending:
            if id(jump) not in shown:
                yield from _headed(hook, jump, labels)
                hook = _hook(jump) or hook


def _hook(step: Step) -> str:
    return str(step.hook) if isinstance(step, RuleStep | PolicyStep | TranslateStep) else ""


def _headed(hook: str, step: Step, labels: Labels) -> Iterator[str]:
    now = _hook(step)
    if now and now != hook:
        yield now
    text = _line(step, labels) or (_rule_line(step, labels) if isinstance(step, RuleStep) else "")
    yield text if isinstance(step, RouteStep) else f"  {text}"


def _line(step: Step, labels: Labels) -> str:
    """Return the line of a step that changed or decided something; nothing for any other."""
    match step:
        case RuleStep(matched=True, action=Accept() | Drop() | Reject() | SetMark() | Translate()):
            return _rule_line(step, labels)
        case RuleStep(matched=True, action=Prepare() | Steal() | Intercept()):
            return _rule_line(step, labels)
        case RuleStep(matched=True, action=Continue(note) | Alter(note)) if note:
            return _rule_line(step, labels)
        case RuleStep(matched=True, action=Return(), depth=0):
            return _rule_line(step, labels)
        case TranslateStep():
            return f"{translation_text(step)} [{step.by}]"
        case RouteStep(kind=kind) if kind != "lost":
            return _route(step)
        case PolicyStep(policy="DROP"):
            return f"{step.table} {step.chain} policy DROP"
        case NoteStep(text):
            return f"note: {printable(text)}"
        case _:
            return ""


def _rule_line(step: RuleStep, labels: Labels) -> str:
    about = [text for text in (label_of(step, labels), line_of(step)) if text]
    tail = f"  ({', '.join(about)})" if about else ""
    return f"{place(step)} {action_text(step)}{tail}"


def _route(step: RouteStep) -> str:
    where = f" by {printable(step.interface)}" if isinstance(step.interface, str) else ""
    where = " by an interface that is not known" if step.interface is UNKNOWN else where
    kind = {"local": "for this node", "again": "routed again: out", "out": "out", "lost": "lost"}.get(
        step.kind, step.kind
    )
    return f"route: {kind}{where if step.kind != 'local' else ''} ({printable(step.why)})"


def _misses(looked: Sequence[RuleStep], packet: Packet | None, hook: str, policy: PolicyStep) -> Iterator[str]:
    """Yield why the rules that came near did not fit."""
    near = list(_near(looked, packet))
    if not near:
        return
    if str(policy.hook) != hook:
        yield str(policy.hook)
    for step in near[:_MAX_MISSES]:
        target = step.rule.target
        does = f" ({printable(target.name)})" if target is not None else ""
        yield f"  {place(step)}{does} does not fit: {printable(str(step.reason))}"
    if len(near) > _MAX_MISSES:
        yield f"  ... and {len(near) - _MAX_MISSES} more that come near (--format detailed shows them)"


def _near(looked: Iterable[RuleStep], packet: Packet | None) -> Iterator[RuleStep]:
    """A rule came near if it is one of few in the base chain, or names the packet's own destination."""
    steps = list(looked)
    in_base = [step for step in steps if step.depth == 0]
    for step in steps:
        if not isinstance(step.reason, No):
            continue
        wanted = step.rule.base.destination
        named = wanted is not None and not wanted.negated and packet is not None and packet.destination in wanted.value
        if named or (step.depth == 0 and len(in_base) <= _MAX_MISSES):
            yield step
