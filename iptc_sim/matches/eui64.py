"""``-m eui64``: an autoconfigured source whose last half is made from the sender's MAC (ip6t_eui64.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, Free
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.moment import Hook, Moment
from iptc_sim.values import UNKNOWN, Family


@extension
class Eui64(Match):
    """IPv6 only, without options; taken where packets come in by Ethernet."""

    NAME = "eui64"
    FAMILIES = frozenset({Family.IPV6})
    HOOKS = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.FORWARD})

    def judge(self, at: Moment) -> Outcome:
        """Compare the last eight bytes of the source with what the MAC makes (RFC 4291, appendix A)."""
        packet = at.packet
        mac = bytes(6) if packet.in_interface == "lo" else packet.source_mac
        if packet.source is UNKNOWN or mac is None:
            return Unclear(self, "-m eui64: the source MAC address is not known")
        made = bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
        if packet.source.packed[8:] == made:
            return YES
        return No(self, "", f"of {mac.hex(':')} would come {made.hex(':', 2)}")

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say that the source is compared with its MAC address."""
        return Free((self.NAME,), frozenset({Field.SOURCE, Field.IN_INTERFACE}))
