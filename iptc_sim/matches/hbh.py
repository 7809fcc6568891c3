"""``-m hbh``: the hop-by-hop options header of an IPv6 packet (ip6t_hbh.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.matches._header_options import HEADER_OPTIONS, LENGTH, OptionsMatch
from iptc_sim.options import option
from iptc_sim.value_types.header_options import HeaderOptions
from iptc_sim.values import Negatable


@extension
class Hbh(OptionsMatch):
    """IPv6 only."""

    NAME = "hbh"
    HEADER = 0
    WHAT = "hop-by-hop options"

    length: Negatable[int] | None = option(LENGTH, "--hbh-len", negatable=True)
    options: HeaderOptions | None = option(HEADER_OPTIONS, "--hbh-opts")
