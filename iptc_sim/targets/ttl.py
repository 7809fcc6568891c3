"""``-j TTL``: change the time to live of an IPv4 packet (xt_HL.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, option
from iptc_sim.records import replace
from iptc_sim.target import Action, Alter, Target
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Family


@extension
class TtlTarget(Target):
    """In mangle only. The result stays within 0 and 255; a packet with 0 is dropped later, not here."""

    NAME = "TTL"
    FAMILIES = frozenset({Family.IPV4})
    TABLES = frozenset({"mangle"})

    set_to: int | None = option(Integer(0, 255), "--ttl-set")
    inc: int | None = option(Integer(1, 255), "--ttl-inc")
    dec: int | None = option(Integer(1, 255), "--ttl-dec")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or several changes."""
        self.demand_one("set_to", "inc", "dec")

    def act(self, at: Moment) -> Action:
        """Change the number and go on."""
        value, before = self.set_to, at.packet.ttl
        if value is None:
            value = max(0, before - (self.dec or 0)) if self.inc is None else min(255, before + self.inc)
        return Alter(f"TTL {before} => {value}", replace(at.packet, ttl=value))
