"""``-m ecn``: the bits of congestion notification in the IP and TCP headers (xt_ecn.c)."""

from __future__ import annotations

from iptc_sim.extension import Placement, extension, without_protocol
from iptc_sim.match import Match
from iptc_sim.options import Reading, flag, option
from iptc_sim.protocols import TCP
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable


@extension
class Ecn(Match):
    """The two flags of TCP need ``-p tcp``."""

    NAME = "ecn"

    tcp_ece: Negatable[bool] | None = flag("--ecn-tcp-ece", negatable=True)
    tcp_cwr: Negatable[bool] | None = flag("--ecn-tcp-cwr", negatable=True)
    ip_ect: Negatable[int] | None = option(Integer(0, 3), "--ecn-ip-ect", negatable=True)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse a rule that asks for nothing."""
        if self.tcp_ece is None and self.tcp_cwr is None and self.ip_ect is None:
            raise ValueError("-m ecn needs at least one option")

    def refusal(self, place: Placement) -> str:
        """Return why the kernel refuses it: TCP flags without ``-p tcp`` (``ecn_mt_check4``)."""
        if self.tcp_ece is None and self.tcp_cwr is None:
            return ""
        return without_protocol("a test of TCP flags", place, frozenset({TCP}))
