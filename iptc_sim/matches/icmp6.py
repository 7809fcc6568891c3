"""``-m icmp6``: type and code of an ICMPv6 message (ip6_tables.c, icmp6_match)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint
from iptc_sim.extension import extension
from iptc_sim.match import Outcome
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.matches.icmp import judge_message, message_in
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.protocols import ICMPV6
from iptc_sim.value_types.icmp import ICMPV6_TEST, IcmpTest
from iptc_sim.values import Family, Negatable


@extension
class Icmp6(HeaderMatch):
    """Needs ``-p ipv6-icmp``; IPv6 only."""

    NAME = "icmp6"
    FAMILIES = frozenset({Family.IPV6})
    PROTOCOLS = frozenset({ICMPV6})

    icmpv6_type: Negatable[IcmpTest] = option(ICMPV6_TEST, "--icmpv6-type", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare type and code."""
        return judge_message(self, "icmpv6_type", at, "ICMPv6 type")

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the test of type and code."""
        return message_in(ICMPV6, self.icmpv6_type)
