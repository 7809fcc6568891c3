"""The exploration: one packet, every branch, with exact odds where there are odds."""

from __future__ import annotations

from typing import Final

from iptc_sim.collector import collector_paused
from iptc_sim.connection import Connection, Flow
from iptc_sim.diagnostics import Diagnostic, UsageError
from iptc_sim.engine.branch import Branch, Forked, Result
from iptc_sim.engine.conntrack import (
    NAT_HOOKS,
    conntrack_in_use,
    has_another_way,
    is_error,
    is_lost_redirect,
    track,
    translate_again,
    wants_whole,
)
from iptc_sim.engine.hooks import ARRIVE, OUTPUT, Enter, Exit, Stage, Walk
from iptc_sim.engine.junctions import before_any_hook, come_in, go_out, go_out_again, lost
from iptc_sim.engine.routing import refused_on_arrival
from iptc_sim.engine.situation import Situation
from iptc_sim.engine.tables import Budget, TableWalk
from iptc_sim.moment import Hook
from iptc_sim.node import InterfaceAddress, Node
from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import (
    ConntrackStep,
    End,
    Fate,
    HookEndStep,
    HookStep,
    PolicyStep,
    RuleStep,
    Segment,
    Trace,
    TranslateStep,
)
from iptc_sim.target import Continue, Prepare
from iptc_sim.tracking import Direction, State
from iptc_sim.values import UNKNOWN, Prefix
from iptc_sim.wire.fragments import is_fragment

#: More branches than this are not explored.
MAX_ENDS: Final = 20_000

#: More rules than this are not looked at in one exploration.
MAX_STEPS: Final = 20_000_000


def explore(
    ruleset: Ruleset,
    flow: Flow,
    situation: Situation | Node,
    *,
    connection: Connection | None = None,
    max_ends: int = MAX_ENDS,
) -> Trace:
    """Send a packet through a ruleset and follow every branch.

    Args:
        ruleset: the rules.
        flow: the packet, and its ctstate where that is told.
        situation: the machine, and what is known of earlier packets.
        connection: the entry of a flow that exists (for replies); None: it is looked up in the situation.
        max_ends: how many branches are followed.

    Raises:
        UsageError: IPT043, there are more branches, or the walk is too long.
        InputError: IPT033, the chains are such that the kernel refuses them.
    """
    around = Situation(situation) if isinstance(situation, Node) else situation
    with collector_paused():
        return _Exploration(ruleset, flow, around, connection, max_ends).run()


