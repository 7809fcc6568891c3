"""A trace as a graph for Graphviz, in the DOT language."""

from __future__ import annotations

from typing import Final

from iptc_sim.render.diagram import Box, draw
from iptc_sim.render.words import Labels
from iptc_sim.steps import Trace

_STYLES: Final = {
    "packet": 'shape=box style="rounded,bold"',
    "hook": 'shape=hexagon style=filled fillcolor="#dbeafe"',
    "rule": "shape=box",
    "change": 'shape=parallelogram style=filled fillcolor="#fef3c7"',
    "route": "shape=ellipse",
    "note": "shape=note",
    "end": 'shape=box style="rounded,filled" fillcolor="#dcfce7"',
    "bad": 'shape=box style="rounded,filled" fillcolor="#fee2e2"',
}


def render_dot(trace: Trace, labels: Labels | None = None) -> str:
    """Return the graph, ending with a newline."""
    graph = draw(trace, labels)
    lines = ["digraph trace {", '  node [fontname="sans-serif" fontsize=10];', '  edge [fontname="sans-serif"];']
    lines += [f"  {box.name} [label={_label(box)} {_STYLES[box.kind]}];" for box in graph.boxes]
    for arrow in graph.arrows:
        text = f" [label={_quoted(arrow.text)}]" if arrow.text else ""
        lines.append(f"  {arrow.start} -> {arrow.end}{text};")
    return "\n".join([*lines, "}"]) + "\n"


def _label(box: Box) -> str:
    inside = "\\n".join(map(_escaped, box.lines))
    return f'"{inside}"'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    r"""Return a text for a quoted string; a backslash would begin an escape such as ``\\N``, ``&`` an HTML entity."""
    return text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
