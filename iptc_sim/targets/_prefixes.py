"""What SNPT and DNPT share: one side's prefix is swapped, without connection tracking (ip6t_NPT.c)."""

from __future__ import annotations

from typing import ClassVar

from iptc_sim.constraint import Asked, Field
from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.records import replace
from iptc_sim.target import Action, Alter, Change, Deed, Drop, Target, unchanged
from iptc_sim.tracking import Manip
from iptc_sim.value_types.npt import NO_PREFIX, NPT_PREFIX, translate_prefix
from iptc_sim.values import UNKNOWN, Family, Prefix


@extension
class PrefixTarget(Target):
    """IPv6 only, in mangle; ``SIDE`` says which address changes."""

    FAMILIES = frozenset({Family.IPV6})
    TABLES = frozenset({"mangle"})
    SIDE: ClassVar[Manip]

    src_pfx: Prefix = option(NPT_PREFIX, "--src-pfx", required=True, hidden=NO_PREFIX)
    dst_pfx: Prefix = option(NPT_PREFIX, "--dst-pfx", required=True, hidden=NO_PREFIX)

    def act(self, at: Moment) -> Action:
        """Swap the prefix and go on; an address that cannot be made checksum-neutral is dropped."""
        packet, from_source = at.packet, self.SIDE is Manip.SOURCE
        before = packet.source if from_source else packet.destination
        if before is UNKNOWN:
            return unchanged(self.NAME, f"the {self.SIDE} is not known")
        after = translate_prefix(before, self.src_pfx, self.dst_pfx)
        if after is None:
            return Drop()
        note = f"{self.SIDE} {before} => {after}"
        ends = (after, packet.destination) if from_source else (packet.source, after)
        if before in self.src_pfx:
            return Alter(note, replace(packet, source=ends[0], destination=ends[1]))
        from iptc_sim.wire.packets import with_wrong_sum  # noqa: PLC0415 - what reads rules does not need it

        return Alter(f"{note}, of another sum: the checksum is wrong now", with_wrong_sum(packet, *ends))

    def deed(self, asked: Asked) -> Deed:
        """Swap the prefix; that some addresses cannot be made neutral is not told."""
        return Change(
            f"{self.SIDE} {self.src_pfx} => {self.dst_pfx}",
            frozenset({Field.SOURCE if self.SIDE is Manip.SOURCE else Field.DESTINATION}),
            (self.name, *self.words(asked.variant)),
        )
