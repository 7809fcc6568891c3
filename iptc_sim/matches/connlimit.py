"""``-m connlimit``: how many connections an address or a network has (xt_connlimit.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import Reading, flag, option
from iptc_sim.value_types.mask import MaskLength
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.rate import turn_negated


@extension
class Connlimit(Match):
    """The mask and the side are always printed."""

    NAME = "connlimit"
    USES_CONNTRACK = True

    upto: int | None = option(Integer(), "--connlimit-upto", negatable=True)
    above: int | None = option(Integer(), "--connlimit-above", negatable=True)
    mask: int = option(MaskLength(holes=True), "--connlimit-mask", default=lambda family: family.bits)
    saddr: bool = flag("--connlimit-saddr")
    daddr: bool = flag("--connlimit-daddr")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Turn ``!`` into the opposite option; count by source unless ``--connlimit-daddr`` is given."""
        turn_negated(fields, "upto", "above")
        if not fields.get("daddr"):
            fields["saddr"] = True

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or both of the limits, and both of the sides."""
        self.demand_one("upto", "above")
        if self.saddr and self.daddr:
            raise ValueError("--connlimit-saddr and --connlimit-daddr exclude each other")
