"""``-j DSCP``: set the six upper bits of TOS or traffic class (xt_DSCP.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Field
from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.records import replace
from iptc_sim.target import Action, Alter, Change, Deed, Target
from iptc_sim.value_types.dscp import CLASS_NAME, DSCP


@extension
class DscpTarget(Target):
    """In mangle only; a class is printed as its number."""

    NAME = "DSCP"
    TABLES = frozenset({"mangle"})

    dscp: int = option(DSCP, "--set-dscp", required=True, also={"--set-dscp-class": CLASS_NAME})

    def act(self, at: Moment) -> Action:
        """Set the bits and go on; those of ECN stay."""
        packet = at.packet
        note = f"DSCP {packet.tos >> 2:#04x} => {self.dscp:#04x}"
        return Alter(note, replace(packet, tos=packet.tos & 3 | self.dscp << 2))

    def deed(self, asked: Asked) -> Deed:
        """Set the bits."""
        return Change(f"DSCP {self.dscp:#04x}", frozenset({Field.TOS}), (self.name, *self.words(asked.variant)))
