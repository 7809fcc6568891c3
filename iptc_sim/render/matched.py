"""The rules that a packet fits and the policies that it meets, as one flat list for each end of a trace."""

from __future__ import annotations

from iptc_sim.records import dataclass, replace
from iptc_sim.steps import End, Fate, HookEndStep, HookStep, PolicyStep, RuleStep, Segment, Step, Trace
from iptc_sim.target import Accept, Drop, Goto, Intercept, Jump, Reject, Return, Steal, Translate


@dataclass(frozen=True, slots=True)
class Matched:
    """A rule that fits, or a policy that decides.

    Args:
        hook: the hook being walked.
        table: the table.
        chain: the chain.
        rule: number of the rule, from 1; None for a policy.
        verdict: as the kernel's own trace tells it: ``ACCEPT`` (also of a translation), ``DROP`` (also of REJECT),
            ``CONTINUE``, ``JUMP``, ``GOTO``, ``RETURN``, ``STOLEN``.
        target: the word after ``-j`` or ``-g``; None for a policy, and where the rule has none.
        target_chain: the chain of a JUMP or GOTO.
        maybe: whether it cannot be told if the packet fits, and does not matter.
        step: where it was seen.
    """

    hook: str
    table: str
    chain: str
    rule: int | None
    verdict: str
    target: str | None
    target_chain: str | None
    maybe: bool
    step: RuleStep | PolicyStep


@dataclass(frozen=True, slots=True)
class HookPass:
    """A hook that was passed: where the packet entered it, and where it left it (None: it did not)."""

    begin: HookStep
    end: HookEndStep | None


class Ways:
    """What lies on the way to each end; ends that share their first segments share the work.

    Args:
        trace: the trace.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._matched: dict[int, tuple[Matched, ...]] = {}
        self._hooks: dict[int, tuple[HookPass, ...]] = {}

    def matched(self, end: End) -> tuple[Matched, ...]:
        """Return the rules that the packet fits and the policies that it meets on the way to an end, in order."""
        self._follow(end.segment)
        return _ended(self._matched[end.segment], end)

    def hooks(self, end: End) -> tuple[HookPass, ...]:
        """Return the hooks on the way to an end, in order."""
        self._follow(end.segment)
        return self._hooks[end.segment]

    def _follow(self, number: int) -> None:
        """Work out the segments up to one that are still missing, from the stem on."""
        missing: list[Segment] = []
        at: int | None = number
        while at is not None and at not in self._matched:
            missing.append(self.trace.segments[at])
            at = missing[-1].parent
        for segment in reversed(missing):
            before = () if segment.parent is None else self._matched[segment.parent]
            own = tuple(found for step in segment.steps if (found := matched_of(step)) is not None)
            self._matched[segment.number] = before + own if own else before
            self._hooks[segment.number] = self._passed(segment)

    def _passed(self, segment: Segment) -> tuple[HookPass, ...]:
        found = list(() if segment.parent is None else self._hooks[segment.parent])
        for step in segment.steps:
            if isinstance(step, HookStep):
                found.append(HookPass(step, None))
            elif isinstance(step, HookEndStep) and found:
                found[-1] = HookPass(found[-1].begin, step)
        return tuple(found)


def matched_of(step: Step) -> Matched | None:
    """Return what a step says of a rule that fits or a policy; None for any other step."""
    if isinstance(step, PolicyStep):
        return Matched(str(step.hook), step.table, step.chain, None, step.policy, None, None, False, step)
    if not isinstance(step, RuleStep) or not (step.matched or step.maybe):
        return None
    name = None if step.rule.target is None else step.rule.target.name
    action = step.action
    chain = action.chain if isinstance(action, Jump | Goto) else None
    word = verdict_word(step)
    return Matched(str(step.hook), step.table, step.chain, step.number, word, name, chain, step.maybe, step)


def verdict_word(step: RuleStep) -> str:
    """Return the verdict of the rule's target as the kernel's trace tells it."""
    if step.rule.target is not None and step.rule.target.name in {"NFQUEUE", "QUEUE"}:
        return "QUEUE"  # also where nobody listens and the packet goes on
    match step.action:
        case Accept() | Translate() | Intercept():
            return "ACCEPT"
        case Drop() | Reject():
            return "DROP"
        case Return():
            return "RETURN"
        case Jump():
            return "JUMP"
        case Goto():
            return "GOTO"
        case Steal():
            return "STOLEN"
        case _:
            return "CONTINUE"


_LAST = {Fate.DROP: "DROP", Fate.REJECT: "DROP", Fate.STOLEN: "STOLEN"}


def _ended(found: tuple[Matched, ...], end: End) -> tuple[Matched, ...]:
    """Tell the verdict of the last rule by the end: MASQUERADE without an address drops, NFQUEUE may be bypassed."""
    if not found or end.decided_by is None or end.fate not in _LAST:
        return found
    last = found[-1]
    if (last.table, last.chain, last.rule or 0) != end.decided_by or last.verdict == _LAST[end.fate]:
        return found
    return (*found[:-1], replace(last, verdict=_LAST[end.fate]))
