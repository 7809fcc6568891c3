"""Deployments, ReplicaSets, StatefulSets and DaemonSets, and the pods that they make."""

from __future__ import annotations

import pytest

from tests.kube.builders import cluster, node, pod, service
from tests.kube.test_controllers import SELECTING, backends


def labelled(kind: str, spec: str = "", pod_spec: str = "{}", name: str = "w") -> str:
    return (
        f"{{apiVersion: apps/v1, kind: {kind}, metadata: {{name: {name}}}, spec: {{{spec} selector: "
        f"{{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}, spec: {pod_spec}}}}}}}"
    )


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet"])
def test_workloads_make_as_many_pods_as_they_say(kind: str) -> None:
    found = cluster(service(SELECTING), labelled(kind, "replicas: 2,"))
    assert backends(found) == ["10.244.0.2:8080", "10.244.0.3:8080"]
    assert {item.owner for item in found.pods} == {f"{kind} w"}


def test_a_replica_set_of_a_given_deployment_makes_no_pods() -> None:
    owned = labelled("ReplicaSet", "replicas: 3,", name="w-1").replace(
        "{name: w-1}", "{name: w-1, ownerReferences: [{kind: Deployment, name: w}]}"
    )
    assert len(cluster(labelled("Deployment", "replicas: 2,"), owned).pods) == 2
    assert len(cluster(owned).pods) == 3


def test_a_workload_whose_pods_are_given_makes_none() -> None:
    assert len(cluster(labelled("ReplicaSet", "replicas: 3,"), pod("p", "{app: web, x: y}", "10.0.0.1")).pods) == 1


def test_match_expressions_decide_whose_pods_are_given() -> None:
    text = labelled("Deployment", "replicas: 2,").replace(
        "matchLabels: {app: web}",
        "matchExpressions: [{key: app, operator: In, values: [web]}, {key: old, operator: DoesNotExist}]",
    )
    assert len(cluster(text, pod("p", "{app: web, old: x}", "10.0.0.1")).pods) == 3
    assert len(cluster(text, pod("p", "{app: web}", "10.0.0.1")).pods) == 1


def test_pods_of_a_stateful_set_have_names_below_its_service() -> None:
    headless = service("{clusterIP: None, selector: {app: web}, ports: [{port: 80}]}")
    found = cluster(headless, labelled("StatefulSet", "replicas: 2, serviceName: web,", name="db"))
    assert [(item.name, item.spec.hostname, item.spec.subdomain) for item in found.pods] == [
        ("db-0", "db-0", "web"),
        ("db-1", "db-1", "web"),
    ]
    assert [item.hostname for item in found.slices[0].endpoints] == ["db-0", "db-1"]
    assert [item.hostname for item in found.endpoints[0].subsets[0].ready] == ["db-0", "db-1"]
    later = cluster(labelled("StatefulSet", "replicas: 2, ordinals: {start: 5},", name="db"))
    assert [item.name for item in later.pods] == ["db-5", "db-6"]


def test_a_daemon_set_makes_a_pod_on_every_node_that_it_selects() -> None:
    nodes = [node("n-a", "{disk: ssd}"), node("n-b"), node("n-c", "{disk: ssd}")]
    assert [item.node for item in cluster(labelled("DaemonSet"), *nodes).pods] == ["n-a", "n-b", "n-c"]
    text = labelled("DaemonSet", pod_spec="{nodeSelector: {disk: ssd}, hostNetwork: true}")
    found = cluster(text, *nodes).pods
    assert [(item.node, item.addresses) for item in found] == [("n-a", ("192.168.0.97",)), ("n-c", ("192.168.0.99",))]
    assert len(cluster(labelled("DaemonSet")).pods) == 1


def test_a_hostname_counts_only_below_the_service_that_the_pod_names() -> None:
    spec = "{hostname: one, subdomain: other}"
    found = cluster(service(SELECTING), pod("a", "{app: web}", "10.0.0.1", spec=spec))
    assert found.slices[0].endpoints[0].hostname == ""
    found = cluster(service(SELECTING), pod("a", "{app: web}", "10.0.0.1", spec=spec.replace("other", "web")))
    assert found.slices[0].endpoints[0].hostname == "one"
