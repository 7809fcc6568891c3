"""The variables about Services that kubelet gives to containers (kube-proxy.md 7.1)."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from iptc_sim.cli import app
from iptc_sim.kube import load_cluster
from iptc_sim.kube.env import service_variables
from tests.kube.builders import cluster, fixture, service

#: What the image and the shell of the seed's pod set.
NOT_OF_KUBELET = {"HOSTNAME", "TERM", "PATH", "PWD", "NGINX_VERSION", "SHLVL", "HOME", "_"}

KUBERNETES = service("{clusterIP: 10.96.0.1, ports: [{name: https, port: 443}]}", "kubernetes")
OF_KUBERNETES = {
    "KUBERNETES_SERVICE_HOST": "10.96.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
    "KUBERNETES_SERVICE_PORT_HTTPS": "443",
    "KUBERNETES_PORT": "tcp://10.96.0.1:443",
    "KUBERNETES_PORT_443_TCP": "tcp://10.96.0.1:443",
    "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
    "KUBERNETES_PORT_443_TCP_PORT": "443",
    "KUBERNETES_PORT_443_TCP_ADDR": "10.96.0.1",
}


def test_the_seeds_pod_gets_the_variables_that_were_seen_in_it() -> None:
    lines = fixture("seed", "env.txt").text.splitlines()
    seen = dict(line.split("=", 1) for line in lines)
    found = service_variables("default", load_cluster([fixture("seed", "services.yaml")]))
    assert found == {name: value for name, value in seen.items() if name not in NOT_OF_KUBELET}
    assert len(found) == 15


def test_every_named_port_has_a_variable_and_the_first_one_gives_the_port() -> None:
    ports = "[{name: http-alt, port: 8080}, {name: dns, port: 53, protocol: UDP}]"
    found = service_variables("default", cluster(service(f"{{clusterIP: 10.96.0.9, ports: {ports}}}", "my-web")))
    assert list(found.items()) == [
        ("MY_WEB_SERVICE_HOST", "10.96.0.9"),
        ("MY_WEB_SERVICE_PORT", "8080"),
        ("MY_WEB_SERVICE_PORT_HTTP_ALT", "8080"),
        ("MY_WEB_SERVICE_PORT_DNS", "53"),
        ("MY_WEB_PORT", "tcp://10.96.0.9:8080"),
        ("MY_WEB_PORT_8080_TCP", "tcp://10.96.0.9:8080"),
        ("MY_WEB_PORT_8080_TCP_PROTO", "tcp"),
        ("MY_WEB_PORT_8080_TCP_PORT", "8080"),
        ("MY_WEB_PORT_8080_TCP_ADDR", "10.96.0.9"),
        ("MY_WEB_PORT_53_UDP", "udp://10.96.0.9:53"),
        ("MY_WEB_PORT_53_UDP_PROTO", "udp"),
        ("MY_WEB_PORT_53_UDP_PORT", "53"),
        ("MY_WEB_PORT_53_UDP_ADDR", "10.96.0.9"),
    ]


def test_ipv6_is_in_brackets_in_urls_only() -> None:
    found = service_variables("default", cluster(service("{clusterIP: 'fd00::1', ports: [{port: 80}]}")))
    assert (found["WEB_SERVICE_HOST"], found["WEB_PORT"], found["WEB_PORT_80_TCP_ADDR"]) == (
        "fd00::1",
        "tcp://[fd00::1]:80",
        "fd00::1",
    )


@pytest.mark.parametrize("spec", ["{clusterIP: None, ports: [{port: 80}]}", "{type: ExternalName, externalName: a.b}"])
def test_services_without_a_cluster_ip_have_none(spec: str) -> None:
    assert service_variables("default", cluster(service(spec))) == {}


def test_another_namespace_has_its_own_services_and_kubernetes() -> None:
    other = service("{clusterIP: 10.96.0.9, ports: [{port: 80}]}", metadata="namespace: shop")
    found = cluster(KUBERNETES, service("{clusterIP: 10.96.0.8, ports: [{port: 80}]}", "here"), other)
    names = set(service_variables("shop", found))
    assert names == {*OF_KUBERNETES, *(name for name in names if name.startswith("WEB_"))}
    assert service_variables("shop", found, links=False) == OF_KUBERNETES
    assert service_variables("default", found, links=False) == OF_KUBERNETES


def test_a_namespaces_own_kubernetes_wins() -> None:
    own = service("{clusterIP: 10.96.0.7, ports: [{port: 1}]}", "kubernetes", metadata="namespace: shop")
    found = cluster(own, KUBERNETES)
    assert service_variables("shop", found)["KUBERNETES_SERVICE_HOST"] == "10.96.0.7"
    assert service_variables("shop", found, links=False) == OF_KUBERNETES


def test_what_a_container_sets_stays() -> None:
    found = service_variables("shop", cluster(KUBERNETES), own=["KUBERNETES_PORT", "OTHER"])
    assert found == {name: value for name, value in OF_KUBERNETES.items() if name != "KUBERNETES_PORT"}


POD = """
apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: shop}
spec:
  enableServiceLinks: LINKS
  containers:
  - {name: one, env: [{name: KUBERNETES_PORT, value: mine}]}
  - {name: two}
"""


def run(text: str, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["env", "-", *words], input=text)
    return done.exit_code, done.stdout, done.stderr


def test_the_command_knows_the_pod_and_its_containers() -> None:
    text = f"{KUBERNETES}\n---{POD.replace('LINKS', 'true')}"
    status, out, err = run(text, "--pod", "shop/web-0")
    assert (status, len(out.splitlines())) == (0, 7)
    assert "the container sets KUBERNETES_PORT by itself" in err
    assert len(run(text, "--pod", "pod/shop/web-0", "--container", "two")[1].splitlines()) == 8
    assert json.loads(run(text, "--pod", "shop/web-0", "--container", "two", "--format", "json")[1]) == OF_KUBERNETES
    assert (
        "enableServiceLinks is false"
        in run(f"{KUBERNETES}\n---{POD.replace('LINKS', 'false')}", "--pod", "shop/web-0")[2]
    )


def test_a_pod_that_is_not_given_is_a_plain_one() -> None:
    status, out, err = run(KUBERNETES, "--pod", "shop/client")
    assert (status, len(out.splitlines())) == (0, 8)
    assert "Pod shop/client is not among the objects" in err
