"""``-j NETMAP``: map a whole network one to one onto another (xt_NETMAP.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import option
from iptc_sim.target import Same, Translate, UniformTarget
from iptc_sim.tracking import Manip
from iptc_sim.value_types.host import NETWORK
from iptc_sim.values import Prefix


@extension
class NetmapTarget(UniformTarget):
    """The hook says which side: the destination before routing, the source behind it."""

    NAME = "NETMAP"
    TABLES = frozenset({"nat"})
    HOOKS = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING})
    USES_CONNTRACK = True

    to: Prefix = option(NETWORK, "--to", required=True)

    def same(self, hook: Hook) -> Same:
        """Move the address into the network, its host part kept."""
        before = hook in {Hook.PREROUTING, Hook.OUTPUT}
        return Translate(Manip.DESTINATION if before else Manip.SOURCE, network=self.to)
