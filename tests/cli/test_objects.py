"""Names of objects in flows: ``svc/NS/NAME:PORT``, ``pod/NS/NAME``, DNS names."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptc_sim import InputError, parse_flow
from iptc_sim.kube import Cluster, Settings
from iptc_sim.kube.addresses import ObjectResolver, dns_lookup
from iptc_sim.values import Family
from tests.conftest import Runner
from tests.kube.builders import cluster, endpoint_slice, fixture, pod, service

NODE = "{apiVersion: v1, kind: Node, metadata: {name: node-a}, status: {addresses: [{type: InternalIP, address: 192.168.0.2}]}}"


@pytest.fixture(scope="module")
def objects() -> Cluster:
    two_ports = "[{name: http, port: 80, targetPort: 8080, nodePort: 30080}, {name: admin, port: 9000}]"
    return cluster(
        service(f"{{type: NodePort, clusterIP: 10.96.0.20, ports: {two_ports}}}"),
        service("{clusterIP: 10.96.0.53, ports: [{port: 53, protocol: UDP}]}", "dns", "namespace: kube-system"),
        service(
            "{type: LoadBalancer, clusterIP: 10.96.0.30, ports: [{port: 443}]}",
            "edge",
            "namespace: shop",
            "{loadBalancer: {ingress: [{ip: 203.0.113.20}, {ip: 203.0.113.21}]}}",
        ),
        service("{clusterIP: None, ports: [{name: db, port: 3306}]}", "db"),
        endpoint_slice(
            "{addresses: [10.244.1.9]}", "{addresses: [10.244.2.9]}", name="db", ports="[{name: db, port: 3306}]"
        ),
        service("{type: ExternalName, externalName: example.org}", "out"),
        service(
            "{clusterIP: 10.96.0.44, clusterIPs: [10.96.0.44, 'fd00:10:96::44'], ipFamilies: [IPv4, IPv6], ports: [{port: 80}]}",
            "dual",
        ),
        pod(
            "client",
            "{app: x}",
            "10.244.1.5",
            spec="{nodeName: node-a, containers: [{ports: [{name: web, containerPort: 8080}]}]}",
        ),
        NODE,
    )


def reached(objects: Cluster, word: str, protocol: str = "tcp", **settings: object) -> str:
    found = Settings(**settings)  # type: ignore[arg-type]
    resolver = ObjectResolver(objects, found, dns_lookup(objects))
    source = "[fd00::1]:33000" if found.family is Family.IPV6 else "10.244.1.5:33000"
    packet = parse_flow(f"{protocol} {source} -> {word}", names=resolver).packet
    return packet.destination_text


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("svc/default/web:80", "10.96.0.20:80"),
        ("svc/default/web:http", "10.96.0.20:80"),
        ("service/default/web:admin", "10.96.0.20:9000"),
        ("svc/web:http", "10.96.0.20:80"),
        ("svc/shop/edge", "10.96.0.30:443"),
        ("svc/shop/edge:8443", "10.96.0.30:8443"),
        ("lb/shop/edge", "203.0.113.20:443"),
        ("nodeport/default/web:http", "192.168.0.2:30080"),
        ("pod/default/client:web", "10.244.1.5:8080"),
        ("pod/default/client:22", "10.244.1.5:22"),
        ("node/node-a:22", "192.168.0.2:22"),
        ("svc/default/db", "10.244.1.9:3306"),
        ("web:80", "10.96.0.20:80"),
        ("web.default.svc.cluster.local:80", "10.96.0.20:80"),
        ("edge.shop:443", "10.96.0.30:443"),
        ("10.9.9.9:1", "10.9.9.9:1"),
    ],
)
def test_names_as_destinations(objects: Cluster, word: str, expected: str) -> None:
    assert reached(objects, word, hostname_override="node-a") == expected


def test_the_protocol_picks_the_port_and_the_family_the_address(objects: Cluster) -> None:
    assert reached(objects, "svc/kube-system/dns", "udp") == "10.96.0.53:53"
    assert reached(objects, "svc/dual", family=Family.IPV6) == "[fd00:10:96::44]:80"
    assert reached(objects, "svc/dual") == "10.96.0.44:80"


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        ("svc/default/wep:80", "there is no Service default/wep", "did you mean default/web?"),
        ("svc/default/edge:80", "there is no Service default/edge", "there is one in namespace shop"),
        ("svc/default/web", "has several ports", ""),
        ("svc/default/web:htp", "has no TCP port called htp", "did you mean http?"),
        ("svc/default/out", "is of type ExternalName: it is an alias of example.org", ""),
        ("pod/default/clint", "there is no pod default/clint", "did you mean default/client?"),
        ("pod/default/client:www", "the pod has no container port called www", ""),
        ("nodeport/shop/edge", "has no node port", ""),
        ("lb/default/web:80", "has no load balancer address", ""),
        ("node/node-b", "no address of a node node-b is known", "did you mean node-a?"),
        ("svc/a/b/c", "is not a name", ""),
        ("nothing:80", "there is no DNS name nothing", ""),
        ("out:80", "is an alias of example.org", ""),
    ],
)
def test_names_of_nothing_say_what_is_near(objects: Cluster, word: str, message: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        reached(objects, word)
    (found,) = caught.value.diagnostics
    assert found.code == "IPT040"
    assert message in found.message
    assert hint in found.hint


def test_one_of_several_addresses_is_taken_and_noted(objects: Cluster) -> None:
    resolver = ObjectResolver(objects, Settings(), dns_lookup(objects))
    parse_flow("tcp pod/default/client -> lb/shop/edge", names=resolver)
    (note,) = resolver.notes
    assert (note.code, note.severity) == ("IPT092", "note")
    assert "203.0.113.20 was taken, not 203.0.113.21" in note.message


def test_a_pod_as_source_has_a_port_that_is_not_known(objects: Cluster) -> None:
    flow = parse_flow("tcp pod/default/client -> svc/default/web:80", names=ObjectResolver(objects, Settings()))
    assert str(flow.packet).startswith("tcp 10.244.1.5:")
    assert flow.packet.source_text.startswith("10.244.1.5")


def test_mysql_production_of_the_seed_reaches_its_endpoint() -> None:
    found = cluster(fixture("seed", "mysql-service.yaml").text, fixture("seed", "mysql-endpoints.yaml").text)
    names = {item.name for item in found.services}
    assert "mysql-production" in names
    assert reached(found, "svc/mysql-production").endswith(":3306")


def test_trace_and_odds_take_names(seed: Path, tmp_path: Path, iptc_sim: Runner) -> None:
    rules = tmp_path / "node.save"
    objects = ("--objects", seed / "services.yaml", "--objects", seed / "endpoints.yaml")
    made = iptc_sim(
        "generate", "kube", "--release", "1.11", "--output", "save", seed / "services.yaml", seed / "endpoints.yaml"
    )
    rules.write_text(made.out)
    flow = ("--flow", "tcp 172.17.0.9:33000 -> svc/default/my-nginx in docker0")
    ran = iptc_sim("odds", rules, *objects, *flow)
    assert ran.status == 0
    assert "forward 172.17.0.4:80" in ran.out
    assert ran.out.splitlines()[-1].endswith("(default/my-nginx)")
    ran = iptc_sim("trace", rules, *objects, *flow, "--pick", "172.17.0.6:80")
    assert "(destination 10.97.126.137:8125 translated)" in ran.out
    ran = iptc_sim("trace", rules, *flow)
    assert ran.status == 2
    assert "hint: names of Services and pods need the objects: --objects FILE" in ran.err
