"""``-j DROP``."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.target import Drop, Same, UniformTarget


@extension
class DropTarget(UniformTarget):
    """Ends the packet."""

    NAME = "DROP"
    NOT_IN = frozenset({"nat"})

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Drop."""
        return Drop()
