"""Whatever the input is, nothing but our own errors comes out of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iptc_sim.diagnostics import InputError, IptcError, SourceFile
from iptc_sim.kube import Settings, compile_services, load_cluster, restore_text
from iptc_sim.kube.dns_records import Zone
from iptc_sim.kube.endpoint_report import explain_pods, reasons
from iptc_sim.kube.env import service_variables
from iptc_sim.kube.resolv import resolv_of
from iptc_sim.kube.write_objects import endpoints_object

WORDS = st.sampled_from(
    [
        "v1",
        "apps/v1",
        "discovery.k8s.io/v1",
        "IPv4",
        "TCP",
        "UDP",
        "ClusterIP",
        "NodePort",
        "LoadBalancer",
        "Local",
        "None",
        "ClientIP",
        "web",
        "10.0.0.1",
        "fd00::1",
        "10.0.0.0/8",
        "",
        "a b",
        "\ud800",
        "\n",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-5, 70000) | st.floats(allow_nan=False) | WORDS | st.text(max_size=5)
FIELDS = st.sampled_from(
    [
        "name",
        "namespace",
        "labels",
        "annotations",
        "kubernetes.io/service-name",
        "app",
        "clusterIP",
        "clusterIPs",
        "ipFamilies",
        "ports",
        "port",
        "protocol",
        "nodePort",
        "targetPort",
        "selector",
        "type",
        "externalIPs",
        "sessionAffinity",
        "subsets",
        "addresses",
        "ip",
        "addressType",
        "endpoints",
        "conditions",
        "ready",
        "hints",
        "forZones",
        "nodeName",
        "replicas",
        "template",
        "metadata",
        "spec",
        "containers",
        "containerPort",
        "phase",
        "podIP",
        "matchLabels",
        "loadBalancer",
        "ingress",
        "loadBalancerSourceRanges",
        "podCIDR",
        "status",
        "env",
        "hostname",
        "subdomain",
        "dnsPolicy",
        "dnsConfig",
        "nameservers",
        "searches",
        "options",
        "matchExpressions",
        "serviceName",
        "ordinals",
        "nodeSelector",
        "hostNetwork",
        "externalName",
        "trafficDistribution",
        "targetRef",
        "zone",
        "forNodes",
        "topology",
        "allocatable",
        "cpu",
        "ownerReferences",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=15,
)
OBJECTS = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["v1", "apps/v1", "apps/v1beta1", "discovery.k8s.io/v1"]),
        "kind": st.sampled_from(
            ["Service", "Endpoints", "EndpointSlice", "Pod", "Deployment", "StatefulSet", "DaemonSet", "Node", "List"]
        ),
        "metadata": st.just({"name": "web", "labels": {"kubernetes.io/service-name": "web", "app": "web"}}) | VALUES,
        "spec": st.just({"ports": [{"port": 80}], "selector": {"app": "web"}}) | VALUES,
    },
    optional=dict.fromkeys(("status", "subsets", "endpoints", "ports", "addressType", "items"), VALUES),
)


@given(st.lists(OBJECTS | VALUES, max_size=4))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_garbage_never_raises_anything_but_ours(objects: list[Any]) -> None:
    text = "\n---\n".join(json.dumps(item) for item in objects)
    source = SourceFile("x.json", text)
    raised: set[str] = set()
    try:
        found = load_cluster([source])
        Zone(found).ask("web.default.svc.cluster.local.")
        list(reasons(found, found.endpoints, found.services))
        for item in found.services:
            service_variables(item.namespace, found)
            explain_pods(item, found, Settings())
        for made in found.endpoints:
            endpoints_object(made, {})
        for pod in found.pods:
            resolv_of(pod, pod.namespace)
        for release in ("1.11", "1.28"):
            restore_text(found, Settings(release=release))
            compile_services(found, Settings(release=release))
    except IptcError as error:
        raised = {diagnostic.code for diagnostic in error.diagnostics}
    assert raised <= {"IPT003", "IPT050", "IPT051", "IPT055"}


@given(st.text(alphabet="{}[]:,-&*!|>'\"#%@` \n\tabk0159.~<?", max_size=60))
@settings(max_examples=500, deadline=None)
def test_random_text_never_raises_anything_but_ours(text: str) -> None:
    with pytest.raises(InputError):
        load_cluster([SourceFile("x.yaml", text)])
