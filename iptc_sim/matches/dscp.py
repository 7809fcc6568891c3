"""``-m dscp``: the class of service in the IP header (xt_dscp.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, bits
from iptc_sim.extension import extension
from iptc_sim.match import Match, Outcome, decide
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.value_types.dscp import CLASS_NAME, DSCP
from iptc_sim.values import Negatable


@extension
class Dscp(Match):
    """A class is printed as its number."""

    NAME = "dscp"

    dscp: Negatable[int] = option(DSCP, "--dscp", negatable=True, required=True, also={"--dscp-class": CLASS_NAME})

    def judge(self, at: Moment) -> Outcome:
        """Compare the upper six bits of the TOS byte or traffic class."""
        return decide(self.test("dscp", at.packet.tos >> 2, "DSCP"))

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the test of the upper six bits."""
        return bits(Field.TOS, self.dscp.value << 2, 0xFC, negated=self.dscp.negated)
