"""``-m iprange``: addresses between two others (xt_iprange.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, both
from iptc_sim.extension import extension
from iptc_sim.match import Match, Outcome, decide
from iptc_sim.matches._asked import address_in
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import parse_integer
from iptc_sim.value_types.address import read_address_range
from iptc_sim.values import AddressRange, Negatable, address_text


class RangeType(ValueType[AddressRange]):
    """``A-B`` or ``A``; a range that ends before it begins is taken as it is and holds no address."""

    expected = "an address, or a range A-B"

    def read(self, words: tuple[str, ...], context: Reading) -> AddressRange:
        """Return the range."""
        if any(part.isalnum() and (parse_integer(part) or 0) > 255 for part in words[0].split("-")):
            raise ValueError(f"{words[0]} is not a range of addresses")
        return read_address_range(words[0], context.family)

    def write(self, value: AddressRange) -> tuple[str, ...]:
        """Return both ends, of a single address too."""
        return (f"{address_text(value.first)}-{address_text(value.last)}",)


@extension
class Iprange(Match):
    """Source, destination or both."""

    NAME = "iprange"

    src_range: Negatable[AddressRange] | None = option(RangeType(), "--src-range", negatable=True)
    dst_range: Negatable[AddressRange] | None = option(RangeType(), "--dst-range", negatable=True)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse a rule that asks for nothing."""
        if self.src_range is None and self.dst_range is None:
            raise ValueError("-m iprange needs --src-range or --dst-range")

    def judge(self, at: Moment) -> Outcome:
        """Compare source and destination."""
        return decide(
            self.test("src_range", at.packet.source, "source"),
            self.test("dst_range", at.packet.destination, "destination"),
        )

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the tests of source and destination."""
        return both([address_in(Field.SOURCE, self.src_range), address_in(Field.DESTINATION, self.dst_range)])
