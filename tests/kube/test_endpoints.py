"""``iptc-sim endpoints``, and why a pod is not among them."""

from __future__ import annotations

import json

import pytest
import yaml
from typer.testing import CliRunner

from iptc_sim.cli import app
from iptc_sim.diagnostics import SourceFile
from iptc_sim.kube import Settings, load_cluster
from iptc_sim.kube.endpoint_report import endpoints_text, explain_pods
from iptc_sim.kube.load import read_objects
from iptc_sim.resources import resource_text
from tests.kube.builders import cluster, endpoint_slice, endpoints, pod, service

SELECTING = "{clusterIP: 10.96.0.9, selector: {app: web}, ports: [{port: 80, targetPort: http}]}"
HTTP = "{containers: [{ports: [{name: http, containerPort: 8080}]}]}"


def run(text: str, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["endpoints", "-", *words], input=text)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def seed(*names: str) -> str:
    return "\n---\n".join(resource_text("fixtures", "seed", name) for name in names)


def test_the_seeds_endpoints_are_printed_as_kubectl_printed_them() -> None:
    shown = resource_text("fixtures", "seed", "get-endpoints.txt").splitlines()
    without_age = [line[: shown[0].index("AGE")].rstrip() for line in shown]
    assert run(seed("services.yaml", "endpoints.yaml")) == (0, "\n".join(without_age) + "\n")


def test_a_deployments_pods_are_printed() -> None:
    _, out = run(seed("deployment.yaml", "service.yaml"), "--pod-cidr", "172.17.0.0/16")
    assert out == "NAME       ENDPOINTS\nmy-nginx   172.17.0.2:80,172.17.0.3:80,172.17.0.4:80\n"


def test_the_selector_of_the_seed_that_matches_nothing() -> None:
    status, out = run(seed("deployment.yaml", "services.yaml"), "--service", "default/my-nginx")
    assert status == 1
    assert out.splitlines()[1:] == [
        "my-nginx   <none>",
        "default/my-nginx: no pod matches selector app=nginx; near: app=iskey_nginx (3 pods of Deployment nginx-deployment)",
    ]


def test_namespaces_have_a_column_where_there_are_several() -> None:
    text = "\n---\n".join(
        [endpoints("10.0.0.1"), endpoints("10.0.0.2", name="db").replace("{name: db", "{namespace: shop, name: db")]
    )
    assert run(text)[1] == (
        "NAMESPACE   NAME   ENDPOINTS\ndefault     web    10.0.0.1:8080\nshop        db     10.0.0.2:8080\n"
    )


def test_three_are_shown_and_the_rest_counted() -> None:
    text = endpoints("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5")
    assert "10.0.0.1:8080,10.0.0.2:8080,10.0.0.3:8080 + 2 more..." in run(text)[1]
    assert "10.0.0.4:8080,10.0.0.5:8080" in run(text, "--all")[1]
    found = cluster(text.replace(", ports: [{port: 8080}]", "")).endpoints[0]
    assert endpoints_text(found) == "10.0.0.1,10.0.0.2,10.0.0.3 + 2 more..."


