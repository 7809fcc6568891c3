"""``-j DNAT``: rewrite the destination (xt_nat.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import flag, option
from iptc_sim.target import Same, Translate, UniformTarget
from iptc_sim.tracking import Manip
from iptc_sim.value_types.nat import NAT_RANGE, NatRange


@extension
class DnatTarget(UniformTarget):
    """In PREROUTING and OUTPUT of nat."""

    NAME = "DNAT"
    TABLES = frozenset({"nat"})
    HOOKS = frozenset({Hook.PREROUTING, Hook.OUTPUT})
    USES_CONNTRACK = True
    PATTERNS_SUFFICE = True

    to: NatRange = option(NAT_RANGE, "--to-destination", required=True)
    random: bool = flag("--random")
    persistent: bool = flag("--persistent")

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Rewrite the destination; ``--random`` draws the port only."""
        to, fixed = self.to, self.persistent
        return Translate(Manip.DESTINATION, to.addresses, to.ports, base=to.base, random=self.random, persistent=fixed)
