"""``-m frag``: the fragment header of an IPv6 packet (ip6t_frag.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import Reading, flag, option
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.number_range import NumberRange, NumberRangeType
from iptc_sim.values import Family, Negatable


@extension
class Frag(Match):
    """IPv6 only; without options any packet fits that has the header."""

    NAME = "frag"
    FAMILIES = frozenset({Family.IPV6})

    fragid: Negatable[NumberRange] | None = option(
        NumberRangeType(0xFFFFFFFF, ordered=False, vanishes=True), "--fragid", negatable=True
    )
    length: Negatable[int] | None = option(Integer(), "--fraglen", negatable=True)
    reserved: bool = flag("--fragres")
    first: bool = flag("--fragfirst")
    more: bool = flag("--fragmore")
    last: bool = flag("--fraglast")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse a fragment that is the last one and not."""
        if self.more and self.last:
            raise ValueError("--fragmore and --fraglast exclude each other")
