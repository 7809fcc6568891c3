"""The same flows through the real kernel, in throw-away namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

from iptc_sim.connection import Flow
from iptc_sim.diagnostics import IptcError
from iptc_sim.node import Node
from iptc_sim.records import dataclass
from iptc_sim.render import verdict
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, Trace
from iptc_sim.syntax.write import write_save
from iptc_sim.values import UNKNOWN, Variant


class NotSentError(Exception):
    """The kernel is not asked about a flow; the message says why."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What the kernel did.

    Args:
        ends: the branch that each packet took, as far as both sides agree.
        differs: how they part; empty where they do not.
    """

    ends: tuple[End, ...]
    differs: str = ""

    def against(self, traces: Sequence[Trace]) -> str:
        """Return how the last packets ended otherwise than traces of them say, or how the two sides part.

        A lab has nobody who listens, and known switches: a node that was told otherwise may do something else.
        """
        if self.differs:
            return self.differs
        for found, end in zip(traces, self.ends[-len(traces) :], strict=True):
            if end.fate not in {one.fate for one in found.ends}:
                return f"in the kernel it is {verdict(found, end)}"
        return ""


class InKernel:
    """Sends packets to nodes in namespaces: each time a new node, so that nothing is left of the packets before.

    (A list of ``-m recent`` outlives an iptables-restore that brings its rules again.)

    Args:
        variant: the back end of iptables.

    Attributes:
        sent: how many packets the kernel got.
        not_sent: how many flows it was not asked about, by the reason.
    """

    def __init__(self, variant: Variant = Variant.NFT) -> None:
        self.variant = variant
        self.sent = 0
        self.not_sent: dict[str, int] = {}

    def add(self, sent: int, not_sent: Mapping[str, int]) -> None:
        """Add what another process has sent, and what it has not."""
        self.sent += sent
        for reason, count in not_sent.items():
            self.not_sent[reason] = self.not_sent.get(reason, 0) + count

    def send(self, ruleset: Ruleset, node: Node, flows: Iterable[Flow], *, sets: str = "") -> Sent:
        """Send packets in turn to a node with fresh rules, on both sides.

        Args:
            ruleset: the rules.
            node: a known node.
            flows: the packets.
            sets: what ``ipset save`` printed of it.

        Raises:
            NotSentError: the kernel cannot be asked about these.
        """
        packets = list(flows)
        if reason := _obstacle(node, packets):
            self._refuse(reason)
        from iptc_sim.kernel import KernelError  # noqa: PLC0415 - see _send

        try:
            return self._send(ruleset, node, packets, sets)
        except (KernelError, IptcError) as error:
            self._refuse(str(error))

    def demand_no_time(self, times: Iterable[float | None]) -> None:
        """Refuse packets that are sent at a told time.

        Raises:
            NotSentError: one is.
        """
        if any(now is not None for now in times):
            self._refuse("the kernel has its own time, and the flow tells another one")

    def _refuse(self, reason: str) -> NoReturn:
        """Count a flow that the kernel is not asked about.

        Raises:
            NotSentError: always.
        """
        self.add(0, {reason: 1})
        raise NotSentError(reason)

    def _send(self, ruleset: Ruleset, node: Node, packets: list[Flow], sets: str) -> Sent:
        # Slow to import, and only who asks the kernel needs it.
        from iptc_sim.kernel import RulesRefusedError  # noqa: PLC0415
        from iptc_sim.verify import Divergence, Verifier  # noqa: PLC0415
        from iptc_sim.verify.report import divergence_text  # noqa: PLC0415

        ends: list[End] = []
        with Verifier(node, self.variant) as lab:
            try:
                lab.load(ruleset, write_save(ruleset, variant=self.variant), sets=sets)
            except RulesRefusedError as error:
                return Sent((), f"iptables-restore refuses the rules: {error}")
            for flow in packets:
                found = lab.send(flow)
                self.sent += 1
                if isinstance(found, Divergence):
                    return Sent(tuple(ends), divergence_text(found))
                ends.append(found[0])
        return Sent(tuple(ends))


def _obstacle(node: Node, packets: list[Flow]) -> str:
    """Return what a lab cannot be, or send; empty where there is nothing."""
    if not node.known or not any(item.interface not in {"", "lo"} for item in node.addresses):
        return "the node is not known, so it cannot be built"
    if node.connections:
        return "the node has connections, which cannot be built"
    for flow in packets:
        packet = flow.packet
        if flow.state is not None:
            return "the flow tells its ctstate, which is the kernel's to say"
        if UNKNOWN in {packet.in_interface, packet.sport, packet.dport}:
            return "the flow does not tell its in interface, or a port"
    return ""