class _Exploration:
    def __init__(
        self, ruleset: Ruleset, flow: Flow, situation: Situation, connection: Connection | None, max_ends: int
    ) -> None:
        self.ruleset, self.flow, self.max_ends = ruleset, flow, max_ends
        self.node = _with_own_source(situation.node, flow.packet)
        self.situation = replace(situation, node=self.node)
        self.connection = connection
        self.tracked = connection is not None or conntrack_in_use(ruleset)
        self.segments: list[Segment] = []
        self.ends: list[End] = []
        self.walks: dict[Walk, TableWalk] = {}
        self.budget = Budget(MAX_STEPS)

    def run(self) -> Trace:
        local = self.flow.packet.in_interface is None
        waiting = [Branch(OUTPUT if local else ARRIVE, self.flow.packet, memory=self.situation.memory)]
        while waiting:
            branch = waiting.pop()
            early = None if self.segments or local else before_any_hook(branch, self.node, held=self._is_held())
            result = early or self._advance(branch)
            number = len(self.segments)
            self.segments.append(Segment(number, branch.parent, branch.choice, branch.chance, tuple(branch.steps)))
            if isinstance(result, Forked):
                for child in reversed(result.branches):
                    child.parent = number
                    waiting.append(child)
            elif result is not None:
                self.ends.append(_labelled(replace(result, segment=number)))
            self._check_bounds()
        return Trace(self.flow, tuple(self.segments), tuple(self.ends), tuple(self._assumptions()))

    def _is_held(self) -> bool:
        """Whether the packet is a fragment that waits for the others ahead of raw."""
        return is_fragment(self.flow.packet) and (self.tracked or wants_whole(self.ruleset))

    def _check_bounds(self) -> None:
        if len(self.ends) > self.max_ends:
            message = (
                f"the walk was given up after {self.max_ends:,} branches: too much of it hangs on what is not known"
            )
            hint = "tell more of it: in IFACE, --node, --local, --route"
            raise UsageError(Diagnostic("IPT043", message, subject=str(self.flow.packet), hint=hint))

    def _advance(self, branch: Branch) -> Result:
        """Go on until the branch ends or forks."""
        while True:
            stop = branch.stops[branch.at_stop]
            if isinstance(stop, Walk):
                result = self._table(branch, stop)
            elif isinstance(stop, Stage):
                result = self._stage(branch, stop)
            else:
                self._border(branch, stop)
                result = None
            if result is not None:
                return result
            branch.at_stop += 1

    def _border(self, branch: Branch, stop: Enter | Exit) -> None:
        if isinstance(stop, Exit):
            branch.steps.append(HookEndStep(stop.hook, branch.packet))
            return
        if stop.hook is Hook.POSTROUTING and branch.next_out is not UNKNOWN:
            branch.packet = replace(branch.packet, out_interface=branch.next_out)
        if stop.hook is Hook.POSTROUTING and branch.bridged:
            branch.packet = replace(branch.packet, in_interface=None)
        branch.steps.append(HookStep(stop.hook, branch.packet))

    def _table(self, branch: Branch, stop: Walk) -> Result:
        if stop.table != "nat" and self.ruleset.chain(stop.table, stop.hook) is None:
            return None
        walk = self.walks.get(stop)
        if walk is None:
            walk = self.walks[stop] = TableWalk(self.ruleset, self.situation, stop, self.budget)
        result: Result = None
        if not branch.done:
            if not branch.frames:
                branch.before = branch.packet
                if stop.table == "nat" and not self._walks_nat(branch, stop):
                    return _ended_by_nat(branch, stop.hook) or self._passed(branch, stop)
                walk.begin(branch)
            result = walk.run(branch)
        if result is None:
            branch.done = False
            entry = branch.connection
            if stop.table == "nat" and entry is not None and entry.direction is Direction.REPLY:
                self._translate_again(branch, stop)  # a RST of this node: its connection was not settled yet
            return self._passed(branch, stop)
        return result

    def _passed(self, branch: Branch, stop: Walk) -> Result:
        """Look the route up once more where a packet of this node was changed (``ip_route_me_harder``)."""
        before, now, entry = branch.before, branch.packet, branch.connection
        if stop.table == "nat" and is_lost_redirect(now, entry):
            return lost(branch, "it is a redirect about a translated connection, which nat drops")
        if stop.hook is not Hook.OUTPUT or before is None or now is before:
            return None
        if stop.table == "mangle":
            same = (before.mark, before.source, before.destination, before.tos)
            changed = same != (now.mark, now.source, now.destination, now.tos)
        else:
            changed = stop.table == "nat" and before.destination != now.destination
        return go_out_again(branch, self.node) if changed else None

    def _walks_nat(self, branch: Branch, stop: Walk) -> bool:
        """Whether the nat chains are walked: only for a connection whose side of the hook is not settled."""
        entry = branch.connection
        if entry is None:
            return False
        begins = entry.state in {State.NEW, State.RELATED}
        if begins and not entry.decided(NAT_HOOKS[stop.hook]) and not is_error(branch.packet):
            return True
        self._translate_again(branch, stop)
        return False

    @staticmethod
    def _translate_again(branch: Branch, stop: Walk) -> None:
        entry, manip = branch.connection, NAT_HOOKS[stop.hook]
        if entry is None or not entry.is_tracked:
            return
        after = translate_again(branch.packet, entry, manip)
        if after != branch.packet:
            branch.steps.append(TranslateStep(stop.hook, manip, branch.packet, after, "conntrack"))
            branch.packet = after

    def _stage(self, branch: Branch, stage: Stage) -> Result:
        match stage:
            case Stage.CONNTRACK:
                self._track(branch)
                return None
            case Stage.ROUTE_IN:
                return come_in(branch, self.node, self.flow, self.ruleset.variant)
            case Stage.ROUTE_OUT:
                return go_out(branch, self.node)
            case Stage.DELIVER:
                return self._confirmed(branch, Fate.LOCAL, "it is for this node")
            case Stage.LEAVE:
                return self._leave(branch)

    def _track(self, branch: Branch) -> None:
        if branch.home is not None and branch.connection is not None and branch.prepared is None:
            why = "it came back by lo with its entry"
        elif self.connection is not None:
            branch.connection, why = self.connection, "it belongs to a connection"
        elif not self.tracked:
            kept = branch.connection if branch.prepared is not None and branch.prepared.untracked else None
            branch.connection, why = kept, "no rule needs connection tracking, so it is off and nat is not walked"
        else:
            branch.connection, why = track(branch.packet, self.flow.state, self.situation, branch.prepared or Prepare())
        branch.steps.append(ConntrackStep(branch.connection, why))

    def _leave(self, branch: Branch) -> Result:
        packet = branch.packet
        if packet.out_interface == "lo" and branch.home is None:
            if branch.connection is not None and branch.connection.is_tracked:
                if self.situation.connections.is_taken(branch.connection.reply, branch.connection):
                    return self._confirmed(branch, Fate.LOCAL, "")
                branch.connection = replace(branch.connection, confirmed=True)
            branch.prepared = None
            if branch.connection is not None and branch.connection.state is State.INVALID:
                branch.connection = None
            branch.next_out = UNKNOWN
            branch.home = branch.packet = replace(packet, in_interface="lo", out_interface=None)
            if why := refused_on_arrival(branch.packet, self.node):
                return lost(branch, why)
            branch.stops = branch.stops + ARRIVE
            return None
        fate = Fate.SENT if self.flow.packet.in_interface is None else Fate.FORWARD
        return self._confirmed(branch, fate, f"it leaves by {_interface(packet)}")

    def _confirmed(self, branch: Branch, fate: Fate, why: str) -> End:
        """End a branch alive: its entry is kept from now on, unless its tuple is taken (``__nf_conntrack_confirm``)."""
        entry = branch.connection
        if entry is None or not entry.is_tracked or entry.confirmed:
            return self._end(branch, fate, why)
        if self.situation.connections.is_taken(entry.reply, entry):
            why = f"another connection has the tuple {entry.reply} already, and no port is free"
            return lost(branch, why)
        branch.connection = replace(entry, confirmed=entry.state is not State.RELATED)
        return self._end(branch, fate, why)

    @staticmethod
    def _end(branch: Branch, fate: Fate, why: str) -> End:
        return End(0, fate, branch.packet, branch.connection, branch.odds, why=why, memory=branch.memory)

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
        found += self.node.assumed
        policies: dict[str, None] = {}
        taken: dict[str, None] = {}
        for step in (step for segment in self.segments for step in segment.steps):
            if isinstance(step, PolicyStep):
                if step.assumed:
                    policies[f"{step.table} {step.chain}"] = None
            elif isinstance(step, RuleStep) and isinstance(step.action, Continue) and step.action.taken:
                taken[step.action.taken] = None
        if policies:
            found.append(f"the dump does not tell the policy of {', '.join(policies)}: ACCEPT is taken")
        found += taken
        if self.flow.state is State.ESTABLISHED and self.connection is None:
            found.append("the flow is told to exist: its translation is not known and taken as none")
        return found


