"""``-j REDIRECT``: rewrite the destination to this node (xt_REDIRECT.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import flag, option
from iptc_sim.target import Same, Translate, UniformTarget
from iptc_sim.tracking import Manip
from iptc_sim.value_types.nat import NAT_PORTS
from iptc_sim.values import PortRange


@extension
class RedirectTarget(UniformTarget):
    """In PREROUTING and OUTPUT of nat."""

    NAME = "REDIRECT"
    TABLES = frozenset({"nat"})
    HOOKS = frozenset({Hook.PREROUTING, Hook.OUTPUT})
    USES_CONNTRACK = True

    to_ports: PortRange | None = option(NAT_PORTS, "--to-ports")
    random: bool = flag("--random")

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Rewrite the destination."""
        return Translate(Manip.DESTINATION, ports=self.to_ports, redirect=True, random=self.random)
