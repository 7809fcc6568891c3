"""Random rulesets, nodes and packets, all from one seed, to put before the kernel and the simulator."""

from iptc_sim.verify.generator.case import Case, draw_case
from iptc_sim.verify.generator.not_yet import NOT_DRAWN
from iptc_sim.verify.generator.packets import RandomPackets
from iptc_sim.verify.generator.topologies import Topology, topologies

__all__ = ["NOT_DRAWN", "Case", "RandomPackets", "Topology", "draw_case", "topologies"]
