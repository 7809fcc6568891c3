"""The same scenario in the real Linux kernel, inside throw-away network namespaces."""

from iptc_sim.kernel.errors import KernelError, RulesRefusedError
from iptc_sim.kernel.lab import Lab, Reader
from iptc_sim.kernel.report import Arrival, ConntrackEntry, Headers, Hit, KernelTrace, Passage, Stage, Tracked, Walk
from iptc_sim.kernel.requirements import requirements
from iptc_sim.kernel.sending import answer_to
from iptc_sim.kernel.topology import NODE_SYSCTLS, Host, Surroundings
from iptc_sim.values import Variant

__all__ = [
    "NODE_SYSCTLS",
    "Arrival",
    "ConntrackEntry",
    "Headers",
    "Hit",
    "Host",
    "KernelError",
    "KernelTrace",
    "Lab",
    "Passage",
    "Reader",
    "RulesRefusedError",
    "Stage",
    "Surroundings",
    "Tracked",
    "Variant",
    "Walk",
    "answer_to",
    "requirements",
]
