"""``-j ULOG``: copies of packets for a log daemon, before NFLOG (ipt_ULOG.c, gone since Linux 3.17)."""

from __future__ import annotations

from iptc_sim.extension import Placement, extension
from iptc_sim.moment import Hook
from iptc_sim.options import option
from iptc_sim.target import Continue, Same, UniformTarget
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.text import Text
from iptc_sim.values import Family


@extension
class UlogTarget(UniformTarget):
    """IPv4 only. iptables still reads it, and old dumps have it; no kernel of today takes it."""

    NAME = "ULOG"
    FAMILIES = frozenset({Family.IPV4})

    prefix: str | None = option(Text("a text", 31, least=1), "--ulog-prefix")
    nlgroup: int = option(Integer(1, 32), "--ulog-nlgroup", default=1, hidden=1)
    cprange: int = option(Integer(0, (1 << 64) - 1), "--ulog-cprange", default=0, hidden=0)
    qthreshold: int = option(Integer(1, 50), "--ulog-qthreshold", default=1, hidden=1)

    def refusal(self, place: Placement) -> str:  # noqa: ARG002 - the interface
        """Refuse it everywhere."""
        return "ULOG has gone from the kernel; NFLOG took its place"

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Send the copy and go on."""
        return Continue(f"sent to ULOG group {self.nlgroup}")
