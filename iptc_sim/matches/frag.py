"""``-m frag``: the fragment header of an IPv6 packet (ip6t_frag.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Free, both, opposite
from iptc_sim.extension import extension
from iptc_sim.match import YES, No, Outcome, Unclear
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.number_range import NumberRangeType
from iptc_sim.values import Family, Negatable, NumberRange


@extension
class Frag(HeaderMatch):
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

    def judge(self, at: Moment) -> Outcome:
        """Look for the header and compare its fields; the kernel does not look at ``--fraglen``."""
        from iptc_sim.wire.headers import FRAGMENT  # noqa: PLC0415 - what reads rules does not need it

        header = self.extension_header(at, FRAGMENT, "fragment", 8)
        if isinstance(header, No | Unclear):
            return header
        reserved, place = header.data[1], int.from_bytes(header.data[2:4])
        failed = self.test("fragid", int.from_bytes(header.data[4:8]), "fragment id")
        if failed is not None:
            return failed
        if self.reserved and (reserved or place & 6):
            return No(self, "reserved", "reserved bits are set")
        if self.first and place & ~7:
            return No(self, "first", f"the fragment begins at byte {place & ~7}")
        if self.more and not place & 1:
            return No(self, "more", "it is the last fragment")
        if self.last and place & 1:
            return No(self, "last", "more fragments follow")
        return YES

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say that the header is there, and what is asked of it; the kernel does not look at ``--fraglen``."""
        asks = (self.free(name) for name in ("fragid", "reserved", "first", "more"))
        # One bit tells both whether more fragments follow and whether this is the last.
        last = [opposite(Free((self.NAME, "--fragmore")))] if self.last else []
        return both([Free((self.NAME, "header")), *asks, *last])
