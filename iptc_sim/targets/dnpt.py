"""``-j DNPT``: swap the prefix of the destination, without connection tracking (ip6t_NPT.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import option
from iptc_sim.records import replace
from iptc_sim.target import Action, Alter, Drop, Effect, Target
from iptc_sim.value_types.npt import NO_PREFIX, NPT_PREFIX, translate_prefix
from iptc_sim.values import UNKNOWN, Family, Prefix


@extension
class DnptTarget(Target):
    """IPv6 only, in mangle."""

    NAME = "DNPT"
    FAMILIES = frozenset({Family.IPV6})
    TABLES = frozenset({"mangle"})
    HOOKS = frozenset({Hook.PREROUTING, Hook.OUTPUT})

    src_pfx: Prefix = option(NPT_PREFIX, "--src-pfx", required=True, hidden=NO_PREFIX)
    dst_pfx: Prefix = option(NPT_PREFIX, "--dst-pfx", required=True, hidden=NO_PREFIX)

    def act(self, at: Moment) -> Action:
        """Swap the prefix and go on; an address that cannot be made checksum-neutral is dropped."""
        packet, before = at.packet, at.packet.destination
        if before is UNKNOWN:
            return Effect("-j DNPT: the destination is not known")
        after = translate_prefix(before, self.src_pfx, self.dst_pfx)
        if after is None:
            return Drop()
        note = f"destination {before} => {after}"
        if before in self.src_pfx:
            return Alter(note, replace(packet, destination=after))
        from iptc_sim.wire import with_wrong_sum  # noqa: PLC0415 - what reads rules does not need it

        return Alter(f"{note}, of another sum: the checksum is wrong now", with_wrong_sum(packet, packet.source, after))
