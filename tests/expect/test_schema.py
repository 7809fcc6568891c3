"""The schema for editors: what is checked in is what the forms say, and both are of one mind about files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from iptc_sim.diagnostics import InputError
from iptc_sim.expect import read_flows_file
from iptc_sim.expect.model import CLAIM, EXPECT, FILE
from iptc_sim.expect.schema import schema_text
from iptc_sim.resources import resource_text
from tests.conftest import CHECKOUT

EXAMPLES = sorted((CHECKOUT / "fixtures" / "example-project").rglob("*.flows.yaml"))
FLOW = "tcp 10.0.0.9:1 -> 10.0.0.1:22 in eth0"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(resource_text("iptc_sim", "render", "schemas", "flows-1.json"))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def test_what_is_checked_in_is_what_the_forms_say() -> None:
    assert resource_text("iptc_sim", "render", "schemas", "flows-1.json") == schema_text()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_fit(path: Path, schema: dict[str, Any]) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text()), schema)


def document(**keys: object) -> dict[str, object]:
    found: dict[str, object] = {
        "version": 1,
        "rules": "a.save",
        "flows": {"a": {"flow": FLOW, "expect": {"local": True}}},
    }
    return {key: value for key, value in (found | keys).items() if value != "left out"}


def flows(**expect: object) -> dict[str, object]:
    return document(flows={"a": {"flow": FLOW, "expect": expect}})


def claims(**claim: object) -> dict[str, object]:
    return document(flows="left out", rulesets={"a": claim})


GOOD = [
    document(),
    document(rules=["a.save", "a.save"]),
    document(rules={"text": "*filter\nCOMMIT\n"}),
    document(family=4, table="nat", defaults={"in": "eth0", "at": 1, "history": "fresh"}),
    document(node={"interfaces": {"eth0": "10.0.0.1/24"}, "sysctls": {"net.ipv4.ip_forward": 1}}),
    document(flows="left out", sequences={"s": [{"flow": FLOW, "expect": {"local": True}}, {"flow": FLOW, "went-to": 1}]}),
    flows(reaches="10.0.0.1"),
    flows(reaches=["10.0.0.1:1", "10.0.0.1:2"], odds={"10.0.0.1:1": 0.5, "dropped": "1/2"}, masqueraded="10.0.0.3"),
    flows(via=["INPUT", "nat/X:1"], mark=4, **{"may-reach": "10.0.0.1", "translated-to": "10.0.0.2:8"}),
    flows(**{"dropped-by": "filter/INPUT:policy", "rejected-with": "any", "rejected-by": "INPUT:2"}),
]  # fmt: skip
GOOD += [
    claims(**{"equivalent-to": "a.save"}),
    claims(**{"equivalent-to": ["a.save", "a.save"], "undecided": "pass"}),
    claims(**{"equivalent-to": {"text": "*filter\nCOMMIT\n"}, "undecided": "fail"}),
    claims(**{"equivalent-to": {"generate": {"kube": "a.yaml", "release": "1.30"}}}),
    claims(**{"no-findings": True}),
    claims(**{"no-findings": {"except": "IPT106"}}),
    claims(**{"no-findings": {"except": ["IPT100", "IPT106"], "baseline": "a.save"}}),
]
BAD = [
    {},
    [],
    document(version=2),
    document(version="left out"),
    document(rules="left out"),
    document(flows="left out"),
    document(generate={"kube": "x.yaml"}),
    document(rules=[]),
    document(rules={"txt": ""}),
    document(family=5),
    document(node={}),
    document(node={"interfaces": {}}),
    document(flows={}),
    document(flows={"a": {"expect": {"local": True}}}),
    document(flows={"a": FLOW}),
    document(sequences={"s": {"flow": FLOW}}),
    flows(),
    flows(reach="10.0.0.1"),
    flows(reaches=[]),
    flows(reaches=True),
    flows(odds={}),
    flows(local="yes"),
    flows(masqueraded=None),
    flows(**{"dropped-by": False}),
    claims(),
    document(rulesets={}),
    document(rulesets={"a": "a.save"}),
    claims(same="a.save"),
    claims(undecided="pass"),
    claims(**{"equivalent-to": []}),
    claims(**{"equivalent-to": True}),
    claims(**{"equivalent-to": {}}),
    claims(**{"equivalent-to": {"text": "x", "generate": {"kube": "a.yaml"}}}),
    claims(**{"equivalent-to": "a.save", "no-findings": True}),
    claims(**{"equivalent-to": "a.save", "undecided": "maybe"}),
    claims(**{"no-findings": True, "undecided": "pass"}),
    claims(**{"no-findings": False}),
    claims(**{"no-findings": {}}),
    claims(**{"no-findings": {"except": []}}),
    claims(**{"no-findings": {"except": "IPT010"}}),
]


def understood(found: object, folder: Path) -> bool:
    (folder / "a.save").write_text("*filter\nCOMMIT\n")
    (folder / "a.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n")
    path = folder / "x.flows.yaml"
    path.write_text(yaml.safe_dump(found))
    try:
        read_flows_file(path)
    except InputError:
        return False
    return True


@pytest.mark.parametrize("found", GOOD)
def test_what_both_take(found: object, schema: dict[str, Any], tmp_path: Path) -> None:
    assert understood(found, tmp_path)
    jsonschema.validate(found, schema)


@pytest.mark.parametrize("found", BAD)
def test_what_both_refuse(found: object, schema: dict[str, Any], tmp_path: Path) -> None:
    assert not understood(found, tmp_path)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, schema)


def test_every_key_of_a_claim_is_in_a_good_file() -> None:
    used = {key for found in GOOD for claim in (found.get("rulesets") or {}).values() for key in claim}  # type: ignore[attr-defined]
    assert used == {key.name for key in CLAIM.keys}


def test_every_key_of_an_expectation_is_in_a_good_file() -> None:
    used = {key for found in GOOD for flow in (found.get("flows") or {}).values() for key in flow["expect"]}  # type: ignore[attr-defined]
    assert used == {key.name for key in EXPECT.keys}
    assert {key.name for key in FILE.keys} - {key for found in GOOD for key in found} == {
        "generate",
        "objects",
        "from-namespace",
    }
