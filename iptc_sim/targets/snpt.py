"""``-j SNPT``: swap the prefix of the source, without connection tracking (ip6t_NPT.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import option
from iptc_sim.records import replace
from iptc_sim.target import Action, Alter, Drop, Effect, Target
from iptc_sim.value_types.npt import NO_PREFIX, NPT_PREFIX, translate_prefix
from iptc_sim.values import UNKNOWN, Family, Prefix


@extension
class SnptTarget(Target):
    """IPv6 only, in mangle."""

    NAME = "SNPT"
    FAMILIES = frozenset({Family.IPV6})
    TABLES = frozenset({"mangle"})
    HOOKS = frozenset({Hook.INPUT, Hook.POSTROUTING})

    src_pfx: Prefix = option(NPT_PREFIX, "--src-pfx", required=True, hidden=NO_PREFIX)
    dst_pfx: Prefix = option(NPT_PREFIX, "--dst-pfx", required=True, hidden=NO_PREFIX)

    def act(self, at: Moment) -> Action:
        """Swap the prefix and go on; an address that cannot be made checksum-neutral is dropped."""
        packet, before = at.packet, at.packet.source
        if before is UNKNOWN:
            return Effect("-j SNPT: the source is not known")
        after = translate_prefix(before, self.src_pfx, self.dst_pfx)
        if after is None:
            return Drop()
        note = f"source {before} => {after}"
        if before in self.src_pfx:
            return Alter(note, replace(packet, source=after))
        from iptc_sim.wire import with_wrong_sum  # noqa: PLC0415 - what reads rules does not need it

        return Alter(
            f"{note}, of another sum: the checksum is wrong now", with_wrong_sum(packet, after, packet.destination)
        )
