"""``-j NOTRACK``: keep the packet out of connection tracking, as ``-j CT --notrack`` does (xt_CT.c, notrack_tg)."""

from __future__ import annotations

from iptc_sim.constraint import Asked
from iptc_sim.extension import extension
from iptc_sim.moment import Hook, Moment
from iptc_sim.target import Action, Continue, Deed, Prepare, Target


@extension
class NotrackTarget(Target):
    """In raw only; printed under its own name."""

    NAME = "NOTRACK"
    TABLES = frozenset({"raw"})
    HOOKS = frozenset({Hook.PREROUTING, Hook.OUTPUT})

    def act(self, at: Moment) -> Action:
        """Keep it out; a packet that has an entry already (it came by lo) stays as it is."""
        if at.connection is not None:
            return Continue("the packet has its conntrack entry already")
        return Prepare(untracked=True)

    def deed(self, asked: Asked) -> Deed:  # noqa: ARG002 - the interface
        """Keep a packet out that has no entry yet."""
        return Prepare(untracked=True)
