"""``-m ah``: the authentication header of IPsec (ipt_ah.c, ip6t_ah.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Free, both
from iptc_sim.extension import Placement, extension, without_protocol
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._asked import protocol_is
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.records import replace
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.number_range import SPI_RANGE
from iptc_sim.values import Family, Negatable, NumberRange

AH = 51


@extension
class Ah(HeaderMatch):
    """IPv4: needs ``-p ah``. IPv6: the header may stand anywhere in the chain, and has two options more."""

    NAME = "ah"

    ahspi: Negatable[NumberRange] | None = option(SPI_RANGE, "--ahspi", negatable=True)
    ahlen: Negatable[int] | None = option(Integer(), "--ahlen", negatable=True)
    ahres: bool = flag("--ahres")

    def check(self, context: Reading) -> None:
        """Refuse in IPv4 the options of IPv6."""
        if context.family is Family.IPV4 and (self.ahlen is not None or self.ahres):
            raise ValueError("--ahlen and --ahres are options of ip6tables")

    def kept(self, context: Reading) -> Ah:  # noqa: ARG002 - the interface
        """Drop ``--ahlen 0``, which stands for any length."""
        return replace(self, ahlen=None) if self.ahlen == Negatable(0) else self

    def refusal(self, place: Placement) -> str:
        """Return why the kernel refuses it: in IPv4 without ``-p ah`` (``ah_mt_check``)."""
        return without_protocol("-m ah", place, frozenset({AH})) if place.family is Family.IPV4 else ""

    def judge(self, at: Moment) -> Outcome:
        """Compare the SPI; of IPv6 also the length in bytes and the reserved field, as ah_mt and ah_mt6 do."""
        if at.packet.family is Family.IPV4:
            header = self.transport(at, 12, "AH")
            if isinstance(header, No | Unclear):
                return header
            return decide(self.test("ahspi", self.number(at, 4, 4), "SPI"))
        found = self.extension_header(at, AH, "AH", 12)
        if isinstance(found, No | Unclear):
            return found
        reserved = int.from_bytes(found.data[2:4])
        return decide(
            self.test("ahspi", int.from_bytes(found.data[4:8]), "SPI"),
            self.test("ahlen", found.length, "length of the AH header"),
            No(self, "ahres", f"the reserved field is {reserved:#x}") if self.ahres and reserved else None,
        )

    def constraint(self, asked: Asked) -> Constraint:
        """Return the protocol of IPv4; of IPv6 the header may be anywhere, and is free as its fields are."""
        there = protocol_is(AH) if asked.family is Family.IPV4 else Free((self.NAME, "header"))
        return both([there, self.free("ahspi"), self.free("ahlen"), self.free("ahres")])
