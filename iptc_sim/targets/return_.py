"""``-j RETURN``."""

from __future__ import annotations

from iptc_sim.extension import Action, Moment, Return, Target, extension


@extension
class ReturnTarget(Target):
    """Goes back to the calling chain; in a built-in chain, to its policy."""

    NAME = "RETURN"

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Return."""
        return Return()
