"""``-j ACCEPT``."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.target import Accept, Action, Target


@extension
class AcceptTarget(Target):
    """Ends the walk of this table at this hook."""

    NAME = "ACCEPT"

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Accept."""
        return Accept()
