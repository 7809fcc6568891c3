"""``-j QUEUE``: hand the packet to queue 0, as ``-j NFQUEUE`` does."""

from __future__ import annotations

from iptc_sim.extension import Placement, extension
from iptc_sim.moment import Moment
from iptc_sim.target import Action, Steal, Target
from iptc_sim.values import Variant


@extension
class QueueTarget(Target):
    """A verdict of the old interface; nf_tables has none of that name."""

    NAME = "QUEUE"

    def refusal(self, place: Placement) -> str:
        """Refuse it in nf_tables."""
        return "" if place.variant is Variant.LEGACY else "nf_tables has no target QUEUE"

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Hand it over."""
        return Steal("queue 0: the program that listens there decides; without one the packet is dropped")
