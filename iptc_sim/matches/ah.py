"""``-m ah``: the authentication header of IPsec (ipt_ah.c, ip6t_ah.c)."""

from __future__ import annotations

from iptc_sim.extension import Match, extension, flag, option
from iptc_sim.options import Reading
from iptc_sim.value_types.basic import Integer
from iptc_sim.value_types.number import SPI_RANGE
from iptc_sim.value_types.number_range import NumberRange
from iptc_sim.values import Family, Negatable

AH = 51


@extension
class Ah(Match):
    """IPv4: needs ``-p ah``. IPv6: the header may stand anywhere in the chain, and has two options more."""

    NAME = "ah"

    ahspi: Negatable[NumberRange] | None = option(SPI_RANGE, "--ahspi", negatable=True)
    ahlen: Negatable[int] | None = option(Integer(), "--ahlen", negatable=True, hidden=Negatable(0))
    ahres: bool = flag("--ahres")

    def check(self, context: Reading) -> None:
        """Refuse in IPv4 the options of IPv6 and another protocol."""
        if context.family is Family.IPV6:
            return
        if self.ahlen is not None or self.ahres:
            raise ValueError("--ahlen and --ahres are options of ip6tables")
        if context.protocol != AH:
            raise ValueError("-m ah needs -p ah")
