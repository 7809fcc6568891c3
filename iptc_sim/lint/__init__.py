"""What is odd in a ruleset that loads: rules that never match, chains that nothing uses, odds that are uneven."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptc_sim.lazy import imported_when_used

if TYPE_CHECKING:
    from iptc_sim.lint.baseline import baseline_text, without_known
    from iptc_sim.lint.finding import SEVERITIES, Finding, Spot
    from iptc_sim.lint.ignore import without_ignored
    from iptc_sim.lint.run import lint

_HOMES = {
    "baseline": ("baseline_text", "without_known"),
    "finding": ("SEVERITIES", "Finding", "Spot"),
    "ignore": ("without_ignored",),
    "run": ("lint",),
}

__all__ = ["SEVERITIES", "Finding", "Spot", "baseline_text", "lint", "without_ignored", "without_known"]

if not TYPE_CHECKING:
    __getattr__ = imported_when_used(__name__, _HOMES)