def _labelled(end: End) -> End:
    """Return the end with the labels that rules have set on its connection; none where that was only prepared."""
    entry = end.connection
    if entry is not None and entry.is_prepared:
        return replace(end, connection=None)
    labels = end.memory.get(("connlabel", entry.original)) if entry is not None else None
    if entry is None or not labels:
        return end
    return replace(end, connection=replace(entry, labels=entry.labels | labels))


def _with_own_source(node: Node, packet: Packet) -> Node:
    """A packet made here has one of the node's addresses as its source, also where the addresses were not told."""
    source = packet.source
    if node.known or packet.in_interface is not None or source is UNKNOWN or node.is_local(source):
        return node
    own = InterfaceAddress("", source, Prefix.of(source))
    return replace(node, addresses=(*node.addresses, own))


def _ended_by_nat(branch: Branch, hook: Hook) -> End | None:
    """Return the end of a packet whose connection nat ends with it, since its way out has changed."""
    packet, entry = branch.packet, branch.connection
    if hook is not Hook.POSTROUTING or entry is None or not has_another_way(packet, entry):
        return None
    branch.connection = replace(entry, closed=True)
    why = f"its connection was masqueraded for {entry.masqueraded_by} and now leaves by {packet.out_interface}"
    return lost(branch, f"{why}: nat drops it and forgets the connection")


def _interface(packet: Packet) -> str:
    out = packet.out_interface
    return "an interface that is not known" if out is UNKNOWN or out is None else out
