"""The way of a packet through a ruleset on a node."""

from __future__ import annotations

from iptc_sim.engine.explore import explore
from iptc_sim.engine.pick import pick_branch
from iptc_sim.engine.reply import with_replies
from iptc_sim.engine.session import Session

__all__ = ["Session", "explore", "pick_branch", "with_replies"]
