"""Which endpoints serve, by readiness, place and policy, and what node settings add."""

from __future__ import annotations

import re

import pytest

from iptc_sim.kube import Settings, compile_services, restore_text
from iptc_sim.records import replace
from iptc_sim.syntax.write import write_save
from iptc_sim.values import Family
from tests.kube.builders import cluster, endpoint_slice, rules, service

NODE = Settings(hostname_override="here", cluster_cidr="10.0.0.0/8")
BALANCER = "type: LoadBalancer, clusterIP: 172.30.1.1, ports: [{port: 80}]"
STATUS = "{loadBalancer: {ingress: [{ip: 1.2.3.4}]}}"


def endpoint(number: int, state: str) -> str:
    """R: ready, T: terminating but serving, U: terminating and not serving; L: on this node, X: on another."""
    ready, serving, terminating = {"R": (1, 1, 0), "T": (0, 1, 1), "U": (0, 0, 1)}[state[0]]
    conditions = f"ready: {bool(ready)}, serving: {bool(serving)}, terminating: {bool(terminating)}"
    node = "here" if state[1] == "L" else "there"
    return f"{{addresses: [10.0.1.{number}], conditions: {{{conditions}}}, nodeName: {node}}}"


def reached(lines: list[str]) -> list[str]:
    return re.findall(r"-> 10\.0\.1(\.\d+):", "\n".join(lines))


@pytest.mark.parametrize(
    ("policy", "states", "inside", "outside"),
    [
        ("Local", "RL RL TL UL RX", ".1 .2 .5", ".1 .2"),
        ("Local", "UL TL TL UL RX", ".5", ".2 .3"),
        ("Local", "TX", ".1", "DROP"),
        ("Local", "UX", "REJECT", "REJECT"),
        ("Cluster", "RL RL TX UX RX", ".1 .2 .5", ".1 .2 .5"),
        ("Cluster", "UX TL TL UX TX", ".2 .3 .5", ".2 .3 .5"),
        ("Cluster", "TX", ".1", ".1"),
        ("Cluster", "UL", "REJECT", "REJECT"),
    ],
)
def test_terminating_endpoints_serve_when_no_others_do(policy: str, states: str, inside: str, outside: str) -> None:
    spec = f"{{{BALANCER}, externalTrafficPolicy: {policy}}}"
    items = [endpoint(number, state) for number, state in enumerate(states.split(), 1)]
    found = cluster(service(spec, status=STATUS), endpoint_slice(*items, ports="[{port: 80}]"))
    entry = rules(found, NODE, 'KUBE-SERVICES -m comment --comment "default/web')
    refused = {line.rpartition(" ")[2] for line in rules(found, NODE, "KUBE-EXTERNAL-SERVICES")}
    dispatch = rules(found, NODE, "KUBE-SVC")
    assert " ".join(reached(dispatch)) == ("" if inside == "REJECT" else inside)
    assert any(line.endswith("REJECT") for line in entry) == (inside == "REJECT")
    assert refused == ({outside} if outside.isupper() else set())
    if not outside.isupper():
        assert " ".join(reached(rules(found, NODE, "KUBE-SVL") or dispatch)) == outside


@pytest.mark.parametrize(
    ("policy", "node", "expected"),
    [("Cluster", "here", ".1 .2 .3"), ("Local", "here", ".1"), ("Local", "elsewhere", "DROP")],
)
def test_the_internal_policy_decides_about_the_cluster_ip(policy: str, node: str, expected: str) -> None:
    spec = f"{{clusterIP: 172.30.1.1, internalTrafficPolicy: {policy}, ports: [{{port: 80}}]}}"
    items = [endpoint(1, "RL"), endpoint(2, "RX"), endpoint(3, "RX")]
    found = cluster(service(spec), endpoint_slice(*items))
    settings = Settings(hostname_override=node)
    assert " ".join(reached(rules(found, settings, "KUBE-SV"))) == ("" if expected == "DROP" else expected)
    dropped = [line for line in rules(found, settings, "KUBE-SERVICES") if line.endswith("-j DROP")]
    assert ['"default/web has no local endpoints"' in line for line in dropped] == [True] * (expected == "DROP")


