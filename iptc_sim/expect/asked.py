"""A packet that somebody asserts something of, without a file."""

from __future__ import annotations

from collections.abc import Iterable

from iptc_sim.api import PacketLike, to_flow, trace
from iptc_sim.connection import Earlier
from iptc_sim.engine.excerpt import complete_excerpt
from iptc_sim.expect.expected import Expected, judge
from iptc_sim.expect.in_kernel import InKernel, NotSentError
from iptc_sim.expect.nearest import nearest
from iptc_sim.expect.values import Destination, read_code, read_destination
from iptc_sim.node import Node
from iptc_sim.render import render_path
from iptc_sim.render.tested import Missed, missed_text
from iptc_sim.ruleset import Ruleset


class Asked:
    """A packet, and what happens to it; arguments and errors are those of :func:`iptc_sim.trace`.

    Attributes:
        found: the trace.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        packet: PacketLike,
        node: Node | None = None,
        now: float | None = None,
        history: Iterable[PacketLike | Earlier] | None = None,
    ) -> None:
        self.ruleset, self.node, self.now = complete_excerpt(ruleset), node or Node(), now
        self.flow = to_flow(packet)
        self.history = None if history is None else tuple(history)
        self.found = trace(ruleset, self.flow, node, now=now, history=self.history)

    def destination(self, text: str) -> Destination:
        """Return a destination of packets of this protocol.

        Raises:
            ValueError: it is none.
        """
        return read_destination(text, self.flow.packet.protocol)

    def code(self, text: str) -> str:
        """Return a way to reject packets of this family, by its full name.

        Raises:
            ValueError: it is none.
        """
        return read_code(text, self.flow.packet.family)

    def problem(self, wanted: Expected, kernel: InKernel | None = None) -> str:
        """Return what is not as expected, with what came nearest and the path; empty where nothing is.

        Args:
            wanted: what is expected.
            kernel: is asked, too, where the simulator does what is expected.
        """
        failures = judge(wanted, self.found)
        if failures:
            path = render_path(self.found)
            missed = [Missed(one.key, str(one), nearest(one, self.found, self.ruleset)) for one in failures]
            return "\n".join([*map(missed_text, missed), "", path])
        differs = self._in_kernel(kernel) if kernel is not None else ""
        return f"expected the kernel to do the same, but it does not\n\n{differs}" if differs else ""

    def _in_kernel(self, kernel: InKernel) -> str:
        """Return how simulator and kernel differ; empty where they do not, or the kernel cannot be asked."""
        before = [to_flow(one.flow if isinstance(one, Earlier) else one) for one in self.history or ()]
        try:
            kernel.demand_no_time([self.now])
            return kernel.send(self.ruleset, self.node, [*before, self.flow]).against([self.found])
        except NotSentError:
            return ""
