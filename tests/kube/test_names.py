"""Chain names: sha256 of the service port name, protocol and endpoint, in base32."""

from __future__ import annotations

import pytest

from iptc_sim.kube import Settings, chain_names, is_kube_chain, kube_chain_prefixes, load_cluster
from iptc_sim.kube.names import endpoint_chain, endpoint_text, service_hash, service_port_name
from tests.kube.builders import cluster, endpoint_slice, endpoints, fixture, service


@pytest.mark.parametrize(
    ("name", "protocol", "expected"),
    [
        ("default/my-nginx:", "tcp", "BEPXDJBUHFCSYIC3"),
        ("default/my-nginx", "tcp", "L65ENXXZWWSAPRCR"),
        ("default/kubernetes:https", "tcp", "NPX46M4PTMTKRN6Y"),
        ("kube-system/kube-dns:dns", "udp", "TCOU7JCQXEZGVUNU"),
        ("kube-system/kube-dns:dns-tcp", "tcp", "ERIFXISQEP7F7OF4"),
        ("kube-system/kube-dns:metrics", "tcp", "JD5MR3NA4I4DYORP"),
        ("default/hostnames:", "tcp", "NWV5X2332I4OT4T3"),
        ("ns1/svc1:p80", "tcp", "XPGD46QRK7WJZT7O"),
        ("ns1/svc1", "tcp", "AQI2S6QIMU7PVVRP"),
    ],
)
def test_service_chains_end_in_the_hash_of_name_and_protocol(name: str, protocol: str, expected: str) -> None:
    assert service_hash(name, protocol) == expected


@pytest.mark.parametrize(
    ("name", "endpoint", "expected"),
    [
        ("default/my-nginx:", "10.244.1.5:80", "KUBE-SEP-WKDCQTHFYN63UIFU"),
        ("default/my-nginx", "10.244.1.5:80", "KUBE-SEP-NXGM5NOWQCIV6XH2"),
        ("default/hostnames:", "10.244.3.6:9376", "KUBE-SEP-57KPRZ3JQVENLNBR"),
        ("ns1/svc1:p80", "10.180.0.1:80", "KUBE-SEP-SXIVWICOYRO3J4NJ"),
        ("default/web:http", "[fd00:10:244::5]:8080", "KUBE-SEP-VBF3M44FXEMK7CYW"),
    ],
)
def test_endpoint_chains_hash_the_endpoint_too(name: str, endpoint: str, expected: str) -> None:
    assert endpoint_chain(name, "tcp", endpoint) == expected


@pytest.mark.parametrize(
    ("port", "always_colon", "expected"),
    [
        ("", True, "default/web:"),
        ("", False, "default/web"),
        ("http", True, "default/web:http"),
        ("http", False, "default/web:http"),
    ],
)
def test_unnamed_ports_lost_their_colon(port: str, always_colon: bool, expected: str) -> None:
    assert service_port_name("default", "web", port, always_colon=always_colon) == expected


@pytest.mark.parametrize(("address", "expected"), [("10.244.1.5", "10.244.1.5:80"), ("fd00::5", "[fd00::5]:80")])
def test_ipv6_endpoints_are_bracketed(address: str, expected: str) -> None:
    assert endpoint_text(address, 80) == expected


def test_chains_of_the_seed_are_named_after_service_and_endpoint() -> None:
    found = load_cluster([fixture("seed", "services.yaml"), fixture("seed", "endpoints.yaml")])
    names = chain_names(found, Settings(release="1.11"))
    assert names["KUBE-SVC-BEPXDJBUHFCSYIC3"] == "default/my-nginx"
    assert names["KUBE-SEP-DYSISBZG5TN7BHVN"] == "default/my-nginx -> 172.17.0.4:80"
    assert names["KUBE-SEP-BLX3X6UTIG6UGCA2"] == "default/my-nginx -> 172.17.0.5:80"
    assert names["KUBE-SEP-J5WBW7HEOGAHN6ZG"] == "default/my-nginx -> 172.17.0.6:80"
    assert names["KUBE-SVC-NPX46M4PTMTKRN6Y"] == "default/kubernetes:https"


def test_the_release_decides_about_the_names_of_unnamed_ports() -> None:
    found = cluster(
        service("{clusterIP: 10.96.0.9, ports: [{port: 80}]}", "my-nginx"),
        endpoints("10.244.1.5", name="my-nginx", port="{port: 80}"),
    )
    names = chain_names(found, Settings())
    assert names["KUBE-SVC-L65ENXXZWWSAPRCR"] == "default/my-nginx"
    assert names["KUBE-SEP-NXGM5NOWQCIV6XH2"] == "default/my-nginx -> 10.244.1.5:80"
    assert "KUBE-SVC-BEPXDJBUHFCSYIC3" not in names


def test_every_chain_kind_and_idle_endpoints_have_names() -> None:
    found = cluster(
        service("{clusterIP: 10.96.0.9, ports: [{port: 80, name: p80}]}", "svc1", "namespace: ns1"),
        endpoint_slice(
            "{addresses: [10.180.0.1], conditions: {ready: false}}",
            name="svc1",
            ports="[{name: p80, port: 80}]",
        ).replace("metadata: {", "metadata: {namespace: ns1, "),
    )
    names = chain_names(found, Settings())
    kinds = {name.rpartition("-")[0] for name, label in names.items() if label == "ns1/svc1:p80"}
    assert kinds == {"KUBE-SVC", "KUBE-SVL", "KUBE-EXT", "KUBE-FW", "KUBE-XLB"}
    assert names["KUBE-SEP-SXIVWICOYRO3J4NJ"] == "ns1/svc1:p80 -> 10.180.0.1:80"


@pytest.mark.parametrize(
    ("table", "chain", "owned"),
    [
        ("nat", "KUBE-SERVICES", True),
        ("nat", "KUBE-NODEPORTS", True),
        ("nat", "KUBE-POSTROUTING", True),
        ("nat", "KUBE-MARK-MASQ", True),
        ("nat", "KUBE-SEP-57KPRZ3JQVENLNBR", True),
        ("nat", "KUBE-XLB-57KPRZ3JQVENLNBR", True),
        ("filter", "KUBE-PROXY-FIREWALL", True),
        ("filter", "KUBE-EXTERNAL-SERVICES", True),
        ("mangle", "KUBE-PROXY-CANARY", True),
        ("nat", "KUBE-PORTALS-HOST", True),
        ("nat", "KUBE-NODEPORT-CONTAINER", True),
        ("filter", "KUBE-NODEPORT-NON-LOCAL", True),
        ("nat", "KUBE-NODEPORT-NON-LOCAL", False),
        ("filter", "KUBE-SEP-57KPRZ3JQVENLNBR", False),
        ("nat", "KUBE-MARK-DROP", False),
        ("mangle", "KUBE-KUBELET-CANARY", False),
        ("nat", "DOCKER", False),
        ("nat", "PREROUTING", False),
        ("raw", "KUBE-SERVICES", False),
    ],
)
def test_chains_that_kube_proxy_owns(table: str, chain: str, *, owned: bool) -> None:
    assert is_kube_chain(table, chain) is owned


def test_prefixes_are_those_of_all_releases() -> None:
    assert set(kube_chain_prefixes()) == {
        "KUBE-SVC-",
        "KUBE-SVL-",
        "KUBE-SEP-",
        "KUBE-FW-",
        "KUBE-EXT-",
        "KUBE-XLB-",
    }
