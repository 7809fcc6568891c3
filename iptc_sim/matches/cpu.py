"""``-m cpu``: the processor that handles the packet (xt_cpu.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match, Outcome, Unclear
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable


@extension
class Cpu(Match):
    """Which one that is depends on the network card and the load."""

    NAME = "cpu"

    cpu: Negatable[int] = option(Integer(), "--cpu", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:  # noqa: ARG002 - the interface
        """Say what would have to be known."""
        return Unclear(self, "which processor handles the packet depends on the network card and the load")
