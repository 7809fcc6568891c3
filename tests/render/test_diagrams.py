"""Mermaid and DOT: what they show, that they are valid, and that hostile text stays text."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from lark import Lark

from iptc_sim import Trace, parse, trace
from iptc_sim.render import render_dot, render_mermaid
from iptc_sim.render.diagram import MAX_ENDS, draw

HOSTILE = '\\"]; --> evil %%{init: {}}%% <script> \\\\N &amp; `a` | #quot; end \x1b[2J \u202e'

RULES = f"""*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m comment --comment "{HOSTILE}" -m recent --name A --rcheck -j DNAT --to-destination 10.0.0.1
-A PREROUTING -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.0.2
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -d 10.0.0.1/32 -j REJECT
-A FORWARD -d 10.0.0.2/32 -j ACCEPT
COMMIT
"""

#: A line of the flowcharts written here: a box, an arrow or a style.
_BOX = re.compile(r'  n\d+[\[({>/]+"[\w .,:/+=()!?\'\-#;<>]*"[\])}/]+(:::\w+)?')
_ARROW = re.compile(r'  n\d+ -->(\|"[\w .,:/+=()!?\'\-#;]*"\|)? n\d+')


@pytest.fixture(scope="module")
def found() -> Trace:
    return trace(parse(RULES), "tcp 1.1.1.1:1 -> 2.2.2.2:80 in e\x1b[0m")


def test_dot_is_valid(found: Trace) -> None:
    text = render_dot(found)
    grammar = Path(__file__).with_name("dot.lark").read_text()
    tree = Lark(grammar, parser="lalr").parse(text)
    assert len(list(tree.find_data("edge_stmt"))) == len(draw(found).arrows)
    assert len(list(tree.find_data("node_stmt"))) == len(draw(found).boxes)
    assert "\x1b" not in text
    assert '\\"]; --> evil' in text  # the quote is escaped


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_takes_it(found: Trace) -> None:
    ran = subprocess.run(["dot", "-Tplain"], input=render_dot(found), capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    assert ran.stdout.count("\nnode ") == len(draw(found).boxes)


def test_mermaid_holds_only_what_we_write(found: Trace) -> None:
    first, *lines = render_mermaid(found).splitlines()
    assert first == "flowchart TD"
    boxes = [line for line in lines if _BOX.fullmatch(line)]
    arrows = [line for line in lines if _ARROW.fullmatch(line)]
    styles = [line for line in lines if line.startswith("  classDef ")]
    assert len(boxes) == len(draw(found).boxes)
    assert len(arrows) == len(draw(found).arrows)
    assert len(boxes) + len(arrows) + len(styles) == len(lines)
    text = "\n".join(boxes)
    assert set(re.findall(r"<[^>]*>", text)) == {"<br/>"}
    assert "%%" not in text
    assert "#34;#93;#59; --#62; evil #37;#37;#123;init: #123;#125;#125;#37;#37; #60;script#62;" in text


def test_the_graph_is_the_tree_of_the_trace(found: Trace) -> None:
    graph = draw(found, {"X": "y"})
    assert [arrow.end for arrow in graph.arrows] == [box.name for box in graph.boxes[1:]]  # each has one before it
    ends = [box.lines[0] for box in graph.boxes if box.kind in {"end", "bad"}]
    assert [text.split(" ")[0] for text in ends] == ["REJECTED", "forwarded", "DROPPED"]
    assert sum(arrow.text == "1/2 (50.000%)" for arrow in graph.arrows) == 2


def test_of_very_many_ends_the_first_are_drawn() -> None:
    lines = "".join(
        f"-A PREROUTING -p tcp -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.0.{n // 250}.{n % 250}\n"
        for n in range(MAX_ENDS + 10)
    )
    many = trace(f"*nat\n{lines}COMMIT\n", "tcp 1.1.1.1:1 -> 2.2.2.2:80 in e0")
    graph = draw(many)
    assert sum(box.kind == "end" for box in graph.boxes) == MAX_ENDS
    assert graph.boxes[-1].lines[0] == "... and 11 more ends"
