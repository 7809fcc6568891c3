"""``iptc-sim trace``: formats, ``--why``, ``--explain``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iptc_sim import trace_from_json
from iptc_sim.cli.shown import FORMATS
from tests.conftest import Runner
from tests.strategies import ladder

RULES = """*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
"""
EXCERPT = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\n"
FLOW = "tcp 10.0.0.9:1 -> 10.0.0.1:8080 in eth0"


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shown") / "node.save"
    path.write_text(RULES)
    return path


@pytest.mark.parametrize(
    ("shape", "line"),
    [
        ("path", "=> forwarded to 172.17.0.2:80 (destination 10.0.0.1:8080 translated)"),
        ("detailed", "PREROUTING is left: tcp 10.0.0.9:1 -> 172.17.0.2:80 in eth0"),
        ("minimal", ("forward tcp 10.0.0.9:1 -> 172.17.0.2:80 in eth0 out ? ; odds 1 ; PREROUTING nat PREROUTING:1 JUMP "
                    "DOCKER ; PREROUTING nat DOCKER:1 DNAT ; POSTROUTING nat POSTROUTING:policy ACCEPT")),
        ("xtables", (" TRACE: 2 00000001 nat:PREROUTING:rule:0x6:JUMP:DOCKER  -4 -t nat -A PREROUTING -m addrtype --dst-type "
                    "LOCAL -j DOCKER")),
        ("json", '  "schema": "iptc-sim/trace/2",'),
        ("mermaid", "  n0 --> n1"),
        ("dot", "digraph trace {"),
    ],
)  # fmt: skip
def test_formats(iptc_sim: Runner, dump: Path, shape: str, line: str) -> None:
    ran = iptc_sim("trace", dump, "--local", "10.0.0.1", "--flow", FLOW, "--format", shape)
    assert (ran.status, ran.err) == (0, "")
    assert line in ran.out.splitlines()
    assert shape in FORMATS


def test_json_is_read_back(iptc_sim: Runner, dump: Path) -> None:
    ran = iptc_sim("trace", dump, "--flow", FLOW, "--flow", FLOW, "--format", "json", "--explain")
    first, second = ran.out.splitlines()
    assert trace_from_json(first) == trace_from_json(second)
    steps = json.loads(first)["segments"][0]["steps"]
    told = [step["explain"] for step in steps if step.get("matched")]
    assert told == [] or told[0].startswith("If its destination")


def test_minimal_is_a_line_a_packet(iptc_sim: Runner, dump: Path) -> None:
    ran = iptc_sim("trace", dump, "--flow", FLOW, "--flow", FLOW, "--format", "minimal")
    assert len(ran.out.splitlines()) == 2


def test_explain_adds_sentences(iptc_sim: Runner, dump: Path) -> None:
    ran = iptc_sim("trace", dump, "--local", "10.0.0.1", "--flow", FLOW, "--explain")
    assert ran.out.splitlines()[-3:] == [
        "in words:",
        ("nat PREROUTING rule 1: If its destination is an address of type LOCAL, the walk goes on in chain DOCKER, and "
        "comes back here if nothing there decides."),
        ("nat DOCKER rule 1: If it is TCP, it does not come in by docker0 and its destination port is 8080, its "
        "destination becomes 172.17.0.2, port 80, for the whole connection."),
    ]  # fmt: skip


def test_why_answers_each_question(iptc_sim: Runner, dump: Path) -> None:
    ran = iptc_sim("trace", dump, "--local", "10.0.0.1", "--flow", FLOW, "--why", "DOCKER:1", "--why", "nat/OUTPUT")
    assert ran.status == 0
    assert "  it is reached in PREROUTING, and fits: DNAT" in ran.out.splitlines()
    assert "  only packets made on this node pass OUTPUT; this one comes in from outside" in ran.out.splitlines()


def test_why_knows_the_jump_that_an_excerpt_lacks(iptc_sim: Runner, tmp_path: Path) -> None:
    path = tmp_path / "nat.txt"
    path.write_text(EXCERPT)
    ran = iptc_sim("trace", path, "--table", "nat", "--flow", FLOW, "--why", "DOCKER:1")
    assert "nat PREROUTING rule 1 (-> DOCKER) is reached in PREROUTING, and does not fit: --dst-type LOCAL" in ran.out
    ran = iptc_sim("trace", path, "--table", "nat", "--flow", FLOW, "--why", "DOCKER:1", "--as-is")
    assert "no rule of table nat jumps to DOCKER" in ran.out


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (("--format", "dott"), "did you mean dot?"),
        (("--why", "DOCKR"), "did you mean DOCKER?"),
        (("--why", "DOCKER:2"), "nat DOCKER has 1"),
        (("--why", "filter/DOCKER"), "no chain filter/DOCKER"),
        (("--why", "DOCKER", "--format", "json"), "--why and --format"),
        (("--why", "DOCKER", "--explain"), "--explain and --why"),
        (("--explain", "--format", "xtables"), "--explain and --format xtables"),
        (("--flow", FLOW, "--format", "mermaid"), "2 packets are given"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    iptc_sim: Runner, dump: Path, options: tuple[str, ...], shown: str
) -> None:
    ran = iptc_sim("trace", dump, "--flow", FLOW, *options)
    assert ran.status == 2
    assert ran.out == ""
    assert "error IPT004" in ran.err
    assert shown in ran.err


def test_help_tells_the_formats(iptc_sim: Runner) -> None:
    ran = iptc_sim("trace", "--help")
    assert ran.status == 0
    for shape in FORMATS:
        assert f"\n    {shape} " in ran.out
    assert "--why DOCKER:2" in ran.out


def test_variant(iptc_sim: Runner, tmp_path: Path) -> None:
    """iptables-legacy loads chains that nf_tables refuses for their depth."""
    deep = tmp_path / "deep.save"
    deep.write_text(ladder(20))
    packet = ("--flow", "tcp 10.0.0.9:1 -> 10.0.0.1:80 in eth0", "--format", "minimal")
    assert "error IPT033" in iptc_sim("trace", deep, *packet).err
    ran = iptc_sim("trace", deep, *packet, "--variant", "legacy")
    assert (ran.status, ran.out[:5]) == (0, "drop ")
    assert "--variant: error IPT004" in iptc_sim("trace", deep, *packet, "--variant", "ipchains").err
