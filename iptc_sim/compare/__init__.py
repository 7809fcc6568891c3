"""Comparing rulesets."""

from __future__ import annotations

from iptc_sim.compare.edits import Difference, Edit
from iptc_sim.compare.patch import patch
from iptc_sim.compare.structural import diff

__all__ = ["Difference", "Edit", "diff", "patch"]
