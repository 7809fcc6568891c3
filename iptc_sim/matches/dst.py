"""``-m dst``: the destination options header of an IPv6 packet (ip6t_hbh.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import option
from iptc_sim.value_types.header_options import HeaderOptions, HeaderOptionsType
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Family, Negatable


@extension
class Dst(Match):
    """IPv6 only; without options any packet fits that has the header."""

    NAME = "dst"
    FAMILIES = frozenset({Family.IPV6})

    length: Negatable[int] | None = option(Integer(), "--dst-len", negatable=True)
    options: HeaderOptions | None = option(HeaderOptionsType(), "--dst-opts")
