"""Send packets through the simulator and the kernel side by side."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self

from iptc_sim.connection import Connection, Flow
from iptc_sim.engine import Session
from iptc_sim.kernel import ConntrackEntry, Host, KernelTrace, Lab
from iptc_sim.kernel.probes import one_cpu
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.protocols import TCP
from iptc_sim.records import dataclass, field, replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, Fate, RuleStep, Trace
from iptc_sim.targets.nfqueue import NfqueueTarget
from iptc_sim.values import UNKNOWN, Address, Variant
from iptc_sim.verify.compare import Divergence, Terms, compare, zone_of
from iptc_sim.verify.surroundings import prepared, surroundings_of


@dataclass(slots=True)
class Totals:
    """What was compared.

    Args:
        rulesets: that were loaded.
        packets: that were sent.
        branching: packets for which the simulator told of several branches, one of which was taken.
        refused: rulesets that this kernel refuses, by what iptables-restore says.
        divergences: how many packets diverged.
    """

    rulesets: int = 0
    packets: int = 0
    branching: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    divergences: int = 0


class Verifier:
    """A node in namespaces, beside the simulator's; a context manager.

    Args:
        node: a known node.
        variant: the back end of iptables.
        hosts: the machines behind the ports of its bridges.

    Raises:
        KernelError: on entering: the machine cannot do it.
    """

    def __init__(self, node: Node, variant: Variant = Variant.NFT, hosts: Mapping[Address, Host] | None = None) -> None:
        self.node, self.variant = prepared(node), variant
        self.lab = Lab(surroundings_of(node, hosts or {}), reader="netlink", quiet=True, texts=False)
        self.totals = Totals()
        self._open = contextlib.ExitStack()
        self._terms: Terms | None = None
        self._states = False
        self.session = Session(Ruleset({}), self.node)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.lab)
            cpu = stack.enter_context(one_cpu())  # once, and not for every packet
            self.node = replace(self.node, cpu=cpu)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def load(self, ruleset: Ruleset, text: str, *, sets: str = "", node: Node | None = None) -> None:
        """Load rules on both sides.

        Args:
            ruleset: the rules.
            text: the same for iptables-restore.
            sets: text for ``ipset restore``.
            node: the simulator's node, where it has more than the one in the namespaces: what is in the sets.

        Raises:
            RulesRefusedError: iptables-restore does not take it.
            KernelError: the kernel cannot be asked.
        """
        if "--nfacct-name" in text:
            self.lab.make_accounts(
                name
                for *_, rule in ruleset.rules()
                for part in rule.extensions
                for kind, name in part.objects()
                if kind == "nfacct"
            )
        self.lab.load(text, ruleset.family, self.variant, sets=sets)
        loaded = replace(ruleset, variant=self.variant)
        told = replace(node or self.node, cpu=self.node.cpu)
        self.session = Session(loaded, told, now=time.time())
        ports = {link.name: link.master for link in self.node.links if link.master is not None}
        self._terms = Terms(ruleset, verdicts=self.variant is Variant.NFT, states=self._states, ports=ports)
        self.totals.rulesets += 1

    def send(self, flow: Flow) -> tuple[End, KernelTrace] | Divergence:
        """Send one packet on both sides; the next one meets what this one has left behind.

        Raises:
            KernelError: it cannot be sent.
            UsageError, InputError: the simulator cannot follow it.
        """
        if self._terms is None:
            raise AssertionError("rules are loaded first")
        if flow.packet.is_icmp and flow.packet.icmp_id is None and flow.packet.inner is None:
            # An echo has an id; the same one for both.
            flow = replace(flow, packet=replace(flow.packet, icmp_id=self.totals.packets % 0xFFFF + 1))
        self.session.at(time.time())
        trace = _without_listeners(self.session.send(flow))
        seen = self.lab.inject(flow.packet, zones=tuple(dict.fromkeys(zone_of(end) for end in trace.ends)))
        self._note_states(seen)
        found = compare(trace, seen, self._terms)
        self.totals.packets += 1
        self.totals.branching += len(trace.ends) > 1
        if isinstance(found, Divergence):
            self.totals.divergences += 1
            return found
        end = replace(found, connection=_made_known(found.connection, seen.entries.get(zone_of(found))))
        self.session.settle(end)
        if end.fate is Fate.LOCAL:
            self._follow_resets(seen)
        return end, seen

    def _follow_resets(self, seen: KernelTrace) -> None:
        """Let the simulator's connections know of the RST by which the node's own stack has answered."""
        for headers in (walk.entry for walk in seen.other_walks if "RST" in walk.entry.flags):
            sides = (headers.source, headers.destination)
            packet = Packet(*sides, TCP, headers.sport, headers.dport, headers.flags, owner=None)
            ends = self.session.send(Flow(packet)).ends
            if len(ends) == 1:
                self.session.settle(ends[0])

    def _note_states(self, seen: KernelTrace) -> None:
        if not self._states and self._terms is not None:
            ends = (passage.end for passage in seen.passages)
            self._states = any(end is not None and end.tracked is not None for end in ends)
            self._terms = replace(self._terms, states=self._states)


def _without_listeners(trace: Trace) -> Trace:
    """Leave out the branches in which a program takes the packet from a queue that may be bypassed: there is none."""
    return replace(trace, ends=tuple(end for end in trace.ends if not _is_taken(trace, end)))


def _is_taken(trace: Trace, end: End) -> bool:
    if end.fate is not Fate.STOLEN:
        return False
    last = next(step for step in reversed(tuple(trace.steps(end))) if isinstance(step, RuleStep) and step.matched)
    target = last.rule.target
    return isinstance(target, NfqueueTarget) and target.queue_bypass


def _made_known(ours: Connection | None, theirs: ConntrackEntry | None) -> Connection | None:
    """Put what the kernel has drawn in the place of what the simulator could not know."""
    if ours is None or theirs is None:
        return ours
    sides = (ours.original, ours.reply)
    if not any(UNKNOWN in (side.source, side.sport, side.destination, side.dport) for side in sides):
        return ours
    return replace(ours, original=theirs.original, reply=theirs.reply)


def verify_flows(
    ruleset: Ruleset,
    text: str,
    flows: Iterable[Flow],
    node: Node,
    *,
    variant: Variant = Variant.NFT,
    sets: str = "",
) -> Iterator[tuple[Flow, tuple[End, KernelTrace] | Divergence]]:
    """Yield for each packet what both sides agree on, or how they differ; packets are sent in turn.

    Raises:
        RulesRefusedError: iptables-restore does not take the rules.
        KernelError: the kernel cannot be asked, or a packet cannot be sent.
    """
    with Verifier(node, variant) as verifier:
        verifier.load(ruleset, text, sets=sets)
        for flow in flows:
            yield flow, verifier.send(flow)