def node(zone: str) -> str:
    return f"{{apiVersion: v1, kind: Node, metadata: {{name: here, labels: {{topology.kubernetes.io/zone: {zone}}}}}}}"


@pytest.mark.parametrize(
    ("annotation", "zone", "hints", "expected"),
    [
        ("service.kubernetes.io/topology-mode: Auto", "z1", ("z1", "z2"), [".1"]),
        ("service.kubernetes.io/topology-aware-hints: auto", "z2", ("z1", "z2"), [".2"]),
        ("service.kubernetes.io/topology-mode: Auto", "z3", ("z1", "z2"), [".1", ".2"]),
        ("service.kubernetes.io/topology-mode: Auto", "z1", ("z1", ""), [".1", ".2"]),
        ("service.kubernetes.io/topology-mode: Disabled", "z1", ("z1", "z2"), [".1", ".2"]),
        ("other: Auto", "z1", ("z1", "z2"), [".1", ".2"]),
    ],
    ids=["own zone", "older annotation", "no hint for the zone", "one without hints", "disabled", "no annotation"],
)
def test_topology_hints_narrow_the_endpoints(
    annotation: str, zone: str, hints: tuple[str, ...], expected: list[str]
) -> None:
    items = [
        f"{{addresses: [10.0.1.{number}], hints: {{forZones: [{f'{{name: {hint}}}' if hint else ''}]}}}}"
        for number, hint in enumerate(hints, 1)
    ]
    metadata = f"annotations: {{{annotation}}}"
    spec = "{clusterIP: 172.30.1.1, ports: [{port: 80}]}"
    found = cluster(service(spec, metadata=metadata), endpoint_slice(*items), node(zone))
    assert reached(rules(found, NODE, "KUBE-SVC")) == expected


def test_of_two_slices_with_the_same_endpoint_the_local_one_counts() -> None:
    first = endpoint_slice("{addresses: [10.0.1.1], nodeName: there}")
    second = endpoint_slice("{addresses: [10.0.1.1], nodeName: here}").replace("web-1", "web-2")
    spec = "{clusterIP: 172.30.1.1, internalTrafficPolicy: Local, ports: [{port: 80}]}"
    for order in ((first, second), (second, first)):
        assert reached(rules(cluster(service(spec), *order), NODE, "KUBE-SVL")) == [".1"]


