"""The JSON of ``reach`` fits the schema that is checked in."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from iptc_sim.api import reach
from iptc_sim.node import Node
from iptc_sim.render.reach_json import reach_json
from iptc_sim.resources import resource_text

RULES = """*nat
:PREROUTING ACCEPT
:KUBE-SVC-BEPXDJBUHFCSYIC3 -
-A PREROUTING -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-BEPXDJBUHFCSYIC3
-A KUBE-SVC-BEPXDJBUHFCSYIC3 -m statistic --mode random --probability 0.5 -j ACCEPT
-A KUBE-SVC-BEPXDJBUHFCSYIC3 -p tcp -j DNAT --to-destination 10.1.0.5:8080
COMMIT
*filter
:FORWARD DROP
-A FORWARD -p udp -j REJECT
-A FORWARD -d 10.1.0.5/32 -p tcp -m string --string x --algo bm -j ACCEPT
COMMIT
"""


def schema() -> dict[str, Any]:
    """Return the schema."""
    found: dict[str, Any] = json.loads(resource_text("iptc_sim", "render", "schemas", "reach-1.json"))
    return found


def test_the_schema_is_a_schema_and_closed() -> None:
    found = schema()
    jsonschema.Draft202012Validator.check_schema(found)
    for part in (found, *found["$defs"].values()):
        assert part["additionalProperties"] is False


@pytest.mark.parametrize("wanted", ["reached", "masqueraded", "dropped", "rejected"])
@pytest.mark.parametrize("node", [None, Node.of({"eth0": ["192.0.2.1/24"], "br0": ["10.1.0.1/16"]})])
def test_answers_fit(wanted: str, node: Node | None) -> None:
    found = reach(RULES, "10.1.0.5:8080", node, wanted=wanted, source="203.0.113.0/24", states=["NEW", "ESTABLISHED"])
    data = json.loads(reach_json(found, {"KUBE-SVC-BEPXDJBUHFCSYIC3": "default/my-nginx"}))
    jsonschema.validate(data, schema())
    assert len(data["classes"]) == len(found.classes)
    assert (data["wanted"], data["from"], data["to"]) == (wanted, "203.0.113.0/24", "10.1.0.5:8080")


def test_a_class_in_full() -> None:
    found = reach(RULES, "10.1.0.5:8080", wanted="dropped", source="203.0.113.0/24")
    data = json.loads(reach_json(found, {"KUBE-SVC-BEPXDJBUHFCSYIC3": "default/my-nginx"}))
    service = next(item for item in data["classes"] if item["destination_translated"])
    assert service["odds"] == {"fraction": "1/2", "percent": "50.000%"}
    example = service["examples"][0]
    assert example["fate"] == "drop"
    assert [(rule["chain"], rule["rule"], rule["does"]) for rule in example["rules"]] == [
        ("PREROUTING", 1, "-> KUBE-SVC-BEPXDJBUHFCSYIC3"),
        ("KUBE-SVC-BEPXDJBUHFCSYIC3", 2, "DNAT"),
        ("FORWARD", 0, "DROP"),
    ]
    assert example["rules"][1]["name"] == "default/my-nginx"
    assert example["rules"][1]["line"] == 6