@pytest.mark.parametrize(
    ("text", "state", "reason"),
    [
        (pod("p", "{app: web}", "10.0.0.1", spec=HTTP), "ready", ""),
        (pod("p", "{app: web}", "10.0.0.1", ready=False, spec=HTTP), "not ready", "Ready is not True"),
        (pod("p", "{app: web}", "10.0.0.1", extra="deletionTimestamp: x", spec=HTTP), "not ready", "terminating"),
        (pod("p", "{app: shop}", "10.0.0.1", spec=HTTP), "left out", "label app=shop (selector: app=web)"),
        (pod("p", "{apps: web}", "10.0.0.1", spec=HTTP), "left out", "no label app (selector: app=web)"),
        (pod("p", "{app: web}", "10.0.0.1", spec=HTTP).replace("Running", "Failed"), "left out", "phase Failed"),
        (
            pod("p", "{app: web}", "''", spec=HTTP).replace("Running", "Pending"),
            "left out",
            "no address yet: phase Pending",
        ),
        (pod("p", "{app: web}", "'fd00::1'", spec=HTTP), "left out", "no IPv4 address, only fd00::1"),
        (pod("p", "{app: web}", "10.0.0.1"), "left out", "no container has a port called http/TCP"),
        (
            pod("p", "{app: web}", "10.0.0.1", extra="namespace: shop", spec=HTTP),
            "left out",
            "it is in namespace shop, not default",
        ),
        (
            pod("p", "{app: web}", "10.0.0.1", spec=HTTP.replace("{containers", "{nodeName: n-z, containers"))
            + "\n---\n{apiVersion: v1, kind: Node, metadata: {name: n-a}}",
            "left out",
            "node n-z is not among",
        ),
    ],
)
def test_why_a_pod_is_or_is_not_an_endpoint(text: str, state: str, reason: str) -> None:
    found = load_cluster([SourceFile("x", f"{service(SELECTING)}\n---\n{text}")])
    (verdict,) = explain_pods(found.services[0], found, Settings())
    assert (verdict.state, verdict.pod.name) == (state, "p")
    assert reason in verdict.reason
    assert (verdict.reason == "") is (reason == "")
    status, out = run(f"{service(SELECTING)}\n---\n{text}", "--service", "web", "--pods")
    assert status == (0 if state == "ready" or "node" in reason else 1)
    assert reason in out


def test_publishing_makes_pods_ready_and_says_so() -> None:
    found = cluster(
        service(SELECTING.replace("selector", "publishNotReadyAddresses: true, selector")),
        pod("p", "{app: web}", "10.0.0.1", ready=False, spec=HTTP),
    )
    (verdict,) = explain_pods(found.services[0], found, Settings())
    assert (verdict.state, verdict.ports) == ("ready", ("10.0.0.1:8080",))
    assert "publishNotReadyAddresses" in verdict.reason


def test_pods_of_another_namespace_are_told_where_the_service_has_none() -> None:
    text = f"{service(SELECTING)}\n---\n" + pod("p", "{app: web}", "10.0.0.1", extra="namespace: shop", spec=HTTP)
    assert "no pod of the namespace matches selector app=web; pods in shop do" in run(text)[1]


def test_a_service_that_is_not_there_is_refused() -> None:
    done = CliRunner().invoke(app, ["endpoints", "-", "--service", "webb"], input=service(SELECTING))
    assert "did you mean default/web?" in str(done.exception)


@pytest.mark.parametrize("output", ["json", "yaml", "slices"])
def test_objects_are_read_back_as_the_same(output: str) -> None:
    text = "\n---\n".join(
        [
            service(SELECTING.replace("http", "8080"), metadata="labels: {a: b}"),
            pod("p", "{app: web}", "10.0.0.1", spec="{nodeName: n-a, hostname: one, subdomain: web}"),
            pod("q", "{app: web}", "10.0.0.2", ready=False),
        ]
    )
    whole = load_cluster([SourceFile("x", text)])
    _, out = run(text, "--format", output)
    again = read_objects([SourceFile("y", out)])
    assert (json.loads(out) if output == "json" else yaml.safe_load(out))["kind"] == "List"
    if output == "slices":
        assert again.slices == whole.slices
    else:
        assert again.endpoints == whole.endpoints


def test_slices_that_are_given_are_gathered_into_endpoints() -> None:
    text = "\n---\n".join(
        [
            service(SELECTING),
            endpoint_slice("{addresses: [10.0.0.2]}", "{addresses: [10.0.0.1]}"),
            endpoint_slice(
                "{addresses: [10.0.0.3]}", "{addresses: [10.0.0.4], conditions: {ready: false, terminating: true}}"
            ).replace("web-1", "web-2"),
        ]
    )
    assert run(text)[1].splitlines()[1] == "web    10.0.0.1:8080,10.0.0.2:8080,10.0.0.3:8080"
    found = cluster(text).endpoints[0]
    assert [len(item.not_ready) for item in found.subsets] == [0]
