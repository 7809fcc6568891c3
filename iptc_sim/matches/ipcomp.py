"""``-m ipcomp``: the CPI of a compressed IPsec packet (xt_ipcomp.c)."""

from __future__ import annotations

from iptc_sim.constraint import ALWAYS, Asked, Constraint, both
from iptc_sim.extension import extension
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._asked import protocol_is
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import flag, option
from iptc_sim.value_types.number_range import NumberRangeType
from iptc_sim.values import Negatable, NumberRange

_FULL = NumberRange(0, 0xFFFFFFFF)


@extension
class Ipcomp(HeaderMatch):
    """Needs ``-p ipcomp``; without an option it looks for CPI 0, as its structure is filled with zeros."""

    NAME = "ipcomp"
    PROTOCOLS = frozenset({108})

    ipcompspi: Negatable[NumberRange] = option(
        NumberRangeType(_FULL.last),
        "--ipcompspi",
        negatable=True,
        default=Negatable(NumberRange(0, 0)),
        hidden=Negatable(_FULL),
    )
    compres: bool = flag("--compres")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Drop ``!`` before the full range, as iptables does when it prints."""
        if fields["ipcompspi"] == Negatable(_FULL, negated=True):
            fields["ipcompspi"] = Negatable(_FULL)

    def judge(self, at: Moment) -> Outcome:
        """Compare the CPI, 16 bits; ``--compres`` is not looked at by the kernel."""
        header = self.transport(at, 4, "IPComp")
        if isinstance(header, No | Unclear):
            return header
        return decide(self.test("ipcompspi", self.number(at, 2, 2), "CPI"))

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the protocol; the CPI is free where it is not any."""
        cpi = ALWAYS if self.ipcompspi.value == _FULL else self.free("ipcompspi")
        return both([protocol_is(*self.PROTOCOLS), cpi])
