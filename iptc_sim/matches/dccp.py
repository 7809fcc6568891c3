"""``-m dccp``: ports, packet types, options of a DCCP header (xt_dccp.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match, No, Outcome, decide
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, option
from iptc_sim.value_types.choice import NameList
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.port import PortRangeType, read_service
from iptc_sim.values import UNKNOWN, Names, Negatable, PortRange

DCCP = 33
PORTS = PortRangeType(ordered=False, vanishes=False, number=read_service)
TYPES = (
    "REQUEST",
    "RESPONSE",
    "DATA",
    "ACK",
    "DATAACK",
    "CLOSEREQ",
    "CLOSE",
    "RESET",
    "SYNC",
    "SYNCACK",
    "INVALID",
)


class TypeList(NameList):
    """A comma list of packet types; empty words between the commas count for nothing."""

    def read(self, words: tuple[str, ...], context: Reading) -> Names:
        """Return the set of types."""
        given = ",".join(filter(None, words[0].split(",")))
        return super().read((given,), context) if given else Names(())


@extension
class Dccp(Match):
    """Needs ``-p dccp``."""

    NAME = "dccp"
    PROTOCOLS = frozenset({DCCP})

    sport: Negatable[PortRange] | None = option(PORTS, "--sport", "--source-port", negatable=True)
    dport: Negatable[PortRange] | None = option(PORTS, "--dport", "--destination-port", negatable=True)
    types: Negatable[Names] | None = option(TypeList(TYPES), "--dccp-types", negatable=True)
    dccp_option: Negatable[int] | None = option(Integer(1, 255), "--dccp-option", negatable=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the ports; a packet is described without its DCCP type and options."""
        packet = at.packet
        if packet.protocol != DCCP:
            return No(self, "", f"the protocol is {packet.protocol_name}")
        return decide(
            self.test("sport", packet.sport, "source port"),
            self.test("dport", packet.dport, "destination port"),
            self.test("types", UNKNOWN, "DCCP packet type"),
            self.test("dccp_option", UNKNOWN, "list of DCCP options"),
        )
