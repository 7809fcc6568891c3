"""``-m icmp6``: type and code of an ICMPv6 message (ip6_tables.c, icmp6_match)."""

from __future__ import annotations

from iptc_sim.extension import YES, Match, Moment, No, Outcome, Unclear, extension, option
from iptc_sim.protocols import ICMPV6
from iptc_sim.value_types.icmp import ICMPV6_TEST, IcmpTest
from iptc_sim.values import Family, Negatable


@extension
class Icmp6(Match):
    """Needs ``-p ipv6-icmp``; IPv6 only."""

    NAME = "icmp6"
    FAMILIES = frozenset({Family.IPV6})
    PROTOCOLS = frozenset({ICMPV6})

    icmpv6_type: Negatable[IcmpTest] = option(ICMPV6_TEST, "--icmpv6-type", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare type and code."""
        packet = at.packet
        if packet.protocol != ICMPV6:
            return No(self, "", f"the protocol is {packet.protocol_name}")
        if packet.icmp_type is None:
            return Unclear(self, f"{self.option_text('icmpv6_type')}: the ICMPv6 type is not known")
        if ((packet.icmp_type, packet.icmp_code) in self.icmpv6_type.value) != self.icmpv6_type.negated:
            return YES
        return No(self, "icmpv6_type", f"the ICMPv6 type is {packet.icmp_type}/{packet.icmp_code}")
