"""``iptc-sim parse``, and JSON where rules are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Runner

DUMP = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 80 -j DROP
COMMIT
"""
FLOW = "tcp 192.0.2.1:1 -> 192.0.2.2:80 in eth0"


@pytest.fixture(scope="module")
def node_json(iptc_sim: Runner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    ran = iptc_sim("parse", "-", stdin=DUMP)
    assert (ran.status, ran.err) == (0, "")
    path = tmp_path_factory.mktemp("parse") / "node.json"
    path.write_text(ran.out)
    return path


def test_json_is_typed(node_json: Path) -> None:
    record = json.loads(node_json.read_text())
    rule = record["tables"]["filter"]["chains"][0]["rules"][0]
    assert rule["matches"] == [
        {"name": "tcp", "options": {"dport": {"negated": False, "value": {"first": 80, "last": 80}}}}
    ]


def test_every_command_reads_it(iptc_sim: Runner, node_json: Path, tmp_path: Path) -> None:
    assert iptc_sim("fmt", node_json).out == DUMP
    assert iptc_sim("fmt", "-", stdin=node_json.read_bytes()).out == DUMP
    assert iptc_sim("parse", node_json).out == node_json.read_text()
    assert iptc_sim("check", node_json).status == 0
    (tmp_path / "node.save").write_text(DUMP)
    assert iptc_sim("diff", node_json, tmp_path / "node.save").status == 0
    assert "DROP" in iptc_sim("odds", node_json, "--flow", FLOW, "--local", "192.0.2.2").out.upper()


def test_wrong_json_is_one_block(iptc_sim: Runner, node_json: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(node_json.read_text().replace('"first": 80', '"first": "80"'))
    ran = iptc_sim("fmt", "x.json", cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert "x.json: tables.filter.chains[0].rules[0].matches[0].options.dport.value.first: error IPT056" in ran.err
    path.write_text('{"version": 1,')
    ran = iptc_sim("parse", "x.json", cwd=tmp_path)
    assert ran.status == 2
    assert "x.json:1:" in ran.err
    assert "error IPT055" in ran.err


def test_usage(iptc_sim: Runner, node_json: Path) -> None:
    for args in (
        ("parse", node_json, "--format", "yaml"),
        ("parse", node_json, node_json),
        ("parse", node_json, "--family", "6"),
    ):
        ran = iptc_sim(*args)
        assert ran.status == 2
        assert "error IPT004" in ran.err
