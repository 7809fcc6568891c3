"""A trace as a Mermaid flowchart."""

from __future__ import annotations

import re
from typing import Final

from iptc_sim.render.diagram import Box, draw
from iptc_sim.render.words import Labels
from iptc_sim.steps import Trace

#: Everything that could end a text or mean something to Mermaid, HTML or Markdown: quotes, brackets, ``%%``, ``#``...
_SPECIAL: Final = re.compile(r"[^\w .,:/+=()!?'-]", re.ASCII)

#: The brackets of each kind of box.
_SHAPES: Final = {
    "packet": ("([", "])"),
    "hook": ("{{", "}}"),
    "rule": ("[", "]"),
    "change": ("[/", "/]"),
    "route": ("(", ")"),
    "note": (">", "]"),
    "end": ("([", "])"),
    "bad": ("([", "])"),
}

_STYLES: Final = (
    "classDef hook fill:#dbeafe,stroke:#1d4ed8,color:#111",
    "classDef change fill:#fef3c7,stroke:#b45309,color:#111",
    "classDef end_ fill:#dcfce7,stroke:#15803d,color:#111",
    "classDef bad fill:#fee2e2,stroke:#b91c1c,color:#111",
)
_CLASSES: Final = {"hook": "hook", "change": "change", "end": "end_", "bad": "bad"}


def render_mermaid(trace: Trace, labels: Labels | None = None) -> str:
    """Return the flowchart, ending with a newline."""
    graph = draw(trace, labels)
    lines = ["flowchart TD"]
    lines += [f"  {_box(box)}" for box in graph.boxes]
    for arrow in graph.arrows:
        text = f'|"{_escaped(arrow.text)}"|' if arrow.text else ""
        lines.append(f"  {arrow.start} -->{text} {arrow.end}")
    return "\n".join([*lines, *(f"  {style}" for style in _STYLES)]) + "\n"


def _box(box: Box) -> str:
    left, right = _SHAPES[box.kind]
    style = f":::{_CLASSES[box.kind]}" if box.kind in _CLASSES else ""
    return f'{box.name}{left}"{"<br/>".join(map(_escaped, box.lines))}"{right}{style}'


def _escaped(text: str) -> str:
    """Return a text with everything special as an entity code of Mermaid, by its number."""
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)
