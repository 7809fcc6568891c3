"""``-m mac``: the source address of the Ethernet frame (xt_mac.c)."""

from __future__ import annotations

from iptc_sim.constraint import NEVER, Asked, Constraint, Field, Free, NamedInterface, both
from iptc_sim.extension import extension
from iptc_sim.match import Match, No, Outcome, decide
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import option
from iptc_sim.value_types.mac import MacAddress, MacType
from iptc_sim.values import UNKNOWN, Negatable


@extension
class Mac(Match):
    """Only packets that came in by an Ethernet card can fit."""

    NAME = "mac"
    HOOKS = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.FORWARD})

    mac_source: Negatable[MacAddress] = option(MacType(), "--mac-source", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the address; a packet that came by no Ethernet card does not fit, negated or not."""
        packet = at.packet
        if packet.in_interface in {None, "lo"}:
            return No(self, "mac_source", "it came by no Ethernet card")
        mac = UNKNOWN if packet.source_mac is None else packet.source_mac
        return decide(self.test("mac_source", mac, "source MAC address"))

    def constraint(self, asked: Asked) -> Constraint:
        """Ask for the address where the packet came in by an Ethernet card, which lo is not."""
        if asked.hook in {Hook.OUTPUT, Hook.POSTROUTING}:
            return NEVER
        outside = NamedInterface(Field.IN_INTERFACE, "lo", negated=True)
        by_ethernet = Free((self.NAME, "ethernet"), frozenset({Field.IN_INTERFACE}))
        return both([outside, by_ethernet, self.free("mac_source")])
