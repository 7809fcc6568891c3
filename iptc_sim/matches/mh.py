"""``-m mh``: the type of a Mobile IPv6 message (ip6t_mh.c, mh_mt6)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, both
from iptc_sim.extension import extension
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._asked import protocol_is
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.protocols import parse_integer
from iptc_sim.value_types.number_range import NumberRangeType
from iptc_sim.values import Family, Negatable, NumberRange

MOBILITY_HEADER = 135
#: The messages by number, each with its short name.
TYPES = (
    ("binding-refresh-request", "brr"),
    ("home-test-init", "hoti"),
    ("careof-test-init", "coti"),
    ("home-test", "hot"),
    ("careof-test", "cot"),
    ("binding-update", "bu"),
    ("binding-acknowledgement", "ba"),
    ("binding-error", "be"),
)


def message_number(text: str) -> int | None:
    """Return the number of a message: by name in any case, by the first name that begins so, or as a number."""
    word = text.lower()
    for number, names in enumerate(TYPES):
        if word in names:
            return number
    for number, names in enumerate(TYPES):
        if word and any(name.startswith(word) for name in names):
            return number
    return parse_integer(text)


@extension
class Mh(HeaderMatch):
    """Needs ``-p mobility-header``; IPv6 only."""

    NAME = "mh"
    FAMILIES = frozenset({Family.IPV6})
    PROTOCOLS = frozenset({MOBILITY_HEADER})

    mh_type: Negatable[NumberRange] | None = option(
        NumberRangeType(255, ordered=True, vanishes=True, number=message_number), "--mh-type", negatable=True
    )

    def judge(self, at: Moment) -> Outcome:
        """Compare the type; a message that has another header behind it is wrong, and dropped."""
        header = self.transport(at, 6, "mobility")
        if isinstance(header, No | Unclear):
            return header
        from iptc_sim.wire.headers import NO_NEXT  # noqa: PLC0415 - what reads rules does not need it

        if header[0] != NO_NEXT:
            return No(self, "", "a header follows the mobility header: the kernel drops the packet", drops=True)
        return decide(self.test("mh_type", self.number(at, 2, 1), "message type"))

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the protocol; the type of the message is free."""
        return both([protocol_is(MOBILITY_HEADER), self.free("mh_type")])
