"""The records of a cluster's DNS, and how a pod asks for them (kube-proxy.md 7.2 and 7.3)."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from iptc_sim.api import trace
from iptc_sim.cli import app
from iptc_sim.kube import Cluster, Settings, compile_services, load_cluster
from iptc_sim.kube.dns_records import Zone, lookup
from iptc_sim.kube.objects import DnsConfig, Pod, PodSpec
from iptc_sim.kube.resolv import Resolv, read_resolv, resolv_of, tries
from iptc_sim.render import render_path
from tests.kube.builders import cluster, endpoint_slice, fixture, pod, service

HOST = Resolv(("192.168.0.1",), ("corp.example", "svc.cluster.local"), (("timeout", "1"),))


def ask(found: Cluster, name: str, *types: str) -> list[str]:
    return [f"{item.type} {item.value}" for item in Zone(found).ask(name, types or ("A", "AAAA")).records]


def look(found: Cluster, name: str, namespace: str = "default") -> tuple[str, ...]:
    return list(lookup(Zone(found), name, resolv_of(None, namespace)))[-1].addresses


WEB = cluster(
    service(
        "{clusterIPs: [10.96.0.9, 'fd00::9'], ipFamilies: [IPv4, IPv6], "
        "ports: [{name: http, port: 80, targetPort: 8080}, {name: dns, port: 53, protocol: UDP}]}",
        metadata="namespace: shop",
    ),
    service("{clusterIP: 10.96.0.8, ports: [{port: 80}]}", "plain"),
    service("{type: ExternalName, externalName: db.example.com}", "outer"),
    service("{type: ExternalName, externalName: web.shop.svc.cluster.local}", "inner"),
)
HEADLESS_SPEC = "{clusterIP: None, ports: [{name: http, port: 80, targetPort: 8080}]}"
SLICE = endpoint_slice(
    "{addresses: [10.0.0.1], hostname: db-0}",
    "{addresses: [10.0.0.2]}",
    "{addresses: [10.0.0.3], conditions: {ready: false}}",
    ports="[{name: http, port: 8080}]",
)
HEADLESS = cluster(service(HEADLESS_SPEC), SLICE)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("dns-version.cluster.local.", "TXT", ['TXT "1.1.0"']),
        ("web.shop.svc.cluster.local.", "A", ["A 10.96.0.9"]),
        ("WEB.Shop.SVC.cluster.LOCAL", "A", ["A 10.96.0.9"]),
        ("web.shop.svc.cluster.local.", "AAAA", ["AAAA fd00::9"]),
        ("_http._tcp.web.shop.svc.cluster.local.", "SRV", ["SRV 0 100 80 web.shop.svc.cluster.local."]),
        ("_dns._udp.web.shop.svc.cluster.local.", "SRV", ["SRV 0 100 53 web.shop.svc.cluster.local."]),
        ("_dns._tcp.web.shop.svc.cluster.local.", "SRV", []),
        ("9.0.96.10.in-addr.arpa.", "PTR", ["PTR web.shop.svc.cluster.local."]),
        (f"9.{'0.' * 28}0.d.f.ip6.arpa.", "PTR", ["PTR web.shop.svc.cluster.local."]),
        ("plain.default.svc.cluster.local.", "A", ["A 10.96.0.8"]),
        ("outer.default.svc.cluster.local.", "A", ["CNAME db.example.com."]),
        ("outer.default.svc.cluster.local.", "SRV", ["CNAME db.example.com."]),
        ("inner.default.svc.cluster.local.", "A", ["CNAME web.shop.svc.cluster.local.", "A 10.96.0.9"]),
        ("inner.default.svc.cluster.local.", "CNAME", ["CNAME web.shop.svc.cluster.local."]),
        ("nothing.default.svc.cluster.local.", "A", []),
    ],
)
def test_records_of_services_with_a_cluster_ip_and_of_aliases(name: str, kind: str, expected: list[str]) -> None:
    assert ask(WEB, name, kind) == expected


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("web.default.svc.cluster.local.", "A", ["A 10.0.0.1", "A 10.0.0.2"]),
        ("db-0.web.default.svc.cluster.local.", "A", ["A 10.0.0.1"]),
        ("10-0-0-2.web.default.svc.cluster.local.", "A", ["A 10.0.0.2"]),
        (
            "_http._tcp.web.default.svc.cluster.local.",
            "SRV",
            [
                "SRV 0 100 8080 db-0.web.default.svc.cluster.local.",
                "SRV 0 100 8080 10-0-0-2.web.default.svc.cluster.local.",
            ],
        ),
        ("1.0.0.10.in-addr.arpa.", "PTR", ["PTR db-0.web.default.svc.cluster.local."]),
        ("3.0.0.10.in-addr.arpa.", "PTR", []),
    ],
)
def test_records_of_a_headless_service_are_its_ready_endpoints(name: str, kind: str, expected: list[str]) -> None:
    assert ask(HEADLESS, name, kind) == expected


def test_a_headless_service_without_ready_endpoints_has_no_name() -> None:
    found = cluster(service(HEADLESS_SPEC), endpoint_slice("{addresses: [10.0.0.3], conditions: {ready: false}}"))
    answer = Zone(found).ask("web.default.svc.cluster.local.")
    assert (answer.exists, answer.inside, answer.records) == (False, True, ())
    published = cluster(
        service(HEADLESS_SPEC.replace("ports", "publishNotReadyAddresses: true, ports")),
        endpoint_slice("{addresses: [10.0.0.3], conditions: {ready: false}}"),
    )
    assert ask(published, "web.default.svc.cluster.local.") == ["A 10.0.0.3"]


def test_the_slices_of_a_headless_service_carry_its_label() -> None:
    labelled = SLICE.replace(
        "kubernetes.io/service-name: web", "kubernetes.io/service-name: web, service.kubernetes.io/headless: ''"
    )
    assert ask(cluster(service(HEADLESS_SPEC), labelled), "web.default.svc.cluster.local.") == [
        "A 10.0.0.1",
        "A 10.0.0.2",
    ]


def test_endpoints_of_a_service_with_a_cluster_ip_have_no_names() -> None:
    found = cluster(service("{clusterIP: 10.96.0.9, ports: [{name: http, port: 80}]}"), SLICE)
    assert ask(found, "db-0.web.default.svc.cluster.local.") == []
    assert ask(found, "1.0.0.10.in-addr.arpa.", "PTR") == []


def test_pods_of_a_stateful_set_have_names() -> None:
    found = cluster(
        service("{clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}", "db"),
        "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 2, serviceName: db, selector: "
        "{matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}}}}",
    )
    assert ask(found, "db-0.db.default.svc.cluster.local.") == ["A 10.244.0.2"]
    assert ask(found, "db-1.db.default.svc.cluster.local.") == ["A 10.244.0.3"]


def test_a_circle_of_aliases_ends() -> None:
    texts = [
        service(f"{{type: ExternalName, externalName: {other}.default.svc.cluster.local}}", name)
        for name, other in ("ab", "ba")
    ]
    assert set(ask(cluster(*texts), "a.default.svc.cluster.local.")) == {
        "CNAME a.default.svc.cluster.local.",
        "CNAME b.default.svc.cluster.local.",
    }


def plain(policy: str = "ClusterFirst", config: DnsConfig | None = None, *, host_network: bool = False) -> Pod:
    return Pod("shop", "p", {}, PodSpec(dns_policy=policy, dns_config=config, host_network=host_network))


CLUSTER_SEARCH = ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local")


@pytest.mark.parametrize(
    ("asking", "expected"),
    [
        (None, Resolv(("10.96.0.10",), (*CLUSTER_SEARCH, "corp.example"), (("ndots", "5"),))),
        (plain(), Resolv(("10.96.0.10",), (*CLUSTER_SEARCH, "corp.example"), (("ndots", "5"),))),
        (plain(host_network=True), HOST),
        (
            plain("ClusterFirstWithHostNet", host_network=True),
            Resolv(("10.96.0.10",), (*CLUSTER_SEARCH, "corp.example"), (("ndots", "5"),)),
        ),
        (plain("Default"), HOST),
        (plain("None", DnsConfig(("1.1.1.1",), ("a.example",))), Resolv(("1.1.1.1",), ("a.example",))),
        (
            plain(config=DnsConfig(("1.1.1.1", "10.96.0.10"), ("corp.example", "z"), (("ndots", "2"), ("edns0", "")))),
            Resolv(
                ("10.96.0.10", "1.1.1.1"),
                (*CLUSTER_SEARCH, "corp.example", "z"),
                (("ndots", "2"), ("edns0", "")),
            ),
        ),
    ],
)
def test_resolv_conf_of_a_pod(asking: Pod | None, expected: Resolv) -> None:
    assert resolv_of(asking, "shop", HOST) == expected


def test_resolv_conf_is_read_and_written() -> None:
    text = "# x\nsearch old\nsearch a.example b.example.\nnameserver 10.0.0.1\noptions ndots:2 rotate ; more\n"
    found = read_resolv(text)
    assert found == Resolv(("10.0.0.1",), ("a.example", "b.example"), (("ndots", "2"), ("rotate", "")))
    assert found.ndots == 2
    assert found.text == "nameserver 10.0.0.1\nsearch a.example b.example\noptions ndots:2 rotate\n"
    assert Resolv(options=(("ndots", "99"),)).ndots == 15
    assert Resolv().ndots == 1


SEARCH = [f"{suffix}." for suffix in CLUSTER_SEARCH]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web", [*(f"web.{suffix}" for suffix in SEARCH), "web."]),
        ("a.b.c.d.e", [*(f"a.b.c.d.e.{suffix}" for suffix in SEARCH), "a.b.c.d.e."]),
        ("a.b.c.d.e.f", ["a.b.c.d.e.f.", *(f"a.b.c.d.e.f.{suffix}" for suffix in SEARCH)]),
        ("web.", ["web."]),
    ],
    ids=["none", "four dots", "five dots", "final dot"],
)
def test_the_search_list(name: str, expected: list[str]) -> None:
    assert list(tries(name, resolv_of(None, "shop"))) == expected


@pytest.mark.parametrize(
    ("name", "namespace", "found_at"),
    [
        ("web", "shop", 1),
        ("web.shop", "default", 2),
        ("web.shop.svc", "default", 3),
        ("web.shop.svc.cluster.local", "default", 4),
        ("web.shop.svc.cluster.local.", "default", 1),
    ],
)
def test_at_which_try_a_name_is_found(name: str, namespace: str, found_at: int) -> None:
    answers = list(lookup(Zone(WEB), name, resolv_of(None, namespace)))
    assert [bool(item.records) for item in answers] == [False] * (found_at - 1) + [True]
    assert answers[-1].addresses == ("10.96.0.9", "fd00::9")


def test_the_names_of_the_seed_resolve() -> None:
    found = load_cluster([fixture("seed", name) for name in ("services.yaml", "endpoints.yaml")])
    for name in ("my-nginx", "my-nginx.default", "my-nginx.default.svc", "my-nginx.default.svc.cluster.local"):
        assert look(found, name) == ("10.97.126.137",)
    assert look(found, "my-nginx.default", "my-ns") == ("10.97.126.137",)
    assert look(found, "my-nginx", "my-ns") == ()
    assert look(found, "kubernetes.default", "my-ns") == ("10.96.0.1",)


def test_mysql_production_reaches_the_machine_outside() -> None:
    found = load_cluster([fixture("seed", "mysql-service.yaml"), fixture("seed", "mysql-endpoints.yaml")])
    (address,) = look(found, "mysql-production")
    for release in ("1.11", "1.28"):
        ruleset = compile_services(found, Settings(release=release))
        way = render_path(trace(ruleset, f"tcp 10.244.0.9:33000 -> {address}:3306 in cni0"))
        assert "192.168.1.25:3306" in way


def run(text: str, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["dns", *words], input=text)
    return done.exit_code, done.stdout


MY = service("{clusterIP: 10.96.7.7, ports: [{name: http, port: 80}]}", "my-service", metadata="namespace: my-ns")


def test_the_command_shows_each_try() -> None:
    status, out = run(MY, "my-service.my-ns", "-", "--from-namespace", "default")
    assert (status, out.splitlines()) == (
        0,
        [
            "try 1  my-service.my-ns.default.svc.cluster.local.  NXDOMAIN",
            "try 2  my-service.my-ns.svc.cluster.local.          A 10.96.7.7",
        ],
    )
    status, out = run(MY, "my-service", "-")
    assert (status, out.count("NXDOMAIN")) == (1, 3)
    assert "not of this cluster" in out.splitlines()[-1]


def test_the_command_asks_for_other_types_and_addresses() -> None:
    assert "SRV 0 100 80 my-service.my-ns.svc" in run(MY, "_http._tcp.my-service.my-ns", "-", "--type", "srv")[1]
    assert "PTR my-service.my-ns.svc.cluster.local." in run(MY, "10.96.7.7", "-")[1]
    assert run(MY, "my-service.my-ns", "-", "--type", "AAAA")[0] == 1


def test_the_command_knows_the_pods_settings() -> None:
    text = f"{MY}\n---\n" + pod("p", "{}", "10.0.0.1", spec="{dnsConfig: {searches: [my-ns.svc.cluster.local]}}")
    status, out = run(text, "my-service", "-", "--pod", "default/p", "--format", "json")
    answer = json.loads(out)
    assert status == 0
    assert [item["status"] for item in answer["tries"]] == ["NXDOMAIN"] * 3 + ["NOERROR"]
    assert answer["resolv_conf"]["search"][-1] == "my-ns.svc.cluster.local"
    assert run(text, "x", "-", "--pod", "default/p", "--format", "resolv.conf")[1].startswith("nameserver 10.96.0.10\n")


@pytest.mark.parametrize("name", ["a..b", "", "a" * 64, "\u00fc"])
def test_what_is_no_name_is_refused(name: str) -> None:
    done = CliRunner().invoke(app, ["dns", name, "-"], input=MY)
    assert "IPT004" in str(done.exception)
