"""``-j DROP``."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.target import Action, Drop, Target


@extension
class DropTarget(Target):
    """Ends the packet."""

    NAME = "DROP"
    NOT_IN = frozenset({"nat"})

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Drop."""
        return Drop()
