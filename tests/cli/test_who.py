"""``iptc-sim who``: chains, Services and addresses, from objects and from dumps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iptc_sim.kube.names import endpoint_chain, service_hash
from tests.conftest import Runner
from tests.kube.test_names_of import WITHOUT_COMMENTS

#: Every example of kube-proxy.md, section 1: what is hashed, the chain.
EXAMPLES = [
    ("default/my-nginx:", "tcp", "", "BEPXDJBUHFCSYIC3"),
    ("default/my-nginx", "tcp", "", "L65ENXXZWWSAPRCR"),
    ("default/my-nginx:", "tcp", "10.244.1.5:80", "WKDCQTHFYN63UIFU"),
    ("default/my-nginx", "tcp", "10.244.1.5:80", "NXGM5NOWQCIV6XH2"),
    ("default/kubernetes:https", "tcp", "", "NPX46M4PTMTKRN6Y"),
    ("kube-system/kube-dns:dns", "udp", "", "TCOU7JCQXEZGVUNU"),
    ("kube-system/kube-dns:dns-tcp", "tcp", "", "ERIFXISQEP7F7OF4"),
    ("kube-system/kube-dns:metrics", "tcp", "", "JD5MR3NA4I4DYORP"),
    ("default/hostnames:", "tcp", "", "NWV5X2332I4OT4T3"),
    ("default/hostnames:", "tcp", "10.244.3.6:9376", "57KPRZ3JQVENLNBR"),
    ("ns1/svc1:p80", "tcp", "", "XPGD46QRK7WJZT7O"),
    ("ns1/svc1:p80", "tcp", "10.180.0.1:80", "SXIVWICOYRO3J4NJ"),
    ("ns1/svc1", "tcp", "", "AQI2S6QIMU7PVVRP"),
    ("default/web:http", "tcp", "[fd00:10:244::5]:8080", "VBF3M44FXEMK7CYW"),
]


def objects_of(name: str, protocol: str, endpoint: str) -> str:
    """Return a Service with one port, and its slice."""
    label, _, port = name.partition(":")
    namespace, service = label.split("/")
    meta = {"name": service, "namespace": namespace}
    six = endpoint.startswith("[")
    spec = {
        "clusterIP": "fd00:10:96::9" if six else "10.96.0.9",
        "ports": [{"port": 80, "protocol": protocol.upper()} | ({"name": port} if port else {})],
    }
    host, _, number = endpoint.rpartition(":")
    items: list[dict[str, object]] = [{"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}]
    if endpoint:
        items.append(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": meta | {"labels": {"kubernetes.io/service-name": service}},
                "addressType": "IPv6" if six else "IPv4",
                "ports": [{"name": port, "port": int(number), "protocol": protocol.upper()}],
                "endpoints": [{"addresses": [host.strip("[]")]}],
            }
        )
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


@pytest.mark.parametrize(("name", "protocol", "endpoint", "ending"), EXAMPLES)
def test_examples_of_the_reference_both_ways(
    name: str, protocol: str, endpoint: str, ending: str, tmp_path: Path, iptc_sim: Runner
) -> None:
    assert (endpoint_chain(name, protocol, endpoint)[9:] if endpoint else service_hash(name, protocol)) == ending
    objects = tmp_path / "objects.json"
    objects.write_text(objects_of(name, protocol, endpoint))
    label = name.rstrip(":")
    chains = [f"KUBE-{kind}-{ending}" for kind in (["SEP"] if endpoint else ["SVC", "SVL", "EXT", "FW", "XLB"])]
    ran = iptc_sim("who", *chains, objects)
    assert ran.status == 0
    for chain, line in zip(chains, ran.out.splitlines(), strict=True):
        assert line.startswith(chain)
        assert label in line
        assert endpoint in line
        assert ("named as up to release 1.18" in line) == name.endswith(":")
    back = iptc_sim("who", label, objects)
    assert back.status == 0
    assert f"-{ending}" in back.out


def test_seed_from_objects_and_from_its_rules(seed: Path, iptc_sim: Runner) -> None:
    chain = "KUBE-SEP-J5WBW7HEOGAHN6ZG"
    ran = iptc_sim("who", chain, seed / "services.yaml", seed / "endpoints.yaml")
    told = "endpoint 172.17.0.6:80 of default/my-nginx (port 8125/tcp), named as up to release 1.18"
    assert (ran.status, ran.out) == (0, f"{chain}  {told}\n")
    ran = iptc_sim("who", chain, "KUBE-SVC-BEPXDJBUHFCSYIC3", seed / "kube-nat.rules")
    assert ran.status == 0
    assert (
        "endpoint 172.17.0.6:80 of default/my-nginx (tcp), named as up to release 1.18, as its comments in" in ran.out
    )


def test_dump_without_comments(tmp_path: Path, iptc_sim: Runner) -> None:
    dump = tmp_path / "node.save"
    dump.write_text(WITHOUT_COMMENTS)
    ran = iptc_sim("who", "KUBE-SEP-WKDCQTHFYN63UIFU", dump)
    assert "endpoint 10.244.1.5:80 of default/my-nginx (tcp)" in ran.out
    assert "as the rules that lead to it in" in ran.out


def test_addresses_ports_and_services(seed: Path, iptc_sim: Runner) -> None:
    files = (seed / "services.yaml", seed / "endpoints.yaml", seed / "kube-nat.rules")
    out = iptc_sim("who", "10.97.126.137:8125", "172.17.0.6", "10.97.126.137:80", "default/my-nginx", *files).out
    assert "cluster IP of default/my-nginx, port 8125/tcp\n" in out
    assert "endpoint 172.17.0.6:80 of default/my-nginx\n" in out
    assert "which has no port 80 but 8125\n" in out
    assert "default/my-nginx           Service of type ClusterIP, 10.97.126.137, 8125/tcp -> 80\n" in out


@pytest.mark.corpora
def test_dump_alone_tells_addresses_and_node_ports(corpora: Path, iptc_sim: Runner) -> None:
    dump = corpora / "kube-proxy-1.28" / "etp-local.save"
    out = iptc_sim("who", "10.96.5.70:80", "30081", "32100", "6DIQQWZY5FTPVDUK", "10.244.1.5", dump).out
    for text in (
        "shop/edge:http cluster IP (port 80)",
        "node port of shop/edge:http",
        "shop/edge:http health check node port",
        "KUBE-SVL-6DIQQWZY5FTPVDUK",
        "endpoint 10.244.1.5:8080 of shop/edge:http",
    ):
        assert text in out
    assert "XLB" not in out


def test_unknown_names_have_a_hint_and_status_1(seed: Path, iptc_sim: Runner) -> None:
    ran = iptc_sim(
        "who", "KUBE-SEP-J5WBW7HEOGAHN6ZH", "KUBE-MARK-MASQ", seed / "services.yaml", seed / "endpoints.yaml"
    )
    assert ran.status == 1
    assert "not known; did you mean KUBE-SEP-J5WBW7HEOGAHN6ZG (default/my-nginx -> 172.17.0.6:80)?" in ran.out
    assert "KUBE-MARK-MASQ             kube-proxy's: sets the mark" in ran.out


def test_a_chain_whose_rules_speak_of_another_service_is_noted(seed: Path, tmp_path: Path, iptc_sim: Runner) -> None:
    dump = tmp_path / "node.rules"
    dump.write_text((seed / "kube-nat.rules").read_text().replace("default/my-nginx", "default/other"))
    objects = (seed / "services.yaml", seed / "endpoints.yaml")
    ran = iptc_sim("who", "KUBE-SVC-BEPXDJBUHFCSYIC3", *objects, dump)
    assert (
        "IPT091: KUBE-SVC-BEPXDJBUHFCSYIC3 is the chain of default/my-nginx, but its rules speak of default/other"
        in ran.err
    )
    ran = iptc_sim("who", "KUBE-SVC-BEPXDJBUHFCSYIC3", dump)
    assert (
        "IPT091: the name KUBE-SVC-BEPXDJBUHFCSYIC3 is not the hash of default/other, of which its rules speak"
        in ran.err
    )


def test_json(seed: Path, iptc_sim: Runner) -> None:
    objects = (seed / "services.yaml", seed / "endpoints.yaml")
    record = json.loads(iptc_sim("who", "KUBE-SEP-J5WBW7HEOGAHN6ZG", *objects, "--format", "json").out)
    assert record["schema"] == "iptc-sim/who/1"
    (answer,) = record["names"][0]["answers"]
    assert (answer["kind"], answer["service"], answer["endpoint"]) == ("SEP", "default/my-nginx", "172.17.0.6:80")


@pytest.mark.parametrize("words", [("KUBE-SEP-J5WBW7HEOGAHN6ZG",), ("kube-nat.rules",)])
def test_names_and_files_are_both_needed(words: tuple[str, ...], seed: Path, iptc_sim: Runner) -> None:
    ran = iptc_sim("who", *(seed / word if word.endswith(".rules") else word for word in words))
    assert ran.status == 2
    assert "IPT004" in ran.err
