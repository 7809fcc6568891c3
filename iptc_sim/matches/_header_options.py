"""What dst and hbh share: a header of an IPv6 packet that holds options (ip6t_hbh.c)."""

from __future__ import annotations

from typing import ClassVar

from iptc_sim.constraint import Asked, Constraint, Free, both
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.value_types.header_options import HeaderOptions, HeaderOptionsType
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Family, Negatable

LENGTH, HEADER_OPTIONS = Integer(), HeaderOptionsType()


class OptionsMatch(HeaderMatch):
    """Without options any packet fits that has the header, whose number is ``HEADER`` and whose name ``WHAT``."""

    __slots__ = ()

    FAMILIES = frozenset({Family.IPV6})
    HEADER: ClassVar[int]
    WHAT: ClassVar[str]

    length: Negatable[int] | None
    options: HeaderOptions | None

    def judge(self, at: Moment) -> Outcome:
        """Look for the header, compare its length in bytes and the options that it begins with."""
        header = self.extension_header(at, self.HEADER, self.WHAT)
        if isinstance(header, No | Unclear):
            return header
        if not header.is_whole:
            return self.absent(at, self.WHAT)
        failed = self.test("length", header.length, "length of the header")
        if failed is None and self.options is not None and not self.options.begin(header.data[2:]):
            return No(self, "options", f"the header holds {header.data[2:].hex()}")
        return decide(failed)

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say that the header is there, and what is asked of it."""
        return both([Free((self.NAME, "header")), self.free("length"), self.free("options")])
