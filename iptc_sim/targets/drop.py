"""``-j DROP``."""

from __future__ import annotations

from iptc_sim.extension import Action, Drop, Moment, Target, extension


@extension
class DropTarget(Target):
    """Ends the packet."""

    NAME = "DROP"
    NOT_IN = frozenset({"nat"})

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Drop."""
        return Drop()
