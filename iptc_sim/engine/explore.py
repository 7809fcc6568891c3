"""The exploration: one packet, every branch, with exact odds where there are odds."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from iptc_sim.connection import Connection, Flow
from iptc_sim.diagnostics import Diagnostic, UsageError
from iptc_sim.engine.branch import Branch, Forked, Result
from iptc_sim.engine.conntrack import NAT_HOOKS, conntrack_in_use, track, translate_again
from iptc_sim.engine.hooks import ARRIVE, FORWARD, INPUT, OUTPUT, Enter, Stage, Walk
from iptc_sim.engine.routing import route_in, route_out
from iptc_sim.engine.tables import TableWalk
from iptc_sim.moment import Hook
from iptc_sim.node import InterfaceAddress, Node
from iptc_sim.packet import Packet
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import (
    ConntrackStep,
    End,
    Fate,
    HookStep,
    PolicyStep,
    RouteStep,
    Segment,
    Trace,
    TranslateStep,
)
from iptc_sim.tracking import State
from iptc_sim.values import UNKNOWN, Prefix

#: More branches than this are not explored.
MAX_ENDS: Final = 20_000

#: More rules than this are not looked at in one exploration.
MAX_STEPS: Final = 20_000_000


def explore(
    ruleset: Ruleset,
    flow: Flow,
    node: Node,
    *,
    connection: Connection | None = None,
    max_ends: int = MAX_ENDS,
) -> Trace:
    """Send a packet through a ruleset and follow every branch.

    Args:
        ruleset: the rules.
        flow: the packet, and its ctstate where that is told.
        node: the machine.
        connection: the entry of a flow that exists (for replies); None: the packet is the first that is seen.
        max_ends: how many branches are followed.

    Raises:
        UsageError: IPT043, there are more branches, or the walk is too long.
        InputError: IPT033, the chains are such that the kernel refuses them.
    """
    return _Exploration(ruleset, flow, node, connection, max_ends).run()


class _Exploration:
    def __init__(self, ruleset: Ruleset, flow: Flow, node: Node, connection: Connection | None, max_ends: int) -> None:
        self.ruleset, self.flow, self.max_ends = ruleset, flow, max_ends
        self.node = _with_own_source(node, flow.packet)
        self.connection = connection
        self.tracked = connection is not None or conntrack_in_use(ruleset)
        self.segments: list[Segment] = []
        self.ends: list[End] = []
        self.walks: dict[Walk, TableWalk] = {}
        self.steps = 0

    def run(self) -> Trace:
        local = self.flow.packet.in_interface is None
        waiting = [Branch(OUTPUT if local else ARRIVE, self.flow.packet)]
        while waiting:
            branch = waiting.pop()
            result = self._advance(branch)
            number = len(self.segments)
            self.segments.append(Segment(number, branch.parent, branch.choice, branch.chance, tuple(branch.steps)))
            self.steps += len(branch.steps)
            if isinstance(result, Forked):
                for child in reversed(result.branches):
                    child.parent = number
                    waiting.append(child)
            elif result is not None:
                self.ends.append(replace(result, segment=number))
            self._check_bounds()
        return Trace(self.flow, tuple(self.segments), tuple(self.ends), tuple(self._assumptions()))

    def _check_bounds(self) -> None:
        if len(self.ends) > self.max_ends or self.steps > MAX_STEPS:
            what = f"{self.max_ends:,} branches" if len(self.ends) > self.max_ends else f"{MAX_STEPS:,} steps"
            message = f"the walk was given up after {what}: too much of it hangs on what is not known"
            hint = "tell more of it: in IFACE, --node, --local, --route"
            raise UsageError(Diagnostic("IPT043", message, subject=str(self.flow.packet), hint=hint))

    def _advance(self, branch: Branch) -> Result:
        """Go on until the branch ends or forks."""
        while True:
            stop = branch.stops[branch.at_stop]
            if isinstance(stop, Walk):
                result = self._table(branch, stop)
            elif isinstance(stop, Enter):
                self._enter(branch, stop.hook)
                result = None
            else:
                result = self._stage(branch, stop)
            if isinstance(result, Forked):
                for child in result.branches:
                    if not child.frames:
                        child.at_stop += 1  # the table is done in that branch
                return result
            if result is not None:
                return result
            if not branch.frames and branch.stops[branch.at_stop] is stop:
                branch.at_stop += 1

    def _enter(self, branch: Branch, hook: Hook) -> None:
        if hook is Hook.POSTROUTING and branch.next_out is not UNKNOWN:
            branch.packet = replace(branch.packet, out_interface=branch.next_out)
        branch.steps.append(HookStep(hook, branch.packet))

    def _table(self, branch: Branch, stop: Walk) -> Result:
        walk = self.walks.get(stop)
        if walk is None:
            walk = self.walks[stop] = TableWalk(self.ruleset, self.node, stop)
        if not branch.frames:
            if stop.table == "nat" and not self._walks_nat(branch, stop):
                return None
            walk.begin(branch)
        before = branch.packet.destination
        result = walk.run(branch)
        if result is None and stop.table == "nat" and stop.hook is Hook.OUTPUT and branch.packet.destination != before:
            return self._route_again(branch)
        return result

    def _walks_nat(self, branch: Branch, stop: Walk) -> bool:
        """Whether the nat chains are walked: only for a connection whose side of the hook is not settled."""
        entry, manip = branch.connection, NAT_HOOKS[stop.hook]
        if entry is None:
            return False
        if not entry.decided(manip):
            return True
        after = translate_again(branch.packet, entry, manip) if entry.is_tracked else branch.packet
        if after != branch.packet:
            branch.steps.append(TranslateStep(stop.hook, manip, branch.packet, after, "conntrack"))
            branch.packet = after
        return False

    def _stage(self, branch: Branch, stage: Stage) -> Result:
        match stage:
            case Stage.CONNTRACK:
                self._track(branch)
                return None
            case Stage.ROUTE_IN:
                return self._route_in(branch)
            case Stage.ROUTE_OUT:
                return self._route_out(branch)
            case Stage.DELIVER:
                why = "it is for this node"
                return self._end(branch, Fate.LOCAL, why)
            case Stage.LEAVE:
                return self._leave(branch)

    def _track(self, branch: Branch) -> None:
        if branch.looped:
            branch.steps.append(ConntrackStep(branch.connection, "it came back by lo with its entry"))
        elif self.connection is not None:
            branch.connection = self.connection
            branch.steps.append(ConntrackStep(branch.connection, "it belongs to a connection"))
        elif not self.tracked:
            branch.steps.append(
                ConntrackStep(None, "no rule needs connection tracking, so it is off and nat is not walked")
            )
        else:
            branch.connection = track(branch.packet, self.flow.state)
            told = "as told" if self.flow.state else "the first packet that is seen of it"
            branch.steps.append(ConntrackStep(branch.connection, told))

    def _route_in(self, branch: Branch) -> Result:
        verdict = route_in(branch.packet, self.node)
        branch.steps.append(RouteStep(verdict.kind, verdict.interface, verdict.why))
        if verdict.kind == "lost":
            return self._end(branch, Fate.LOST, verdict.why)
        branch.stops = branch.stops + (INPUT if verdict.kind == "local" else FORWARD)
        if verdict.kind == "forward":
            branch.packet = replace(branch.packet, out_interface=verdict.interface)
        return None

    def _route_out(self, branch: Branch) -> Result:
        verdict = route_out(branch.packet, self.node)
        branch.steps.append(RouteStep(verdict.kind, verdict.interface, verdict.why))
        if verdict.kind == "lost":
            return self._end(branch, Fate.LOST, verdict.why)
        branch.packet = replace(branch.packet, out_interface=verdict.interface)
        return None

    def _route_again(self, branch: Branch) -> Result:
        """After DNAT in OUTPUT (``ip_route_me_harder``): filter sees the old out interface, POSTROUTING the new one."""
        verdict = route_out(branch.packet, self.node)
        kind = "lost" if verdict.kind == "lost" else "again"
        branch.steps.append(RouteStep(kind, verdict.interface, verdict.why))
        if kind == "lost":
            return self._end(branch, Fate.LOST, verdict.why)
        branch.next_out = verdict.interface
        if verdict.interface is UNKNOWN:
            branch.packet = replace(branch.packet, out_interface=UNKNOWN)
        return None

    def _leave(self, branch: Branch) -> Result:
        packet = branch.packet
        if packet.out_interface == "lo" and not branch.looped:
            branch.looped = True
            branch.next_out = UNKNOWN
            branch.packet = replace(packet, in_interface="lo", out_interface=None)
            branch.stops = branch.stops + ARRIVE
            return None
        fate = Fate.SENT if packet.in_interface is None else Fate.FORWARD
        return self._end(branch, fate, f"it leaves by {_interface(packet)}")

    @staticmethod
    def _end(branch: Branch, fate: Fate, why: str) -> End:
        return End(0, fate, branch.packet, branch.connection, branch.odds, why=why)

    def _assumptions(self) -> list[str]:
        found = []
        packet = self.flow.packet
        if not self.node.known:
            own = ", ".join(str(item.address) for item in self.node.addresses)
            local = f"127.0.0.0/8 and {own} are" if own else "only 127.0.0.0/8 is"
            if packet.family == 6:
                local = local.replace("127.0.0.0/8", "::1")
            found.append(f"the node's addresses and routes were not given: {local} taken as its own")
        if packet.in_interface is UNKNOWN and self.connection is None:
            found.append("the in interface was not given: the packet is taken as coming from outside")
        steps = (step for segment in self.segments for step in segment.steps)
        policies = dict.fromkeys(
            f"{step.table} {step.chain}" for step in steps if isinstance(step, PolicyStep) and step.assumed
        )
        if policies:
            found.append(f"the dump does not tell the policy of {', '.join(policies)}: ACCEPT is taken")
        if self.flow.state is State.ESTABLISHED and self.connection is None:
            found.append("the flow is told to exist: its translation is not known and taken as none")
        return found


def _with_own_source(node: Node, packet: Packet) -> Node:
    """A packet made here has one of the node's addresses as its source, also where the addresses were not told."""
    source = packet.source
    if node.known or packet.in_interface is not None or source is UNKNOWN or node.is_local(source):
        return node
    own = InterfaceAddress("", source, Prefix.of(source))
    return replace(node, addresses=(*node.addresses, own))


def _interface(packet: Packet) -> str:
    out = packet.out_interface
    return "an interface that is not known" if out is UNKNOWN or out is None else out
