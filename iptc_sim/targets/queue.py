"""``-j QUEUE``: hand the packet to queue 0, as ``-j NFQUEUE`` does."""

from __future__ import annotations

from iptc_sim.extension import Placement, extension
from iptc_sim.moment import Hook
from iptc_sim.target import Same, Steal, UniformTarget
from iptc_sim.values import Variant


@extension
class QueueTarget(UniformTarget):
    """A verdict of the old interface; nf_tables has none of that name."""

    NAME = "QUEUE"

    def refusal(self, place: Placement) -> str:
        """Refuse it in nf_tables."""
        return "" if place.variant is Variant.LEGACY else "nf_tables has no target QUEUE"

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Hand it over."""
        return Steal("queue 0: the program that listens there decides; without one the packet is dropped")
