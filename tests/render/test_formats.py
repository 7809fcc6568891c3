"""The formats of a trace: JSON against its schema, text against what a person must find in it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptc_sim import Settings, compile_services, diff, load_cluster, parse, trace
from iptc_sim.diagnostics import read_source
from iptc_sim.engine.outcomes import outcomes
from iptc_sim.flows import NodeOptions, read_node
from iptc_sim.render import diff_json, odds_json, render_detailed, render_odds, render_path, trace_from_json, trace_json
from iptc_sim.resources import resource_text
from iptc_sim.ruleset import Ruleset

POD = "tcp 172.17.0.9:33000 -> 10.97.126.137:8125 in docker0"


def schema(name: str, version: int = 2) -> dict[str, object]:
    found: dict[str, object] = json.loads(resource_text("iptc_sim", "render", "schemas", f"{name}-{version}.json"))
    return found


@pytest.fixture(scope="module")
def cluster_rules(seed: Path) -> Ruleset:
    sources = [read_source(name, seed / name) for name in ("services.yaml", "endpoints.yaml")]
    chosen = Settings(release="1.11")
    return compile_services(load_cluster(sources, chosen), chosen)


def test_trace_json_fits_its_schema(cluster_rules: Ruleset) -> None:
    node = read_node(NodeOptions(iface=("docker0=172.17.0.1/16", "eth0=192.168.0.29/24")))
    for flow in (
        POD,
        "tcp 172.17.0.4:1 -> 10.97.126.137:8125 in docker0",
        "udp 1.1.1.1:1 -> 2.2.2.2:2",
        "icmp 1.1.1.1 -> 2.2.2.2 from host",
    ):
        for machine in (node, None):
            record = json.loads(trace_json(trace(cluster_rules, flow, machine, reply=True)))
            jsonschema.validate(record, schema("trace"))


def test_json_tells_the_whole_tree(cluster_rules: Ruleset) -> None:
    record = json.loads(trace_json(trace(cluster_rules, POD)))
    assert [end["odds"]["fraction"] for end in record["ends"]] == [
        "178955181/536870912", "357915731/1073741824", "357915731/1073741824",
    ]  # fmt: skip
    assert [end["packet"]["destination"] for end in record["ends"]] == ["172.17.0.4", "172.17.0.5", "172.17.0.6"]
    stem = record["segments"][0]["steps"]
    assert [step["chain"] for step in stem if step["step"] == "rule" and step["matched"]] == [
        "PREROUTING",
        "KUBE-SERVICES",
    ]
    missed = [step for step in stem if step["step"] == "rule" and not step["matched"]]
    assert missed[0]["why_not"] == "-d 10.96.0.1/32: the destination is 10.97.126.137"


def test_odds_and_diff_json_fit_their_schemas(cluster_rules: Ruleset) -> None:
    found = trace(cluster_rules, POD)
    jsonschema.validate(json.loads(odds_json(found, outcomes(found))), schema("odds"))
    other = parse(
        "*nat\n:PREROUTING DROP [0:0]\n:mine - [0:0]\n-A KUBE-MARK-MASQ -j MARK --set-mark 1\n-A mine -j DROP\nCOMMIT\n"
    )
    for a, b in ((cluster_rules, other), (other, cluster_rules), (other, other)):
        jsonschema.validate(json.loads(diff_json(diff(a, b))), schema("diff", 3))


def test_path_names_the_chains_the_branches_and_the_verdict(cluster_rules: Ruleset) -> None:
    text = render_path(trace(cluster_rules, POD))
    assert text.splitlines()[0] == f"packet   {POD}"
    assert "  nat PREROUTING rule 1 -> KUBE-SERVICES" in text
    assert "3 ways on from here:" in text
    for number, (odds, endpoint) in enumerate(
        [("178955181/536870912 (33.333%)", "172.17.0.4:80"), ("357915731/1073741824 (33.334%)", "172.17.0.5:80")], 1
    ):
        assert f"{number}) {odds}" in text
        assert f"     destination 10.97.126.137:8125 => {endpoint} [DNAT]" in text
    assert "KUBE-POSTROUTING" not in text  # it was entered and did nothing


def test_path_shows_why_nothing_was_translated(seed: Path) -> None:
    rules = (seed / "docker-nat.rules").read_text()
    local = render_path(trace(rules, "tcp 127.0.0.1:40000 -> 127.0.0.2:8080"))
    assert "  nat OUTPUT rule 1 (DOCKER) does not fit: ! -d 127.0.0.0/8: the destination is 127.0.0.2" in local
    assert local.splitlines()[-1] == "=> delivered on this node to 127.0.0.2:8080 (not translated)"
    container = render_path(trace(rules, "tcp 172.17.0.8:40000 -> 127.0.0.2:8080 in docker0"))
    assert "  nat DOCKER rule 1 (DNAT) does not fit: ! -i docker0: the in interface is docker0" in container


def test_path_of_many_branches_is_a_line_each() -> None:
    rules = "*nat\n-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.20\nCOMMIT\n"
    text = render_path(trace(rules, "tcp 1.1.1.1:1 -> 2.2.2.2:80 in eth0"))
    assert "20 ways on from here:" in text
    assert text.count("[DNAT]") == 0
    assert len(text.splitlines()) < 60


def test_detailed_shows_every_rule_looked_at(cluster_rules: Ruleset) -> None:
    text = render_detailed(trace(cluster_rules, "tcp 172.17.0.9:1 -> 8.8.8.8:53 in docker0"))
    assert "rule 2 no: -d 10.97.126.137/32: the destination is 8.8.8.8" in text
    assert "conntrack: NEW ORIGINAL" in text
    assert "nat POSTROUTING policy ACCEPT" in text


def test_odds_text(cluster_rules: Ruleset) -> None:
    found = trace(cluster_rules, POD)
    lines = render_odds(found, outcomes(found)).splitlines()
    assert lines[2].split() == ["forward", "172.17.0.4:80", "178955181/536870912", "33.333%"]


def test_input_is_escaped_in_every_text_format() -> None:
    rules = parse("*nat\n:EVIL\x1b[31m - [0:0]\n-A PREROUTING -m comment --comment \"\x1b[2J\" -j EVIL\x1b[31m\n"
                  "-A EVIL\x1b[31m -p tcp -j DNAT --to-destination 1.2.3.4\nCOMMIT\n")  # fmt: skip
    found = trace(rules, "tcp 1.1.1.1:1 -> 2.2.2.2:80 in e\x1b[0m")
    for text in (render_path(found), render_detailed(found), trace_json(found), render_odds(found, outcomes(found))):
        assert "\x1b" not in text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 1 << 31), min_size=1, max_size=8), st.booleans())
def test_odds_of_any_statistic_chain_sum_to_exactly_one(thresholds: list[int], final: bool) -> None:
    lines = [
        f"-A PREROUTING -p tcp -m statistic --mode random --probability {threshold / (1 << 31):.12f} "
        f"-j DNAT --to-destination 10.0.0.{number}:80"
        for number, threshold in enumerate(thresholds, 1)
    ]
    last = ["-A PREROUTING -p tcp -j DNAT --to-destination 10.0.1.1:80"] if final else []
    rules = parse("\n".join(["*nat", *lines, *last, "COMMIT", ""]))
    found = trace(rules, "tcp 1.1.1.1:1 -> 2.2.2.2:80 in eth0")
    total = found.ends[0].odds
    assert total is not None
    for end in found.ends[1:]:
        assert end.odds is not None
        total = total + end.odds
    assert total.fraction == 1
    assert trace(rules, "tcp 1.1.1.1:1 -> 2.2.2.2:80 in eth0") == found


def test_path_gives_the_odds_that_hold_once_what_is_not_known_is_settled() -> None:
    rules = (
        "*nat\n"
        "-A PREROUTING -p tcp -m recent --name A --rcheck -j DNAT --to-destination 10.0.0.1\n"
        "-A PREROUTING -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.0.2\n"
        "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.3\nCOMMIT\n"
    )
    text = render_path(trace(rules, "tcp 1.1.1.1:1 -> 2.2.2.2:80 in eth0"))
    assert "1) if\n   nat PREROUTING rule 1 fits: whether 1.1.1.1 is on the list A is not known\n" in text
    assert "2) 1/2 (50.000%), if\n   nat PREROUTING rule 1 does not fit: whether 1.1.1.1 is on the list A" in text
    picked = render_path(trace(rules, "tcp 1.1.1.1:1 -> 2.2.2.2:80 in eth0", pick="3"))
    assert "one branch of several: 1/2 (50.000%), if\n" in picked


def test_odds_of_very_many_branches_are_told_in_percent() -> None:
    """The exact fraction of the last of 200 endpoints has numbers of 6,000 bits."""
    count = 200
    lines = [
        f"-A PREROUTING -p tcp -m statistic --mode random --probability {1 / (count - number):.11f} "
        f"-j DNAT --to-destination 10.0.0.{number}"
        for number in range(count - 1)
    ]
    rules = "\n".join(["*nat", *lines, "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.1.1", "COMMIT", ""])
    found = trace(rules, "tcp 1.1.1.1:1 -> 2.2.2.2:80 in eth0")
    last = json.loads(trace_json(found))["ends"][-1]["odds"]
    assert last == {"fraction": None, "percent": "0.500%", "exact": None}
    assert trace_from_json(trace_json(found)) == found
    assert "about 0.500%" in render_path(found)
    assert render_odds(found, outcomes(found)).splitlines()[-1].split() == ["forward", "10.0.1.1:80", "0.500%"]
    jsonschema.validate(json.loads(odds_json(found, outcomes(found))), schema("odds"))
