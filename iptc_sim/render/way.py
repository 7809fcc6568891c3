"""One branch of a trace, asked where it passed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.moment import Hook
from iptc_sim.render.words import verdict
from iptc_sim.steps import (
    ChainStep,
    ConntrackStep,
    End,
    Fate,
    HookStep,
    RouteStep,
    RuleStep,
    Trace,
)
from iptc_sim.target import Goto, Jump, Return
from iptc_sim.tracking import State

#: The order of the tables at a hook; at INPUT nat comes last.
_ORDER: Final = ("raw", "mangle", "nat", "filter", "security")
_INPUT_ORDER: Final = ("raw", "mangle", "filter", "security", "nat")

_STOPPED: Final = frozenset({Fate.DROP, Fate.REJECT, Fate.LOST, Fate.STOLEN})


class Way:
    """The steps of one branch.

    Args:
        trace: the trace.
        end: of the branch.
    """

    def __init__(self, trace: Trace, end: End) -> None:
        self.trace, self.end = trace, end
        self.steps = list(trace.steps(end))
        self.hooks = [step.hook for step in self.steps if isinstance(step, HookStep)]

    def entries(self, table: str, chain: str) -> list[ChainStep]:
        """Return the steps that entered a chain."""
        return [
            step for step in self.steps if isinstance(step, ChainStep) and (step.table, step.chain) == (table, chain)
        ]

    def looks(self, table: str, chain: str, number: int) -> list[RuleStep]:
        """Return the steps that looked at a rule."""
        wanted = (table, chain, number)
        return [
            step
            for step in self.steps
            if isinstance(step, RuleStep) and (step.table, step.chain, step.number) == wanted
        ]

    def leaves(self, table: str, chain: str, number: int) -> Iterator[RuleStep]:
        """Yield for each visit of a chain the rule, before that of the number, that fitted last and so left it."""
        found: RuleStep | None = None
        for step in self.steps:
            if isinstance(step, ChainStep) and (step.table, step.chain) == (table, chain) and found is not None:
                yield found
                found = None
            fits = isinstance(step, RuleStep) and step.matched and (step.table, step.chain) == (table, chain)
            if isinstance(step, RuleStep) and fits and step.number < number:
                found = step
        if found is not None:
            yield found

    def last(self, after: RuleStep) -> RuleStep:
        """Return the rule that ended the walk of a table which passed a rule."""
        found, started = after, False
        for step in self.steps:
            started = started or step is after
            if started and isinstance(step, ChainStep) and step.how == "base":
                break
            if started and isinstance(step, RuleStep) and step.matched:
                found = found if isinstance(step.action, Jump | Goto | Return) else step
        return found

    def not_walked(self, table: str, hook: str) -> Iterator[str]:
        """Say why a built-in chain was not entered."""
        if hook not in self.hooks:
            yield self._not_passed(hook)
        elif self._stopped_before(table, hook):
            yield f"the way ends before it: {verdict(self.trace, self.end)}"
        elif table == "nat":
            yield self._no_nat()
        else:
            yield f"table {table} is not walked in {hook}"

    def _not_passed(self, hook: str) -> str:
        """Say why the packet did not pass a hook."""
        made_here = self.trace.flow.packet.in_interface is None
        routes = [step for step in self.steps if isinstance(step, RouteStep)]
        kinds = {step.kind: step for step in routes}
        if hook == Hook.OUTPUT and not made_here:
            return "only packets made on this node pass OUTPUT; this one comes in from outside"
        if hook == Hook.PREROUTING and made_here and self.end.fate not in _STOPPED:
            return "only packets that come in pass PREROUTING; this one is made here and leaves the node"
        if hook == Hook.FORWARD and made_here:
            return "only packets from another machine pass FORWARD; this one is made on this node"
        if hook in {Hook.FORWARD, Hook.POSTROUTING} and "local" in kinds and not made_here:
            return f"the packet does not pass {hook}: it is for this node ({kinds['local'].why})"
        if hook == Hook.INPUT and "forward" in kinds:
            return f"the packet does not pass INPUT: it is for another machine ({kinds['forward'].why})"
        if hook == Hook.INPUT and made_here and self.end.fate not in _STOPPED:
            return "the packet does not pass INPUT: it is made here and leaves the node"
        return f"the way ends before {hook}: {verdict(self.trace, self.end)}"

    def _stopped_before(self, table: str, hook: str) -> bool:
        """Whether the packet was stopped at a hook, in a table that comes before."""
        if self.end.fate not in _STOPPED or self.hooks[-1] != hook or self.end.decided_by is None:
            return False
        order = _INPUT_ORDER if hook == Hook.INPUT else _ORDER
        return order.index(self.end.decided_by[0]) < order.index(table)

    def _no_nat(self) -> str:
        tracks = [step for step in self.steps if isinstance(step, ConntrackStep)]
        entry = tracks[-1].connection if tracks else None
        if entry is None:
            return tracks[-1].why if tracks else "the packet is not tracked, so nat is not walked"
        if entry.state in {State.INVALID, State.UNTRACKED}:
            return f"the packet is {entry.state} for connection tracking, and nat is not walked for such packets"
        return f"nat is walked once for a connection, and this one ({entry.state}) is decided: {tracks[-1].why}"
