"""One branch of a simulated trace in the shape in which the kernel's own trace comes: hook by hook, hit by hit."""

from __future__ import annotations

from iptc_sim.connection import Connection
from iptc_sim.kernel import Hit
from iptc_sim.match import No
from iptc_sim.moment import Hook
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass, field
from iptc_sim.render.matched import verdict_word
from iptc_sim.steps import ConntrackStep, End, Fate, HookEndStep, HookStep, PolicyStep, RuleStep, Trace
from iptc_sim.target import Goto, Jump, Translate


@dataclass(frozen=True, slots=True)
class SimulatedHit:
    """A rule or a policy, as the kernel's trace would show it.

    Args:
        hit: the place and the verdict.
        maybe: whether it cannot be told if the rule fits, and nothing hangs on it.
    """

    hit: Hit
    maybe: bool = False


@dataclass(slots=True)
class SimulatedPassage:
    """One hook of the way.

    Args:
        hook: the hook.
        begin: the packet as it comes in.
        hits: in order.
        end: the packet as it goes out; None where it does not.
        tracked: whether conntrack looked at the packet in this hook.
        connection: what it found.
    """

    hook: Hook
    begin: Packet
    hits: list[SimulatedHit] = field(default_factory=list)
    end: Packet | None = None
    tracked: bool = False
    connection: Connection | None = None


def way_of(trace: Trace, end: End) -> list[SimulatedPassage]:
    """Return the way of one branch, hook by hook."""
    way: list[SimulatedPassage] = []
    last: RuleStep | None = None
    for step in trace.steps(end):
        match step:
            case HookStep(hook, packet):
                way.append(SimulatedPassage(hook, packet))
            case HookEndStep(_, packet):
                way[-1].end = packet
            case ConntrackStep(connection=connection) if way:
                way[-1].tracked, way[-1].connection = True, connection
            case RuleStep(maybe=True):
                way[-1].hits.append(SimulatedHit(_hit(step), maybe=True))
            case RuleStep(reason=No(drops=True)):  # some traces show it as a hit
                way[-1].hits.append(SimulatedHit(_hit(step, "DROP"), maybe=True))
            case RuleStep(matched=True):
                hit = _hit(step)
                # What is left of a packet that was taken away does not always tell that it was to be traced.
                way[-1].hits.append(SimulatedHit(hit, maybe=hit.verdict == "STOLEN"))
                last = step
            case PolicyStep():
                way[-1].hits.append(SimulatedHit(Hit(step.table, step.chain, "policy", step.policy)))
    if last is not None and isinstance(last.action, Translate) and end.fate is Fate.DROP and _decided(last, end):
        # A translation for which there is no address drops the packet by its own verdict.
        way[-1].hits[-1] = SimulatedHit(_hit(last, "DROP"))
    return way


def _decided(step: RuleStep, end: End) -> bool:
    return end.decided_by == (step.table, step.chain, step.number)


def _hit(step: RuleStep, verdict: str = "") -> Hit:
    target = step.action.chain if isinstance(step.action, Jump | Goto) else None
    return Hit(step.table, step.chain, "rule", verdict or verdict_word(step), target, step.rule.text, step.number)
