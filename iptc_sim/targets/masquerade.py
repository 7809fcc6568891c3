"""``-j MASQUERADE``: rewrite the source to the out interface's address (xt_MASQUERADE.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import flag, option
from iptc_sim.target import Same, Translate, UniformTarget
from iptc_sim.tracking import Manip
from iptc_sim.value_types.nat import NAT_PORTS
from iptc_sim.values import PortRange


@extension
class MasqueradeTarget(UniformTarget):
    """In POSTROUTING of nat only."""

    NAME = "MASQUERADE"
    TABLES = frozenset({"nat"})
    HOOKS = frozenset({Hook.POSTROUTING})
    USES_CONNTRACK = True

    to_ports: PortRange | None = option(NAT_PORTS, "--to-ports")
    random: bool = flag("--random")
    random_fully: bool = flag("--random-fully")

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Rewrite the source."""
        drawn = self.random or self.random_fully
        return Translate(Manip.SOURCE, ports=self.to_ports, masquerade=True, random=drawn)
