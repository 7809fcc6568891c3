"""``-m icmp``: type and code of an ICMP message (ip_tables.c, icmp_match)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, both, within
from iptc_sim.extension import extension
from iptc_sim.match import YES, No, Outcome, Unclear
from iptc_sim.matches._asked import protocol_is
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.protocols import ICMP
from iptc_sim.value_types.icmp import ICMP_TEST, IcmpTest
from iptc_sim.values import Family, Negatable


def judge_message(match: HeaderMatch, field: str, at: Moment, what: str) -> Outcome:
    """Compare type and code of a message of ICMP or ICMPv6.

    Args:
        match: of which ``PROTOCOLS`` names the protocol.
        field: the option that holds the test.
        at: the packet and where it is.
        what: what the type is called.
    """
    packet = at.packet
    if packet.protocol not in match.PROTOCOLS:
        return No(match, "", f"the protocol is {packet.protocol_name}")
    if packet.icmp_type is None and packet.raw is not None:
        return match.absent(at, "ICMP")
    if packet.icmp_type is None:
        return Unclear(match, f"{match.option_text(field)}: the {what} is not known")
    wanted: Negatable[IcmpTest] = getattr(match, field)
    if ((packet.icmp_type, packet.icmp_code) in wanted.value) != wanted.negated:
        return YES
    return No(match, field, f"the {what} is {packet.icmp_type}/{packet.icmp_code}")


def message_in(protocol: int, wanted: Negatable[IcmpTest]) -> Constraint:
    """Return what :func:`judge_message` asks, of ``protocol`` 1 or 58."""
    test = wanted.value
    first, last = (test.type << 8, test.type << 8 | 0xFF) if not test.every else (0, 0xFFFF)
    if not test.every and test.code is not None:
        first, last = first | test.code, first | (test.code if test.last is None else test.last)
    return both([protocol_is(protocol), within(Field.ICMP, [(first, last)], negated=wanted.negated)])


@extension
class Icmp(HeaderMatch):
    """Needs ``-p icmp``; IPv4 only."""

    NAME = "icmp"
    FAMILIES = frozenset({Family.IPV4})
    PROTOCOLS = frozenset({ICMP})

    icmp_type: Negatable[IcmpTest] = option(ICMP_TEST, "--icmp-type", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare type and code."""
        return judge_message(self, "icmp_type", at, "ICMP type")

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the test of type and code."""
        return message_in(ICMP, self.icmp_type)
