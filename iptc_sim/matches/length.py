"""``-m length``: the length of the packet (xt_length.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field
from iptc_sim.extension import extension
from iptc_sim.match import Outcome, decide
from iptc_sim.matches._asked import number_in
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.value_types.number_range import NumberRangeType
from iptc_sim.values import Negatable, NumberRange


@extension
class Length(HeaderMatch):
    """The whole packet, its IP header included. The full range is kept and printed."""

    NAME = "length"

    length: Negatable[NumberRange] = option(NumberRangeType(0xFFFF), "--length", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the length that the IP header tells."""
        found = self.octets(at).datagram
        return decide(self.test("length", None if found is None else found.length, "length of the packet"))

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the test of the length."""
        return number_in(Field.LENGTH, self.length)
