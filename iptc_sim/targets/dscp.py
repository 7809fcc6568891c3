"""``-j DSCP``: set the six upper bits of TOS or traffic class (xt_DSCP.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.target import Action, Continue, Target
from iptc_sim.value_types.dscp import CLASS_NAME, DSCP


@extension
class DscpTarget(Target):
    """In mangle only; a class is printed as its number."""

    NAME = "DSCP"
    TABLES = frozenset({"mangle"})

    dscp: int = option(DSCP, "--set-dscp", required=True, also={"--set-dscp-class": CLASS_NAME})

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Set the bits and go on."""
        return Continue(f"DSCP set to {self.dscp:#04x}")
