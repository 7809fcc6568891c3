"""``-j TRACE``: have the kernel report every rule that the packet meets from here on (xt_TRACE.c)."""

from __future__ import annotations

from iptc_sim.extension import Action, Continue, Moment, Target, extension


@extension
class TraceTarget(Target):
    """In raw with the legacy backend, in every table with nf_tables."""

    NAME = "TRACE"

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Mark it for tracing and go on."""
        return Continue("traced from here on")
