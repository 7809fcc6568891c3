"""``-m hl``: the hop limit of an IPv6 packet (xt_hl.c, hl_mt6)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.matches._hops import NUMBER, HopsMatch
from iptc_sim.options import option
from iptc_sim.values import Family, Negatable


@extension
class Hl(HopsMatch):
    """IPv6 only."""

    NAME = "hl"
    FAMILIES = frozenset({Family.IPV6})
    WHAT = "hop limit"

    equal: Negatable[int] | None = option(NUMBER, "--hl-eq", "--hl", negatable=True)
    below: int | None = option(NUMBER, "--hl-lt")
    above: int | None = option(NUMBER, "--hl-gt")
