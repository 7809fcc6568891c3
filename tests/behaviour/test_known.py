"""Equivalences that people ask about, judged by hand before they were pinned here."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptc_sim.behaviour.answer import Behaviour, Kind, Verdict
from iptc_sim.behaviour.differ import differ
from iptc_sim.diagnostics import SourceFile
from iptc_sim.kube import Settings, compile_services, load_cluster
from iptc_sim.syntax import parse, read_rules
from iptc_sim.syntax.write import write_save

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec:
  type: %s
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10]
%s  ports: [{name: http, port: 80, protocol: TCP, targetPort: 8080%s}]
  selector: {app: web}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080, protocol: TCP}]
endpoints:
- {addresses: [10.244.1.5], conditions: {ready: true}, nodeName: a}
- {addresses: [10.244.2.7], conditions: {ready: true}, nodeName: b}
"""


def told(found: Behaviour) -> set[tuple[str, ...]]:
    """Return entry, kinds and the addresses that the packets of each class have in common."""
    rows = set()
    for item in found.classes:
        conditions = {one.field: one.text for one in item.conditions}
        words = (
            conditions.get("source", ""),
            conditions.get("destination", ""),
            conditions.get("destination port", ""),
        )
        rows.add((item.entry, *item.kinds, *words))
    return rows


def between(kind: str, more: str) -> Behaviour:
    """Compare the rules of kube-proxy 1.22 and 1.24 for one Service."""
    objects = SourceFile("objects.yaml", SERVICE % (kind, more, ", nodePort: 30080" if kind == "NodePort" else ""))
    rulesets = []
    for release in ("1.22", "1.24"):
        settings = Settings(release=release, cluster_cidr="10.244.0.0/16", hostname_override="a")
        rulesets.append(compile_services(load_cluster([objects]), settings))
    return differ(rulesets[0], rulesets[1])


@pytest.mark.corpora
def test_a_dump_and_what_fmt_makes_of_it(corpora: Path) -> None:
    names = [
        "docker/20.10-any/iptables-save.txt",
        "docker/29.7-any/iptables-save.txt",
        "docker/20.10-ipv6/ip6tables-save.txt",
    ]
    for name in names:
        rules = read_rules(corpora / name)
        written = parse(write_save(rules), family=rules.family)
        spelled = parse(
            write_save(rules).replace(" -m comment", "  -m comment").replace("--dport", "--destination-port")
        )
        for other in (written, spelled):
            assert differ(rules, other).verdict is Verdict.EQUIVALENT


def test_node_ports_of_kube_proxy_1_22_and_1_24_are_the_same() -> None:
    """KUBE-EXT does for all external traffic what KUBE-SVC did by the node port."""
    found = between("NodePort", "")
    assert (found.verdict, found.undecided) == (Verdict.EQUIVALENT, ())


def test_external_ips_of_kube_proxy_1_24_masquerade_pods_too() -> None:
    """1.22 leaves packets of pods to an external IP their source; the KUBE-EXT of 1.24 masquerades them all."""
    found = between("ClusterIP", "  externalIPs: [192.0.2.50]\n")
    assert found.verdict is Verdict.DIFFERENT
    assert told(found) == {
        ("forwarded", Kind.MASQUERADE, "10.244.0.0/16", "192.0.2.50/32", "80"),
        ("local", Kind.MASQUERADE, "10.244.0.0/16", "192.0.2.50/32", "80"),
    }
    for item in found.classes:
        assert all(not share.ending.source for share in item.ours)
        assert all(share.ending.source for share in item.theirs)
        assert item.size % (1 << 32) == 0  # 2^16 sources and 2^16 ports


@pytest.mark.corpora
def test_docker_20_10_and_29(corpora: Path) -> None:
    """29 drops direct access to containers in raw, and masquerades no longer what a container sends to itself."""
    a, b = (read_rules(corpora / "docker" / f"{release}-any" / "iptables-save.txt") for release in ("20.10", "29.7"))
    found = differ(a, b)
    assert found.verdict is Verdict.DIFFERENT
    forwarded = {row[1:] for row in told(found) if row[0] == "forwarded"}
    assert (Kind.FATE, "", "172.17.0.2/32", "80") in forwarded
    assert (Kind.MASQUERADE, "172.17.0.2/32", "172.17.0.2/32", "80") in forwarded
    # All packets of all classes are of the container.
    for row in told(found):
        assert any("172.17." in word for word in row), row