PLAIN = cluster(
    service("{type: NodePort, clusterIP: 172.30.1.1, ports: [{port: 80, nodePort: 30080}]}"),
    endpoint_slice("{addresses: [10.0.1.1]}"),
)
TAIL = (
    '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this '
    'chain" '
)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(), ["-m addrtype --dst-type LOCAL"]),
        (Settings(iptables_localhost_nodeports=False), ["-m addrtype --dst-type LOCAL ! -d 127.0.0.0/8"]),
        (Settings(nodeport_addresses=("127.0.0.0/8",)), ["-d 127.0.0.1"]),
        (Settings(nodeport_addresses=("127.0.0.0/8",), iptables_localhost_nodeports=False), []),
        (
            Settings(nodeport_addresses=("192.168.0.0/24", "2001:db8::/64"), node_ip=("192.168.0.2", "10.1.1.1")),
            ["-d 192.168.0.2"],
        ),
        (Settings(nodeport_addresses=("2001:db8::/64",), node_ip=("192.168.0.2",)), ["-m addrtype --dst-type LOCAL"]),
        (Settings(nodeport_addresses=("0.0.0.0/0",)), ["-m addrtype --dst-type LOCAL"]),
        (Settings(family=Family.IPV6), ["-m addrtype --dst-type LOCAL ! -d ::1/128"]),
        (
            Settings(release="1.11", nodeport_addresses=("192.168.0.0/24",), node_ip=("192.168.0.2",)),
            ["-d 192.168.0.2/32"],
        ),
        (Settings(release="1.11", nodeport_addresses=("2001:db8::/64",)), []),
    ],
)
def test_where_node_ports_are_served(settings: Settings, expected: list[str]) -> None:
    lines = [line for line in restore_text(PLAIN, settings).splitlines() if line.startswith(TAIL)]
    assert lines == [f"{TAIL}{words} -j KUBE-NODEPORTS" for words in expected]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(), ""),
        (Settings(cluster_cidr="fd00::/64,10.0.0.0/8"), "! -s 10.0.0.0/8 "),
        (Settings(cluster_cidr="fd00::/64"), ""),
        (Settings(detect_local_mode="BridgeInterface", pod_bridge_interface="br0"), "! -i br0 "),
        (Settings(detect_local_mode="InterfaceNamePrefix", pod_interface_name_prefix="cali"), "! -i cali+ "),
        (Settings(detect_local_mode="NodeCIDR", hostname_override="here"), "! -s 10.7.0.0/24 "),
        (Settings(detect_local_mode="NodeCIDR", hostname_override="there"), ""),
        (Settings(masquerade_all=True, cluster_cidr="10.0.0.0/8"), "-j"),
    ],
)
def test_who_is_masqueraded_on_the_way_to_a_cluster_ip(settings: Settings, expected: str) -> None:
    here = "{apiVersion: v1, kind: Node, metadata: {name: here}, spec: {podCIDR: 10.7.0.0/24}}"
    found = cluster(
        service("{clusterIP: 172.30.1.1, ports: [{port: 80}]}"), endpoint_slice("{addresses: [10.0.1.1]}"), here
    )
    lines = [line for line in rules(found, settings, "KUBE-SVC") if "MASQ" in line]
    words = " " if expected == "-j" else f" {expected}"
    assert lines == (
        [
            (
                '-A KUBE-SVC-LOLE4ISW44XBNF3G -m comment --comment "default/web cluster IP" -m tcp -p tcp '
                f"-d 172.30.1.1 --dport 80{words}-j KUBE-MARK-MASQ"
            )
        ]
        if expected
        else []
    )


def test_the_nodes_own_address_comes_from_its_object_too() -> None:
    spec = f"{{{BALANCER}, loadBalancerSourceRanges: [192.168.0.0/24]}}"
    here = (
        "{apiVersion: v1, kind: Node, metadata: {name: here}, "
        "status: {addresses: [{type: Hostname, address: here}, {type: InternalIP, address: 192.168.0.2}]}}"
    )
    found = cluster(service(spec, status=STATUS), endpoint_slice("{addresses: [10.0.1.1]}"), here)
    assert any(" -s 1.2.3.4 " in line for line in rules(found, NODE, "KUBE-FW"))
    assert not any(" -s 1.2.3.4 " in line for line in rules(found, Settings(), "KUBE-FW"))


@pytest.mark.parametrize(("release", "in_proxy_mode"), [("1.28", True), ("1.29", True), ("1.30", False)])
def test_ingress_addresses_in_proxy_mode_have_no_rules_from_1_30_on(release: str, *, in_proxy_mode: bool) -> None:
    status = (
        "{loadBalancer: {ingress: [{ip: 1.2.3.4, ipMode: Proxy}, {ip: 1.2.3.5, ipMode: VIP}, {hostname: lb.example}]}}"
    )
    found = cluster(service(f"{{{BALANCER}}}", status=status), endpoint_slice("{addresses: [10.0.1.1]}"))
    text = restore_text(found, replace(NODE, release=release))
    assert "1.2.3.5" in text
    assert ("1.2.3.4" in text) == in_proxy_mode


