"""``diff --expect-kube --proxy-mode userspace``: a right node has no difference, damage is named (kube-proxy.md, 5)."""

from __future__ import annotations

import pytest

from iptc_sim import UsageError, parse
from iptc_sim.doctor.rules import Compared, compare_rules
from iptc_sim.kube import Cluster, Settings
from iptc_sim.kube.compiler import compile_text
from iptc_sim.kube.text import Spelling
from iptc_sim.records import replace
from tests.compare.damages import Change, added, behind, doubled, swapped, turned, without
from tests.compare.test_expect_kube import chains_of
from tests.kube.builders import cluster, endpoints, service

OPEN = Settings(release="1.20", proxy_mode="userspace")
TOLD = replace(OPEN, node_ip=("192.168.0.2",), proxy_ports=(("default/web:http", 40001), ("default/web:dns", 40002)))
EDGE = "{type: LoadBalancer, clusterIP: 10.96.0.30, externalIPs: [192.168.99.9], ports: [{port: 443, nodePort: 30443}]}"
EDGE_STATUS = "{loadBalancer: {ingress: [{ip: 203.0.113.9}]}}"
OBJECTS = (
    service(
        "{type: NodePort, clusterIP: 10.96.0.20, ports: [{name: http, port: 80, nodePort: 30080}, "
        "{name: dns, port: 53, protocol: UDP, nodePort: 30053}]}"
    ),
    endpoints("10.244.0.5", port="{name: http, port: 8080}"),
    service(EDGE, "edge", status=EDGE_STATUS),
)
#: What kubelet makes on every node, and kube-proxy's userspace mode does not (2.6).
KUBELET = (":KUBE-MARK-MASQ - [0:0]", ":KUBE-POSTROUTING - [0:0]", "-A POSTROUTING -j KUBE-POSTROUTING",
           "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000", "-A KUBE-POSTROUTING -j MASQUERADE")  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Cluster:
    return cluster(*OBJECTS)


def lines(found: Cluster) -> list[str]:
    return compile_text(found, TOLD, Spelling.SAVE).splitlines()


def compared(found: Cluster, text: list[str], settings: Settings = OPEN) -> Compared:
    return compare_rules(found, settings, parse("\n".join([*text, ""])))


def test_ports_and_address_are_those_of_the_node(found: Cluster) -> None:
    right = compared(found, lines(found))
    assert (right.grouped.difference.edits, right.absent) == ((), ())
    assert dict(right.settings.proxy_ports)["default/web:http"] == 40001
    assert right.settings.node_ip == ("192.168.0.2",)
    other = compared(found, lines(found), replace(OPEN, proxy_ports=(("default/web:http", 40009),)))
    assert {part.service for part in other.grouped.services} == {"default/web:http"}


def test_order_of_services_and_kubelets_chains_do_not_count(found: Cluster) -> None:
    text = turned("-A KUBE-PORTALS-HOST -d 10.96.0.20", "-A KUBE-PORTALS-HOST -d 10.96.0.30")(lines(found))
    place = text.index("*nat") + 5
    text = [*text[:place], *KUBELET[:2], *text[place:-1], *KUBELET[2:], "COMMIT"]
    assert not compared(found, text).grouped.difference


@pytest.mark.parametrize(
    ("change", "kind", "service", "chain"),
    [
        (without("-A KUBE-PORTALS-CONTAINER -d 10.96.0.20/32 -p tcp"), "missing", "default/web:http", "KUBE-PORTALS-CONTAINER"),
        (without("-A KUBE-PORTALS-HOST -d 203.0.113.9"), "missing", "default/edge", "KUBE-PORTALS-HOST"),
        (without("--dport 30080", "REDIRECT"), "missing", "default/web:http", "KUBE-NODEPORT-CONTAINER"),
        (without("--dport 40001", "NEW"), "missing", "default/web:http", "KUBE-NODEPORT-NON-LOCAL"),
        (without("KUBE-NODEPORT-HOST"), "missing", "", "KUBE-NODEPORT-HOST"),
        (without("-A PREROUTING", "KUBE-PORTALS-CONTAINER"), "missing", "", "PREROUTING"),
        (doubled("-A KUBE-PORTALS-HOST -d 10.96.0.20/32 -p udp"), "stale", "default/web:dns", "KUBE-PORTALS-HOST"),
        (swapped("40001", "40009", "-A KUBE-PORTALS-HOST"), "changed", "default/web:http", "KUBE-PORTALS-HOST"),
        (swapped("192.168.0.2:", "192.168.0.9:", "-A KUBE-NODEPORT-HOST", "30080"), "changed", "default/web:http", "KUBE-NODEPORT-HOST"),
        (swapped("10.96.0.20/32", "10.96.0.99/32", "-A KUBE-PORTALS-CONTAINER", "tcp"), "missing", "default/web:http", "KUBE-PORTALS-CONTAINER"),
        (swapped("--dport 30443", "--dport 30444", "REDIRECT"), "missing", "default/edge", "KUBE-NODEPORT-CONTAINER"),
        (swapped("-m addrtype --dst-type LOCAL ", "", "-A KUBE-PORTALS-HOST"), "missing", "default/edge", "KUBE-PORTALS-HOST"),
        (behind('-A KUBE-PORTALS-HOST -d 10.96.9.9/32 -p tcp -m comment --comment "default/old:" -m tcp --dport 1 '
                '-j DNAT --to-destination 192.168.0.2:1', "-A KUBE-PORTALS-HOST"), "stale", "default/old", "KUBE-PORTALS-HOST"),
        (added("-A OUTPUT -j KUBE-PORTALS-HOST", "-A OUTPUT"), "stale", "", "OUTPUT"),
        (turned("-A PREROUTING -m comment", "-A PREROUTING -m addrtype"), "moved", "", "PREROUTING"),
    ],
)  # fmt: skip
def test_damage_is_named(found: Cluster, change: Change, kind: str, service: str, chain: str) -> None:
    grouped = compared(found, change(lines(found))).grouped
    assert chain in chains_of(grouped, service, kind)
    assert {part.service for part in grouped.services} == {service}


def test_the_other_mode_is_told(found: Cluster) -> None:
    (told,) = compared(found, lines(found), Settings(release="1.20")).absent
    assert "--proxy-mode userspace compares with that" in told
    iptables = compile_text(found, Settings(release="1.20"), Spelling.SAVE).splitlines()
    assert "does not run in userspace mode" in compared(found, iptables, TOLD).absent[0]
    with pytest.raises(UsageError):
        compared(found, ["*nat", "COMMIT"])


def test_auto_looks_at_releases_that_have_the_mode(found: Cluster) -> None:
    dump = parse("\n".join([*lines(found), ""]))
    assert compare_rules(found, OPEN, dump, auto=True).chosen.startswith("release 1.25 fits best: every line agrees")
