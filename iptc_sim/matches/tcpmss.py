"""``-m tcpmss``: the maximum segment size that a TCP SYN announces (xt_tcpmss.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import option
from iptc_sim.protocols import TCP
from iptc_sim.value_types.number_range import NumberRange, NumberRangeType
from iptc_sim.values import Negatable


@extension
class Tcpmss(Match):
    """Needs ``-p tcp``; a packet without the option does not fit, negated or not."""

    NAME = "tcpmss"
    PROTOCOLS = frozenset({TCP})

    mss: Negatable[NumberRange] = option(
        NumberRangeType(0xFFFF, ordered=True, vanishes=False), "--mss", negatable=True, required=True
    )
