"""``-j TRACE``: have the kernel report every rule that the packet meets from here on (xt_TRACE.c)."""

from __future__ import annotations

from iptc_sim.extension import Placement, extension
from iptc_sim.moment import Hook
from iptc_sim.target import Continue, Same, Target, UniformTarget
from iptc_sim.values import Variant


@extension
class TraceTarget(UniformTarget):
    """In raw with the legacy backend, in every table with nf_tables."""

    NAME = "TRACE"

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Mark it for tracing and go on."""
        return Continue("traced from here on")

    def refusal(self, place: Placement) -> str:
        """Only the old interface keeps it to one table."""
        if place.variant is Variant.LEGACY and place.table != "raw":
            return "TRACE can stand only in table raw"
        return Target.refusal(self, place)
