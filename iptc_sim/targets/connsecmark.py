"""``-j CONNSECMARK``: copy the security mark between packet and connection (xt_CONNSECMARK.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, flag
from iptc_sim.target import Continue, Same, UniformTarget


@extension
class ConnsecmarkTarget(UniformTarget):
    """In mangle and security only."""

    NAME = "CONNSECMARK"
    TABLES = frozenset({"mangle", "security"})
    USES_CONNTRACK = True

    save: bool = flag("--save")
    restore: bool = flag("--restore")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or both of the directions."""
        self.demand_one("save", "restore")

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Go on: nothing that chains or routing look at is changed."""
        return Continue("the security mark is copied")
