"""A trace as JSON and back; the schemas that are checked in."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from iptc_sim import InputError, Trace, parse, trace, trace_from_json, trace_to_json
from iptc_sim.flows import NodeOptions, read_node
from iptc_sim.render import trace_json
from iptc_sim.render.trace_schema import odds_schema, schema_text, trace_schema
from iptc_sim.resources import resource_text
from tests.render.drawn_traces import traces

RULES = """*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p icmp -j NOTRACK
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
-A PREROUTING -j MARK --set-xmark 0x4/0x4
-A PREROUTING -p udp -j TTL --ttl-set 9
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -o eth1 -j MASQUERADE
-A DOCKER -p tcp -m statistic --mode random --probability 0.25 -j DNAT --to-destination 10.0.1.2:80
-A DOCKER -p tcp -m recent --rcheck --name A -j DNAT --to-destination 10.0.1.3-10.0.1.4
COMMIT
*filter
:FORWARD DROP [0:0]
:INPUT ACCEPT [0:0]
-A INPUT -p udp -m udp --dport 1 -j NFQUEUE --queue-num 3
-A INPUT -m foo -j FOO
-A INPUT -j REJECT
-A FORWARD -m limit --limit 1/s -j LOG
-A FORWARD -p tcp -j ACCEPT
COMMIT
"""
FLOWS = (
    "tcp 10.0.0.9:1 -> 10.0.0.1:8080 in eth0",
    "tcp 10.0.0.9:1 -> 10.0.0.1:8080",
    "udp 10.0.0.9:1 -> 10.0.0.1:1 in eth0",
    "icmp 10.0.0.9 -> 10.0.0.1 in eth0",
    "tcp 10.0.0.1:1 -> 10.0.1.9:1 from host",
    "udp 127.0.0.1:1 -> 127.0.0.1:2",
)


def _traces() -> list[Trace]:
    node = read_node(NodeOptions(iface=("eth0=10.0.0.1/24", "eth1=10.0.1.1/24")))
    rules = parse(RULES)
    return [trace(rules, flow, machine, reply=True) for flow in FLOWS for machine in (node, None)]


def _schema() -> Any:
    return json.loads(resource_text("iptc_sim", "render", "schemas", "trace-2.json"))


def test_the_schemas_that_are_checked_in_are_those_of_the_forms() -> None:
    for name, made in (("trace", trace_schema()), ("odds", odds_schema())):
        assert resource_text("iptc_sim", "render", "schemas", f"{name}-2.json") == schema_text(made)
        jsonschema.Draft202012Validator.check_schema(made)


@pytest.mark.parametrize("found", _traces(), ids=lambda found: str(found.flow.packet))
def test_a_trace_fits_the_schema_and_comes_back_equal(found: Trace) -> None:
    text = trace_json(found, {"DOCKER": "docker"}, explain=True)
    jsonschema.validate(json.loads(text), _schema())
    assert trace_from_json(text) == found
    assert trace_from_json(trace_to_json(found)) == found


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(traces())
def test_any_trace_comes_back_equal(found: Trace) -> None:
    assert trace_from_json(trace_to_json(found)) == found


def test_each_end_has_a_flat_list_of_what_matched_and_its_headers_at_every_hook() -> None:
    found = _traces()[0]
    end = json.loads(trace_json(found))["ends"][0]
    rows = [
        (row["hook"], row["table"], row["chain"], row["rule"], row["verdict"], row["target_chain"], row["target"])
        for row in end["matched"]
    ]
    assert rows == [
        ("PREROUTING", "raw", "PREROUTING", None, "ACCEPT", None, None),
        ("PREROUTING", "mangle", "PREROUTING", 1, "CONTINUE", None, "MARK"),
        ("PREROUTING", "mangle", "PREROUTING", None, "ACCEPT", None, None),
        ("PREROUTING", "nat", "PREROUTING", 1, "JUMP", "DOCKER", "DOCKER"),
        ("PREROUTING", "nat", "DOCKER", 1, "ACCEPT", None, "DNAT"),
        ("FORWARD", "mangle", "FORWARD", None, "ACCEPT", None, None),
        ("FORWARD", "filter", "FORWARD", 1, "CONTINUE", None, "LOG"),
        ("FORWARD", "filter", "FORWARD", 2, "ACCEPT", None, "ACCEPT"),
        ("POSTROUTING", "mangle", "POSTROUTING", None, "ACCEPT", None, None),
        ("POSTROUTING", "nat", "POSTROUTING", 1, "ACCEPT", None, "MASQUERADE"),
    ]
    assert [row["maybe"] for row in end["matched"]].index(True) == 6  # of the limit it cannot be told
    at = [(row["hook"], row["begin"], row["end"]) for row in end["hooks"]]
    told = [
        (hook, (one["destination"], one["mark"], one["source"]), (two["destination"], two["mark"], two["source"]))
        for hook, one, two in at
    ]
    assert told == [
        ("PREROUTING", ("10.0.0.1", 0, "10.0.0.9"), ("10.0.1.2", 4, "10.0.0.9")),
        ("FORWARD", ("10.0.1.2", 4, "10.0.0.9"), ("10.0.1.2", 4, "10.0.0.9")),
        ("POSTROUTING", ("10.0.1.2", 4, "10.0.0.9"), ("10.0.1.2", 4, "10.0.1.1")),
    ]


def test_a_verdict_is_the_kernels_reject_drops() -> None:
    drop = json.loads(trace_json(trace("*filter\n-A INPUT -j REJECT\nCOMMIT\n", "udp 127.0.0.1:1 -> 127.0.0.1:2")))
    assert [row["verdict"] for row in drop["ends"][0]["matched"]][-1] == "DROP"
    assert drop["ends"][0]["hooks"][-1]["end"] is None


def test_unknown_and_absent_are_told_apart() -> None:
    rules = "*nat\n-A PREROUTING -j REDIRECT\nCOMMIT\n"
    packet = json.loads(trace_json(trace(rules, "udp 1.1.1.1 -> 2.2.2.2")))["flow"]["packet"]
    assert (packet["sport"], packet["in_interface"], packet["out_interface"]) == ("?", "?", None)
    packet = json.loads(trace_json(trace(rules, "icmp 1.1.1.1 -> 2.2.2.2 from host")))["flow"]["packet"]
    assert (packet["sport"], packet["in_interface"], packet["icmp_id"]) == (None, None, None)
    end = json.loads(trace_json(trace(rules, "udp 1.1.1.1:1 -> 2.2.2.2:3 in eth0")))["ends"][0]["packet"]
    assert (end["destination"], end["dport"]) == ("?", 3)


WRONG: list[tuple[str, Any, str]] = [
    ("schema", "iptc-sim/trace/1", "schema"),
    ("family", 5, "family"),
    ("family", True, "family"),
    ("extra", 1, "extra"),
    ("assumptions", "x", "assumptions"),
    ("flow.packet.protocol", "tcpp", "flow.packet.protocol"),
    ("flow.packet.source", "1.1.1", "flow.packet.source"),
    ("flow.packet.source", "::1", "flow.packet"),
    ("flow.packet.sport", -1, "flow.packet.sport"),
    ("flow.packet.in_interface", 7, "flow.packet.in_interface"),
    ("segments.0.number", 3, "segments[0].number"),
    ("segments.0.parent", 0, "segments[0].parent"),
    ("segments.1.parent", 5, "segments[1].parent"),
    ("segments.0.steps.0.step", "hop", "segments[0].steps[0].step"),
    ("segments.0.steps.0", [], "segments[0].steps[0]"),
    ("segments.1.chance.exact", "1/0", "segments[1].chance.exact"),
    ("ends.0.segment", 99, "ends[0].segment"),
    ("ends.0.fate", "gone", "ends[0].fate"),
    ("ends.0.decided_by", {"table": "nat"}, "ends[0].decided_by"),
]


@pytest.mark.parametrize(("path", "value", "subject"), WRONG)
def test_what_is_no_trace_is_refused_with_its_path(path: str, value: object, subject: str) -> None:
    record = json.loads(trace_json(_traces()[0]))
    *keys, last = path.split(".")
    place: Any = record
    for key in keys:
        place = place[int(key) if isinstance(place, list) else key]
    place[int(last) if isinstance(place, list) else last] = value
    with pytest.raises(InputError) as raised:
        trace_from_json(json.dumps(record))
    (found,) = raised.value.diagnostics
    assert found.code == "IPT057"
    assert found.subject.removeprefix("<text>: ") in {subject, "<text>"}


@pytest.mark.parametrize(
    ("text", "code"),
    [("{", "IPT055"), ("[]", "IPT057"), ("1", "IPT057"), ('{"schema": 2}', "IPT057"), ("[" * 100_000, "IPT055"),
     ('{"a": 1, "a": 2}', "IPT055")],
)  # fmt: skip
def test_what_is_no_json_is_refused(text: str, code: str) -> None:
    with pytest.raises(InputError) as raised:
        trace_from_json(text)
    assert raised.value.diagnostics[0].code == code


def test_reasons_that_point_nowhere_are_refused() -> None:
    record = json.loads(trace_json(_traces()[4]))
    steps = [step for part in record["segments"] for step in part["steps"] if step["step"] == "rule" and step["reason"]]
    assert steps
    steps[0]["reason"]["part"] = 9
    with pytest.raises(InputError, match=r"reason\.part"):
        trace_from_json(json.dumps(record))
