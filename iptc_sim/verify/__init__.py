"""The simulator beside the real kernel: the same rules, the same packets, and the first thing that differs."""

from iptc_sim.verify.compare import Divergence, compare
from iptc_sim.verify.run import Totals, Verifier, verify_flows
from iptc_sim.verify.surroundings import prepared, surroundings_of

__all__ = [
    "Divergence",
    "Totals",
    "Verifier",
    "compare",
    "prepared",
    "surroundings_of",
    "verify_flows",
]