def test_random_fully_is_used_where_iptables_knows_it() -> None:
    assert "-j MASQUERADE --random-fully\n" in restore_text(PLAIN, Settings(random_fully=True))
    assert "--random-fully" not in restore_text(PLAIN, Settings())


def test_the_masquerade_bit_moves_the_mark() -> None:
    text = restore_text(PLAIN, Settings(iptables_masquerade_bit=10))
    assert "-A KUBE-MARK-MASQ -j MARK --or-mark 0x00000400\n" in text
    assert "0x00004000" not in text


def test_a_local_endpoint_of_another_zone_keeps_its_chain_under_the_local_policy() -> None:
    items = [
        "{addresses: [10.0.1.1], nodeName: there, hints: {forZones: [{name: z1}]}}",
        "{addresses: [10.0.1.2], nodeName: here, hints: {forZones: [{name: z2}]}}",
    ]
    spec = f"{{{BALANCER}, externalTrafficPolicy: Local}}"
    metadata = "annotations: {service.kubernetes.io/topology-mode: Auto}"
    found = cluster(service(spec, metadata=metadata, status=STATUS), endpoint_slice(*items), node("z1"))
    assert reached(rules(found, NODE, "KUBE-SVC")) == [".1"]
    assert reached(rules(found, NODE, "KUBE-SVL")) == [".2"]
    translated = [line for line in rules(found, NODE, "KUBE-SEP") if "DNAT" in line]
    assert [line.rpartition(" ")[2] for line in translated] == ["10.0.1.1:8080", "10.0.1.2:8080"]


def test_the_local_policy_lets_pods_and_the_node_go_everywhere() -> None:
    spec = f"{{{BALANCER}, externalTrafficPolicy: Local, healthCheckNodePort: 32100}}"
    found = cluster(service(spec, status=STATUS), endpoint_slice(endpoint(1, "RL"), endpoint(2, "RX")))
    words = [line.partition(" -m comment --comment ")[2] for line in rules(found, NODE, "KUBE-EXT-")]
    everywhere, local = "KUBE-SVC-LOLE4ISW44XBNF3G", "-m addrtype --src-type LOCAL"
    assert words == [
        f'"pod traffic for default/web external destinations" -s 10.0.0.0/8 -j {everywhere}',
        f'"masquerade LOCAL traffic for default/web external destinations" {local} -j KUBE-MARK-MASQ',
        f'"route LOCAL traffic for default/web external destinations" {local} -j {everywhere}',
        "",
    ]
    assert rules(found, NODE, "KUBE-EXT-")[-1].endswith(" -j KUBE-SVL-LOLE4ISW44XBNF3G")
    assert [line for line in rules(found, NODE, "KUBE-NODEPORTS") if "32100" in line] == [
        (
            '-A KUBE-NODEPORTS -m comment --comment "default/web health check node port" '
            "-m tcp -p tcp --dport 32100 -j ACCEPT"
        )
    ]
    assert not any("pod traffic" in line for line in rules(found, Settings(), "KUBE-EXT-"))


def test_health_checks_need_the_local_policy() -> None:
    found = cluster(service(f"{{{BALANCER}, healthCheckNodePort: 32100}}", status=STATUS))
    assert "32100" not in restore_text(found, NODE)


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("INPUT", "KUBE-FIREWALL KUBE-PROXY-FIREWALL KUBE-NODEPORTS KUBE-EXTERNAL-SERVICES"),
        ("FORWARD", "KUBE-PROXY-FIREWALL KUBE-FORWARD KUBE-SERVICES KUBE-EXTERNAL-SERVICES"),
        ("OUTPUT", "KUBE-FIREWALL KUBE-PROXY-FIREWALL KUBE-SERVICES"),
    ],
)
def test_the_jump_installed_last_comes_first(base: str, expected: str) -> None:
    lines = write_save(compile_services(PLAIN, Settings())).partition("*nat")[0].splitlines()
    assert " ".join(line.rpartition(" ")[2] for line in lines if line.startswith(f"-A {base} ")) == expected
