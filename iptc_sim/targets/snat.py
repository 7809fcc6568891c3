"""``-j SNAT``: rewrite the source (xt_nat.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import flag, option
from iptc_sim.target import Same, Translate, UniformTarget
from iptc_sim.tracking import Manip
from iptc_sim.value_types.nat import SOURCE_RANGE, NatRange


@extension
class SnatTarget(UniformTarget):
    """In POSTROUTING and INPUT of nat."""

    NAME = "SNAT"
    TABLES = frozenset({"nat"})
    HOOKS = frozenset({Hook.POSTROUTING, Hook.INPUT})
    USES_CONNTRACK = True

    to: NatRange = option(SOURCE_RANGE, "--to-source", required=True)
    random: bool = flag("--random")
    random_fully: bool = flag("--random-fully")
    persistent: bool = flag("--persistent")

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Rewrite the source."""
        drawn = self.random or self.random_fully
        return Translate(Manip.SOURCE, self.to.addresses, self.to.ports, random=drawn, persistent=self.persistent)
