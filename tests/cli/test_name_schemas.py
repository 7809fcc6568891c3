"""The JSON of ``env`` and ``dns`` fits the schemas that are checked in."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from iptc_sim.resources import resource_text
from tests.conftest import CHECKOUT, Runner

SEED = CHECKOUT / "fixtures" / "seed"


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(resource_text("iptc_sim", "render", "schemas", f"{name}.json"))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def test_variables_fit_their_schema(iptc_sim: Runner) -> None:
    ran = iptc_sim("env", "--pod", "default/x", SEED / "services.yaml", "--format", "json")
    found = json.loads(ran.out)
    jsonschema.validate(found, schema("env-1"))
    assert found["KUBERNETES_SERVICE_PORT"] == "443"
    wrong: object
    for wrong in ({"A": 1}, {"lower": "x"}, []):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema("env-1"))


@pytest.mark.parametrize(
    ("question", "status"),
    [
        (["kubernetes"], 0),
        (["_https._tcp.kubernetes", "--type", "SRV"], 0),
        (["192.168.0.29"], 1),
        (["nothing.here"], 1),
        (["example.com."], 1),
    ],
)
def test_answers_fit_their_schema(iptc_sim: Runner, question: list[str], status: int) -> None:
    name, *more = question
    ran = iptc_sim("dns", name, SEED / "services.yaml", SEED / "endpoints.yaml", *more, "--format", "json")
    found = json.loads(ran.out)
    jsonschema.validate(found, schema("dns-1"))
    assert (ran.status, bool(found["tries"][-1]["records"])) == (status, status == 0)
    for wrong in ({**found, "more": 1}, {**found, "tries": []}, {**found, "schema": "iptc-sim/dns/2"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema("dns-1"))
