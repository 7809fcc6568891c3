"""``-m cpu``: the processor that handles the packet (xt_cpu.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable


@extension
class Cpu(Match):
    """Which one that is depends on the network card and the load."""

    NAME = "cpu"

    cpu: Negatable[int] = option(Integer(), "--cpu", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare with the node's processor, where it has but one or only one handles packets."""
        cpu = at.node.cpu
        if cpu is None:
            return Unclear(self, "which processor handles the packet depends on the network card and the load")
        if (cpu == self.cpu.value) != self.cpu.negated:
            return YES
        return No(self, "cpu", f"processor {cpu} handles the packet")

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say which processor is asked for."""
        return self.free("cpu")
