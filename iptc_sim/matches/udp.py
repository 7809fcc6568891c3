"""``-m udp``: ports of a UDP header (xt_tcpudp.c, udp_mt)."""

from __future__ import annotations

from iptc_sim.extension import Match, Moment, No, Outcome, decide, extension, option
from iptc_sim.protocols import UDP
from iptc_sim.value_types.basic import PortRangeType
from iptc_sim.values import Negatable, PortRange

#: Unlike tcp, a range that ends before it begins is accepted (and never fits).
PORTS = PortRangeType(ordered=False)


@extension
class Udp(Match):
    """Needs ``-p udp``."""

    NAME = "udp"
    PROTOCOLS = frozenset({UDP})

    sport: Negatable[PortRange] | None = option(PORTS, "--sport", "--source-port", negatable=True)
    dport: Negatable[PortRange] | None = option(PORTS, "--dport", "--destination-port", negatable=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the ports."""
        packet = at.packet
        if packet.protocol != UDP:
            return No(self, "", f"the protocol is {packet.protocol_name}")
        return decide(
            self.test("sport", packet.sport, "source port"),
            self.test("dport", packet.dport, "destination port"),
        )
