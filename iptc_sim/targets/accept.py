"""``-j ACCEPT``."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.target import Accept, Same, UniformTarget


@extension
class AcceptTarget(UniformTarget):
    """Ends the walk of this table at this hook."""

    NAME = "ACCEPT"

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Accept."""
        return Accept()
