"""Release 1.11: the seed's rules, and each kind of Service in the words of that time."""

from __future__ import annotations

import pytest

from iptc_sim.kube import Cluster, Settings, compile_services, load_cluster, restore_text
from iptc_sim.syntax.write import write_save
from tests.kube.builders import cluster, endpoints, fixture, rules, service

OLD = Settings(release="1.11")


def seed(*files: str) -> Cluster:
    return load_cluster([fixture("seed", name) for name in files])


def saved(found: Cluster, settings: Settings, *chains: str) -> list[str]:
    lines = write_save(compile_services(found, settings)).splitlines()
    return [line for line in lines if line.startswith(tuple(f"-A {chain}" for chain in chains))]


def test_the_seed_gives_its_rules_one_by_one_and_in_order() -> None:
    expected = fixture("seed", "kube-nat.rules").text.splitlines()
    found = saved(seed("services.yaml", "endpoints.yaml"), OLD, "KUBE-S")
    assert len(expected) == 9
    for chain in dict.fromkeys(line.split()[1] for line in expected):
        assert [line for line in found if line.split()[1] == chain] == [
            line for line in expected if line.split()[1] == chain
        ]


def test_the_manifests_of_the_seed_alone_reach_the_same_chain() -> None:
    found = saved(seed("service.yaml", "endpoints.yaml"), OLD, "KUBE-S")
    expected = fixture("seed", "kube-nat.rules").text.splitlines()
    assert [line for line in found if line in expected] == sorted(expected, key=found.index)
    assert set(expected) <= set(found)


