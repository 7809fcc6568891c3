"""Comparing rulesets."""

from __future__ import annotations

from iptc_sim.diff.edits import Difference, Edit
from iptc_sim.diff.structural import diff

__all__ = ["Difference", "Edit", "diff"]
