"""``-m esp``: the SPI of an encrypted IPsec packet (xt_esp.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, both
from iptc_sim.extension import extension
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._asked import protocol_is
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.value_types.number_range import SPI_RANGE
from iptc_sim.values import Negatable, NumberRange


@extension
class Esp(HeaderMatch):
    """Needs ``-p esp``."""

    NAME = "esp"
    PROTOCOLS = frozenset({50})

    espspi: Negatable[NumberRange] | None = option(SPI_RANGE, "--espspi", negatable=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the SPI."""
        header = self.transport(at, 8, "ESP")
        if isinstance(header, No | Unclear):
            return header
        return decide(self.test("espspi", self.number(at, 0, 4), "SPI"))

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the protocol; the SPI is free."""
        return both([protocol_is(*self.PROTOCOLS), self.free("espspi")])
