"""``-j RETURN``."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.target import Return, Same, UniformTarget


@extension
class ReturnTarget(UniformTarget):
    """Goes back to the calling chain; in a built-in chain, to its policy."""

    NAME = "RETURN"

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Return."""
        return Return()
