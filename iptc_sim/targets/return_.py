"""``-j RETURN``."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.target import Action, Return, Target


@extension
class ReturnTarget(Target):
    """Goes back to the calling chain; in a built-in chain, to its policy."""

    NAME = "RETURN"

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Return."""
        return Return()
