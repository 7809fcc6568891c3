"""Traces and diffs as text, JSON and diagrams: pure functions of the data. Each is imported when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptc_sim.lazy import imported_when_used

if TYPE_CHECKING:
    from iptc_sim.render.as_json import odds_json, trace_json, trace_to_json
    from iptc_sim.render.detailed import render_detailed
    from iptc_sim.render.diff_json import diff_json, services_json
    from iptc_sim.render.diff_services import Around, render_services
    from iptc_sim.render.diff_text import render_diff
    from iptc_sim.render.dot import render_dot
    from iptc_sim.render.explained import explain, explain_rule, render_explained
    from iptc_sim.render.from_json import trace_from_json
    from iptc_sim.render.mermaid import render_mermaid
    from iptc_sim.render.minimal import render_minimal
    from iptc_sim.render.odds_text import render_odds
    from iptc_sim.render.path import render_path
    from iptc_sim.render.why import Place, find_places, render_why
    from iptc_sim.render.words import Labels, verdict
    from iptc_sim.render.xtables import render_xtables

_HOMES = {
    "as_json": ("odds_json", "trace_json", "trace_to_json"),
    "detailed": ("render_detailed",),
    "diff_json": ("diff_json", "services_json"),
    "diff_services": ("Around", "render_services"),
    "diff_text": ("render_diff",),
    "dot": ("render_dot",),
    "explained": ("explain", "explain_rule", "render_explained"),
    "from_json": ("trace_from_json",),
    "mermaid": ("render_mermaid",),
    "minimal": ("render_minimal",),
    "odds_text": ("render_odds",),
    "path": ("render_path",),
    "why": ("Place", "find_places", "render_why"),
    "words": ("Labels", "verdict"),
    "xtables": ("render_xtables",),
}

__all__ = [
    "Around", "Labels", "Place", "diff_json", "explain", "explain_rule", "find_places", "odds_json",
    "render_detailed", "render_diff", "render_dot", "render_explained", "render_mermaid", "render_minimal",
    "render_odds", "render_path", "render_services", "render_why", "render_xtables", "services_json",
    "trace_from_json", "trace_json", "trace_to_json", "verdict",
]  # fmt: skip


if not TYPE_CHECKING:  # a type checker must miss a name that is not there
    __getattr__ = imported_when_used(__name__, _HOMES)
