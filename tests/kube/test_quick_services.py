"""Services of every type with a cluster IP are read quickly, to the same record as by the judge."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptc_sim.diagnostics import InputError, SourceFile
from iptc_sim.kube.load import read_objects
from iptc_sim.kube.quick_objects import quick_service
from tests.kube.test_defaults import ADDRESSES, COMPOUND, FIXED, SCALARS, SERVICE, places

INGRESS = {"loadBalancer": {"ingress": [{"ip": "198.51.100.1", "ipMode": "VIP"}, {"ip": "198.51.100.2"}]}}
AFFINITY = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}}
TYPES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"type": "NodePort", "externalTrafficPolicy": "Cluster"}, {"nodePort": 30080}, {}),
    ({"type": "NodePort", "externalTrafficPolicy": "Local", **AFFINITY}, {"nodePort": 30080}, {}),
    ({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": True, "externalTrafficPolicy": "Local"}, {}, INGRESS),
    ({"type": "LoadBalancer"}, {"nodePort": 30080}, {}),
    ({"type": "ClusterIP", **AFFINITY}, {}, {}),
]
MORE = ["externalTrafficPolicy", "allocateLoadBalancerNodePorts", "sessionAffinityConfig", "nodePort", "ingress", "x"]
ODD = [*SCALARS, *ADDRESSES, *COMPOUND, "Proxy", "Cluster", "ClientIP", "LoadBalancer", 86401, {"clientIP": {}}]


def service(spec: dict[str, Any], port: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    ports = [SERVICE["spec"]["ports"][0] | port]
    found = SERVICE | {"spec": SERVICE["spec"] | spec | {"ports": ports}} | ({"status": status} if status else {})
    own: dict[str, Any] = json.loads(json.dumps(found))
    return own


@pytest.mark.parametrize("parts", TYPES, ids=lambda parts: f"{parts[0]['type']} {len(parts[0])}")
def test_all_types_are_read_quickly(parts: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> None:
    item = service(*parts)
    assert [quick_service(item, "")] == [*read_objects([SourceFile("x.json", json.dumps(item))]).services]


@given(st.sampled_from(TYPES), st.data())
@settings(max_examples=600, deadline=None)
def test_what_is_read_quickly_is_read_as_by_the_judge(parts: Any, data: st.DataObject) -> None:
    item = service(*parts)
    for _ in range(data.draw(st.integers(1, 2))):
        container, key = data.draw(st.sampled_from([pair for pair in places(item) if pair[1] not in FIXED]))
        odd = json.loads(json.dumps(data.draw(st.sampled_from(ODD))))
        kind = data.draw(st.sampled_from(["change", "drop", "add"])) if isinstance(container, dict) else "change"
        if kind == "drop":
            container.pop(key)
        else:
            container[key if kind == "change" else data.draw(st.sampled_from(MORE))] = odd
    found = quick_service(item, "x.json: document 1")
    if found is None:
        return
    try:
        judged = read_objects([SourceFile("x.json", json.dumps(item))])
    except InputError as error:
        pytest.fail(f"read quickly, and refused by the judge: {error}")
    assert [found] == [*judged.services]
    assert not [note for note in judged.notes if note.code == "IPT059"]
