"""Traces and diffs as text and JSON: pure functions of the data."""

from __future__ import annotations

from iptc_sim.render.as_json import odds_json, trace_json
from iptc_sim.render.detailed import render_detailed
from iptc_sim.render.diff_json import diff_json
from iptc_sim.render.diff_text import render_diff
from iptc_sim.render.odds_text import render_odds
from iptc_sim.render.path import render_path
from iptc_sim.render.words import Labels, odds_text, verdict

__all__ = [
    "Labels",
    "diff_json",
    "odds_json",
    "odds_text",
    "render_detailed",
    "render_diff",
    "render_odds",
    "render_path",
    "trace_json",
    "verdict",
]
