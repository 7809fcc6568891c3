"""``-m ecn``: the bits of congestion notification in the IP and TCP headers (xt_ecn.c)."""

from __future__ import annotations

from iptc_sim.extension import Match, extension, flag, option
from iptc_sim.options import Reading
from iptc_sim.protocols import TCP
from iptc_sim.value_types.basic import Integer
from iptc_sim.values import Negatable


@extension
class Ecn(Match):
    """The two flags of TCP need ``-p tcp``."""

    NAME = "ecn"

    tcp_ece: Negatable[bool] | None = flag("--ecn-tcp-ece", negatable=True)
    tcp_cwr: Negatable[bool] | None = flag("--ecn-tcp-cwr", negatable=True)
    ip_ect: Negatable[int] | None = option(Integer(0, 3), "--ecn-ip-ect", negatable=True)

    def check(self, context: Reading) -> None:
        """Refuse a rule that asks for nothing, and TCP flags of another protocol."""
        of_tcp = self.tcp_ece is not None or self.tcp_cwr is not None
        if not of_tcp and self.ip_ect is None:
            raise ValueError("-m ecn needs at least one option")
        if of_tcp and context.protocol != TCP:
            raise ValueError("--ecn-tcp-ece and --ecn-tcp-cwr need -p tcp")
