"""``-m tos``: the type of service octet, in IPv6 the traffic class (xt_dscp.c, tos_mt)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, bits
from iptc_sim.diagnostics import suggestion
from iptc_sim.extension import extension
from iptc_sim.match import Match, Outcome, decide
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass
from iptc_sim.values import Negatable

NAMES = {
    "Minimize-Delay": 0x10,
    "Maximize-Throughput": 0x08,
    "Maximize-Reliability": 0x04,
    "Minimize-Cost": 0x02,
    "Normal-Service": 0x00,
}
#: A name leaves the two bits of ECN out of the comparison; a number without a mask does not.
_NAME_MASK = 0x3F


@dataclass(frozen=True, slots=True)
class TosTest:
    """Fits where ``tos & mask == value``; the value is not masked."""

    value: int
    mask: int = 0xFF

    def __contains__(self, tos: object) -> bool:
        return isinstance(tos, int) and tos & self.mask == self.value

    def __str__(self) -> str:
        return f"0x{self.value:02x}/0x{self.mask:02x}"


class TosType(ValueType[TosTest]):
    """``value[/mask]``, or a name in any case."""

    expected = "a number from 0 to 255, number/mask, or one of " + ", ".join(NAMES)

    def read(self, words: tuple[str, ...], context: Reading) -> TosTest:  # noqa: ARG002 - the interface
        """Return the test."""
        for name, value in NAMES.items():
            if name.lower() == words[0].lower():
                return TosTest(value, _NAME_MASK)
        first, slash, second = words[0].partition("/")
        number, mask = parse_integer(first), parse_integer(second) if slash else 0xFF
        if number is None or mask is None:
            hint = suggestion(words[0], list(NAMES))
            raise ValueError(f"{words[0]} is not a type of service" + (f" ({hint})" if hint else ""))
        if max(number, mask) > 0xFF:
            raise ValueError(f"{words[0]} does not fit in 8 bits")
        return TosTest(number, mask)


@extension
class Tos(Match):
    """Compares the octet under a mask."""

    NAME = "tos"

    tos: Negatable[TosTest] = option(TosType(), "--tos", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the octet."""
        return decide(self.test("tos", at.packet.tos, "TOS"))

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the test of the octet."""
        return bits(Field.TOS, self.tos.value.value, self.tos.value.mask, negated=self.tos.negated)
