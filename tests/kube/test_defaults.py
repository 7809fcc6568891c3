"""The API server's defaults (kube-proxy.md 4.1, 4.2 and 7.1), and objects as kubectl prints them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptc_sim.diagnostics import InputError, SourceFile
from iptc_sim.kube import Cluster, load_cluster
from iptc_sim.kube.load import read_objects
from iptc_sim.kube.objects import Endpoint, EndpointPort, Ingress
from iptc_sim.kube.quick_objects import quick_service, quick_slice
from iptc_sim.kube.sources import object_sources
from iptc_sim.values import Family
from tests.kube.builders import cluster, endpoint_slice, fixture, pod, service

STATEFUL_SET = (
    "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: "
    "{selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}}}}"
)
PORTS = "clusterIP: 10.96.0.9, ports: [{port: 80}]"


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        (service(f"{{{PORTS}}}"), lambda c: c.services[0].type, "ClusterIP"),
        (service(f"{{{PORTS}}}"), lambda c: c.services[0].ports[0].protocol, "TCP"),
        (service(f"{{{PORTS}}}"), lambda c: c.services[0].ports[0].target_port, 80),
        (service(f"{{{PORTS}}}"), lambda c: c.services[0].ports[0].node_port, 0),
        (service(f"{{type: NodePort, {PORTS}}}"), lambda c: c.services[0].external_traffic_policy, "Cluster"),
        (service(f"{{{PORTS}}}"), lambda c: c.services[0].internal_traffic_policy, "Cluster"),
        (service(f"{{{PORTS}}}"), lambda c: c.services[0].affinity_seconds, 0),
        (service(f"{{sessionAffinity: ClientIP, {PORTS}}}"), lambda c: c.services[0].affinity_seconds, 10800),
        (service(f"{{{PORTS}}}"), lambda c: c.services[0].publish_not_ready, False),
        (service(f"{{{PORTS}}}"), lambda c: c.services[0].allocates_node_ports, True),
        (service(f"{{{PORTS}}}"), lambda c: c.services[0].namespace, "default"),
        (service(f"{{{PORTS}, selector: {{}}}}"), lambda c: c.services[0].selector, {}),
        (
            service(f"{{type: LoadBalancer, {PORTS}}}", status="{loadBalancer: {ingress: [{ip: 192.0.2.1}]}}"),
            lambda c: c.services[0].ingress,
            (Ingress("192.0.2.1", "VIP"),),
        ),
        (
            service(f"{{{PORTS}}}", status="{loadBalancer: {ingress: [{ip: 192.0.2.1}]}}"),
            lambda c: c.services[0].ingress,
            (),
        ),
        (endpoint_slice("{addresses: [10.0.0.1]}"), lambda c: c.slices[0].endpoints, (Endpoint("10.0.0.1"),)),
        (
            endpoint_slice("{addresses: [10.0.0.1], conditions: {ready: null, serving: null, terminating: null}}"),
            lambda c: c.slices[0].endpoints[0][1:4],
            (True, True, False),
        ),
        (endpoint_slice(), lambda c: c.slices[0].ports, (EndpointPort("", "TCP", 8080),)),
        (endpoint_slice(ports="[{name: a}, {name: b, port: 1}]"), lambda c: c.slices[0].ports[0].name, "b"),
        (pod("a", "{}", "10.0.0.1"), lambda c: c.pods[0].spec.service_links, True),
        (pod("a", "{}", "10.0.0.1"), lambda c: c.pods[0].spec.dns_policy, "ClusterFirst"),
        (
            STATEFUL_SET,
            lambda c: c.workloads[0].replicas,
            1,
        ),
    ],
)
def test_what_an_object_does_not_say(text: str, value: Callable[[Cluster], object], expected: object) -> None:
    assert value(cluster(text)) == expected


def test_the_output_of_kubectl_is_read_as_it_is() -> None:
    found = load_cluster([fixture("kube", "get-all.yaml")])
    assert [note.message for note in found.notes] == ["1 of kind ConfigMap not used here: skipped"]
    assert [item.name for item in found.pods] == ["web-5d8f9c7b6c-2xkzp", "web-5d8f9c7b6c-vq4rt"]
    assert [(item.zone, item.millicores, item.pod_cidrs) for item in found.nodes] == [
        ("zone-1", 3920, ("10.244.1.0/24",))
    ]
    assert [item.kind for item in found.workloads] == ["Deployment", "ReplicaSet"]
    (web,) = found.services
    assert (web.cluster_ip, web.ports[0].node_port, web.ingress) == (
        "10.96.5.70",
        30080,
        (Ingress("203.0.113.7"),),
    )
    assert [item.zone for item in found.slices[0].endpoints] == ["zone-1", "zone-1"]
    assert found.slices[0].endpoints[0].target == "Pod web-5d8f9c7b6c-2xkzp"


def test_a_folder_stands_for_its_files_by_name(tmp_path: Any) -> None:
    for name in ("b.yaml", "a.json", "c.yml", "sub/d.yaml", ".hidden/e.yaml", ".f.yaml", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = object_sources([str(tmp_path), "-"], lambda name: SourceFile(name, ""))
    assert [item.name.removeprefix(f"{tmp_path}/") for item in found] == [
        "a.json",
        "b.yaml",
        "c.yml",
        "sub/d.yaml",
        "-",
    ]


def test_a_folder_without_objects_is_refused(tmp_path: Any) -> None:
    with pytest.raises(InputError) as caught:
        object_sources([str(tmp_path)], lambda name: SourceFile(name, ""))
    assert caught.value.diagnostics[0].code == "IPT003"


@pytest.mark.parametrize(
    ("text", "field", "hint"),
    [
        (service(f"{{{PORTS}, sessionaffinity: ClientIP}}"), "spec.sessionaffinity", "did you mean sessionAffinity?"),
        (service("{clusterIP: None, ports: [{port: 80, targetport: 8080}]}"), "spec.ports[0].targetport", "targetPort"),
        (endpoint_slice("{adresses: [10.0.0.1]}"), "endpoints[0].adresses", "addresses"),
        ("{apiVersion: v1, kind: Endpoints, metadata: {name: a}, subset: []}", "subset", "subsets"),
    ],
)
def test_an_unknown_field_is_told_and_ignored(text: str, field: str, hint: str) -> None:
    (note,) = [note for note in cluster(text).notes if note.code == "IPT059"]
    assert note.subject == f"1.yaml: document 1: {field}"
    assert hint in note.hint


def test_a_service_of_another_proxy_is_told() -> None:
    found = cluster(service(f"{{{PORTS}}}", metadata="labels: {service.kubernetes.io/service-proxy-name: other}"))
    assert "IPT058" in [note.code for note in found.notes]


SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"a": "b"}, "uid": "u"},
    "spec": {
        "clusterIP": "10.96.0.1",
        "clusterIPs": ["10.96.0.1"],
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}],
        "selector": {"app": "web"},
        "sessionAffinity": "None",
        "type": "ClusterIP",
    },
    "status": {"loadBalancer": {}},
}
SLICE: dict[str, Any] = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "web-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
    "addressType": "IPv4",
    "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
    "endpoints": [
        {
            "addresses": ["10.0.0.1"],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "nodeName": "node-a",
            "targetRef": {"kind": "Pod", "name": "p", "namespace": "shop"},
            "zone": "z",
        }
    ],
}


def places(value: object) -> list[tuple[Any, Any]]:
    """Return every container in a value, with each key or index of it."""
    pairs = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, key) for key, _ in pairs] + [pair for _, item in pairs for pair in places(item)]


SCALARS = [
    None,
    True,
    False,
    0,
    1,
    80,
    65536,
    -1,
    1.5,
    "",
    "a b",
    "None",
    "Local",
    "UDP",
    "NodePort",
    "PreferDualStack",
]
ADDRESSES = ["10.0.0.2", "127.0.0.1", "010.0.0.1", "169.254.1.1", "::1", "fd00::1", "IPv4", "IPv6", "web"]
COMPOUND = [
    [],
    {},
    ["10.0.0.2"],
    ["fd00::1"],
    ["IPv6"],
    {"a": 1},
    {"a": "b"},
    {"service.kubernetes.io/headless": "", "a": "b"},
]
FIXED = ("apiVersion", "kind")
MORE = ["hints", "topology", "nodePort", "x", "annotations", "hostname"]
ODD = st.sampled_from([*SCALARS, *ADDRESSES, *COMPOUND])


@given(st.sampled_from([SERVICE, SLICE]), st.data())
@settings(max_examples=600, deadline=None)
def test_what_is_read_quickly_is_read_as_by_the_judge(plain: dict[str, Any], data: st.DataObject) -> None:
    item = json.loads(json.dumps(plain))
    for _ in range(data.draw(st.integers(0, 2))):
        container, key = data.draw(st.sampled_from([pair for pair in places(item) if pair[1] not in FIXED]))
        odd = json.loads(json.dumps(data.draw(ODD)))
        kind = data.draw(st.sampled_from(["change", "drop", "add"])) if isinstance(container, dict) else "change"
        if kind == "change":
            container[key] = odd
        elif kind == "drop":
            container.pop(key)
        else:
            container[data.draw(st.sampled_from(MORE))] = odd
    read = quick_service if plain is SERVICE else quick_slice
    found = read(item, "x.json: document 1")
    if found is None:
        return
    # An object that does not stand in a List is judged field by field.
    judged = read_objects([SourceFile("x.json", json.dumps(item))])
    assert [found] == [*judged.services, *judged.slices]
    assert not [note for note in judged.notes if note.code == "IPT059"]


def test_what_the_api_server_prints_is_read_quickly() -> None:
    assert quick_service(SERVICE, "") is not None
    found = quick_slice(SLICE, "")
    assert found is not None
    assert found.family is Family.IPV4
