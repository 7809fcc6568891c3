"""``-m esp``: the SPI of an encrypted IPsec packet (xt_esp.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import option
from iptc_sim.value_types.number_range import SPI_RANGE, NumberRange
from iptc_sim.values import Negatable


@extension
class Esp(Match):
    """Needs ``-p esp``."""

    NAME = "esp"
    PROTOCOLS = frozenset({50})

    espspi: Negatable[NumberRange] | None = option(SPI_RANGE, "--espspi", negatable=True)
