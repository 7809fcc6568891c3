"""``-m icmp``: type and code of an ICMP message (ip_tables.c, icmp_match)."""

from __future__ import annotations

from iptc_sim.extension import YES, Match, Moment, No, Outcome, Unclear, extension, option
from iptc_sim.protocols import ICMP
from iptc_sim.value_types.icmp import ICMP_TEST, IcmpTest
from iptc_sim.values import Family, Negatable


@extension
class Icmp(Match):
    """Needs ``-p icmp``; IPv4 only."""

    NAME = "icmp"
    FAMILIES = frozenset({Family.IPV4})
    PROTOCOLS = frozenset({ICMP})

    icmp_type: Negatable[IcmpTest] = option(ICMP_TEST, "--icmp-type", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare type and code."""
        packet = at.packet
        if packet.protocol != ICMP:
            return No(self, "", f"the protocol is {packet.protocol_name}")
        if packet.icmp_type is None:
            return Unclear(self, f"{self.option_text('icmp_type')}: the ICMP type is not known")
        if ((packet.icmp_type, packet.icmp_code) in self.icmp_type.value) != self.icmp_type.negated:
            return YES
        return No(self, "icmp_type", f"the ICMP type is {packet.icmp_type}/{packet.icmp_code}")
