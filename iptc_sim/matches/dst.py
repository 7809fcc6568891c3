"""``-m dst``: the destination options header of an IPv6 packet (ip6t_hbh.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.header_match import HeaderMatch
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.value_types.header_options import HeaderOptions, HeaderOptionsType
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Family, Negatable


@extension
class Dst(HeaderMatch):
    """IPv6 only; without options any packet fits that has the header."""

    NAME = "dst"
    FAMILIES = frozenset({Family.IPV6})

    length: Negatable[int] | None = option(Integer(), "--dst-len", negatable=True)
    options: HeaderOptions | None = option(HeaderOptionsType(), "--dst-opts")

    def judge(self, at: Moment) -> Outcome:
        """Look for the header, compare its length in bytes and the options that it begins with."""
        from iptc_sim.headers import DESTINATION  # noqa: PLC0415 - what reads rules does not need it

        header = self.extension_header(at, DESTINATION, "destination options")
        if isinstance(header, No | Unclear):
            return header
        if not header.is_whole:
            return self.absent(at, "destination options")
        failed = self.test("length", header.length, "length of the header")
        if failed is None and self.options is not None and not self.options.begin(header.data[2:]):
            return No(self, "options", f"the header holds {header.data[2:].hex()}")
        return decide(failed)
