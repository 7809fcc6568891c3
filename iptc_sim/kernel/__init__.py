"""The same scenario in the real Linux kernel, inside throw-away network namespaces."""

from iptc_sim.kernel.errors import KernelError, RulesRefusedError
from iptc_sim.kernel.lab import Lab, Reader
from iptc_sim.kernel.report import Arrival, ConntrackEntry, Headers, Hit, KernelTrace, Stage, Walk
from iptc_sim.kernel.requirements import requirements
from iptc_sim.kernel.wire import answer_to
from iptc_sim.values import Variant

__all__ = [
    "Arrival",
    "ConntrackEntry",
    "Headers",
    "Hit",
    "KernelError",
    "KernelTrace",
    "Lab",
    "Reader",
    "RulesRefusedError",
    "Stage",
    "Variant",
    "Walk",
    "answer_to",
    "requirements",
]
