"""``-m cpu``: the processor that handles the packet (xt_cpu.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import option
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable


@extension
class Cpu(Match):
    """Which one that is depends on the network card and the load."""

    NAME = "cpu"

    cpu: Negatable[int] = option(Integer(), "--cpu", negatable=True, required=True)