def test_base_chains_of_a_node_that_only_kube_proxy_wrote_to() -> None:
    assert saved(seed("services.yaml", "endpoints.yaml"), OLD, "INPUT", "FORWARD", "OUTPUT", "PREROUTING", "POST") == [
        (
            "-A INPUT -m conntrack --ctstate NEW -m comment --comment "
            '"kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES'
        ),
        '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
        '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    ]


def test_static_rules_set_and_test_the_mark_and_keep_it() -> None:
    found = seed("services.yaml", "endpoints.yaml")
    assert rules(found, OLD, "KUBE-POSTROUTING", "KUBE-MARK-MASQ", "KUBE-FORWARD") == [
        (
            '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" '
            "-m mark --mark 0x00004000/0x00004000 -j ACCEPT"
        ),
        (
            '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" '
            "-m mark --mark 0x00004000/0x00004000 -j MASQUERADE"
        ),
        "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x00004000/0x00004000",
    ]


def test_a_cluster_cidr_adds_the_rules_for_pods() -> None:
    found = seed("services.yaml", "endpoints.yaml")
    settings = Settings(release="1.11", cluster_cidr="172.17.0.0/16")
    assert rules(found, settings, "KUBE-FORWARD")[1:] == [
        (
            "-A KUBE-FORWARD -s 172.17.0.0/16 -m comment --comment "
            '"kubernetes forwarding conntrack pod source rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
        ),
        (
            "-A KUBE-FORWARD -m comment --comment "
            '"kubernetes forwarding conntrack pod destination rule" -d 172.17.0.0/16 '
            "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
        ),
    ]
    assert [line for line in rules(found, settings, "KUBE-SERVICES") if "my-nginx" in line] == [
        (
            '-A KUBE-SERVICES -m comment --comment "default/my-nginx: cluster IP" -m tcp -p tcp -d 10.97.126.137/32 '
            "--dport 8125 ! -s 172.17.0.0/16 -j KUBE-MARK-MASQ"
        ),
        (
            '-A KUBE-SERVICES -m comment --comment "default/my-nginx: cluster IP" -m tcp -p tcp -d 10.97.126.137/32 '
            "--dport 8125 -j KUBE-SVC-BEPXDJBUHFCSYIC3"
        ),
    ]


def test_client_ip_affinity_comes_before_the_random_rules() -> None:
    found = seed("service-clientip.yaml", "endpoints.yaml")
    lines = rules(found, OLD, "KUBE-SVC-BEPXDJBUHFCSYIC3")
    assert lines[0] == (
        "-A KUBE-SVC-BEPXDJBUHFCSYIC3 -m comment --comment default/my-nginx: "
        "-m recent --name KUBE-SEP-DYSISBZG5TN7BHVN --rcheck --seconds 10800 --reap -j KUBE-SEP-DYSISBZG5TN7BHVN"
    )
    assert ["recent" in line for line in lines] == [True, True, True, False, False, False]
    assert rules(found, OLD, "KUBE-SEP-DYSISBZG5TN7BHVN")[1] == (
        "-A KUBE-SEP-DYSISBZG5TN7BHVN -m comment --comment default/my-nginx: "
        "-m recent --name KUBE-SEP-DYSISBZG5TN7BHVN --set -m tcp -p tcp -j DNAT --to-destination 172.17.0.4:80"
    )


def test_handmade_endpoints_serve_a_service_without_selector() -> None:
    found = seed("mysql-service.yaml", "mysql-endpoints.yaml")
    dnat = [line for line in rules(found, OLD, "KUBE-SEP") if "DNAT" in line]
    assert [line.rpartition(" ")[2] for line in dnat] == ["192.168.1.25:3306"]


NODE_PORT = "{type: NodePort, clusterIP: 10.96.0.9, ports: [{port: 80, nodePort: 30080}]}"


def test_node_ports_masquerade_before_they_jump() -> None:
    found = cluster(service(NODE_PORT), endpoints("10.0.0.1"))
    match = "-A KUBE-NODEPORTS -m comment --comment default/web: -m tcp -p tcp --dport 30080"
    lines = rules(found, OLD, "KUBE-NODEPORTS")
    assert lines[0] == f"{match} -j KUBE-MARK-MASQ"
    assert lines[1].startswith(f"{match} -j KUBE-SVC-")


def test_without_endpoints_cluster_ip_and_node_port_are_rejected() -> None:
    found = cluster(service(NODE_PORT))
    text = restore_text(found, OLD)
    assert [line for line in text.splitlines() if "default/web" in line] == [
        (
            '-A KUBE-SERVICES -m comment --comment "default/web: has no endpoints" -m tcp -p tcp -d 10.96.0.9/32 '
            "--dport 80 -j REJECT"
        ),
        (
            '-A KUBE-EXTERNAL-SERVICES -m comment --comment "default/web: has no endpoints" '
            "-m addrtype --dst-type LOCAL -m tcp -p tcp --dport 30080 -j REJECT"
        ),
    ]
    assert "KUBE-SVC-" not in text


def test_addresses_that_are_not_ready_get_no_rules() -> None:
    text = endpoints("10.0.0.1").replace("ports:", "notReadyAddresses: [{ip: 10.0.0.2}], ports:")
    assert "10.0.0.2" not in restore_text(cluster(service(NODE_PORT), text), OLD)


@pytest.mark.parametrize(("node", "last"), [("a", "-j KUBE-SEP-"), ("b", "-j KUBE-MARK-DROP")])
def test_the_local_policy_keeps_to_the_node_or_drops(node: str, last: str) -> None:
    spec = NODE_PORT.replace("type:", "externalTrafficPolicy: Local, type:")
    text = endpoints("10.0.0.1").replace("ip: '10.0.0.1'", "ip: '10.0.0.1', nodeName: a")
    settings = Settings(release="1.11", hostname_override=node, cluster_cidr="10.0.0.0/8")
    found = cluster(service(spec), text)
    lines = rules(found, settings, "KUBE-XLB")
    assert "Redirect pods trying to reach external loadbalancer VIP to clusterIP" in lines[0]
    assert last in lines[-1]
    assert rules(found, settings, "KUBE-NODEPORTS")[0].endswith("-s 127.0.0.0/8 -j KUBE-MARK-MASQ")
    assert rules(found, settings, "KUBE-NODEPORTS")[1].rpartition(" ")[2].startswith("KUBE-XLB-")


def test_the_chain_that_kubelet_provides_is_there_when_rules_jump_to_it() -> None:
    spec = "{type: LoadBalancer, clusterIP: 10.96.0.9, ports: [{port: 80}]}"
    found = cluster(service(spec, status="{loadBalancer: {ingress: [{ip: 1.2.3.4}]}}"), endpoints("10.0.0.1"))
    assert compile_services(found, OLD).chain("nat", "KUBE-MARK-DROP") is not None
    assert ":KUBE-MARK-DROP" not in restore_text(found, OLD)
    assert [line.partition('IP" ')[2].partition("KUBE-SVC-")[0] for line in rules(found, OLD, "KUBE-FW")] == [
        "-j KUBE-MARK-MASQ",
        "-j ",
        "-j KUBE-MARK-DROP",
    ]
    assert compile_services(seed("services.yaml", "endpoints.yaml"), OLD).chain("nat", "KUBE-MARK-DROP") is None


def test_source_ranges_that_hold_the_node_let_the_balancer_address_in() -> None:
    spec = "{type: LoadBalancer, clusterIP: 10.96.0.9, loadBalancerSourceRanges: [192.168.0.0/24], ports: [{port: 80}]}"
    found = cluster(service(spec, status="{loadBalancer: {ingress: [{ip: 1.2.3.4}]}}"), endpoints("10.0.0.1"))
    for node, sources in (("192.168.0.2", ["192.168.0.0/24", "1.2.3.4/32"]), ("10.9.9.9", ["192.168.0.0/24"])):
        lines = rules(found, Settings(release="1.11", node_ip=(node,)), "KUBE-FW")
        assert [line.split(" -s ")[1].split()[0] for line in lines if " -s " in line] == sources
        assert lines[-1].endswith("-j KUBE-MARK-DROP")


def test_external_ips_are_for_outside_traffic_and_for_the_node_that_has_them() -> None:
    spec = "{clusterIP: 10.96.0.9, externalIPs: [192.168.99.1], ports: [{port: 80}]}"
    found = cluster(service(spec), endpoints("10.0.0.1"))
    lines = [line for line in rules(found, OLD, "KUBE-SERVICES") if "external IP" in line]
    words = [line.partition("--dport 80 ")[2].partition("KUBE-SVC-")[0] for line in lines]
    assert words == [
        "-j KUBE-MARK-MASQ",
        "-m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL -j ",
        "-m addrtype --dst-type LOCAL -j ",
    ]


def test_the_local_policy_keeps_client_addresses_at_the_balancer() -> None:
    spec = "{type: LoadBalancer, externalTrafficPolicy: Local, clusterIP: 10.96.0.9, ports: [{port: 80}]}"
    found = cluster(service(spec, status="{loadBalancer: {ingress: [{ip: 1.2.3.4}]}}"), endpoints("10.0.0.1"))
    targets = [line.rpartition(" ")[2] for line in rules(found, OLD, "KUBE-FW")]
    assert [target.rpartition("-")[0] if "XLB" in target else target for target in targets] == [
        "KUBE-XLB",
        "KUBE-MARK-DROP",
    ]


def test_masquerading_all_marks_every_way_to_a_cluster_ip() -> None:
    found = cluster(service(NODE_PORT), endpoints("10.0.0.1"))
    settings = Settings(release="1.11", masquerade_all=True, cluster_cidr="10.0.0.0/8")
    assert rules(found, settings, "KUBE-SERVICES")[0].endswith("-d 10.96.0.9/32 --dport 80 -j KUBE-MARK-MASQ")


def test_ports_find_their_endpoints_by_name_whatever_the_protocol() -> None:
    spec = "{clusterIP: 10.96.0.9, ports: [{name: dns, port: 53, protocol: UDP}]}"
    found = cluster(service(spec), endpoints("10.0.0.1", port="{name: dns, port: 53, protocol: TCP}"))
    assert "--to-destination 10.0.0.1:53" in restore_text(found, OLD)
    assert "--to-destination" not in restore_text(found, Settings())
