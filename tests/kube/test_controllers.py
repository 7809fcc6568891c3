"""What the API server and the controllers add: addresses, pods, endpoints, and the notes about them."""

from __future__ import annotations

import re

import pytest

from iptc_sim.diagnostics import Severity, UsageError
from iptc_sim.kube import Cluster, Settings, load_cluster, restore_text
from iptc_sim.values import Family
from tests.kube.builders import cluster, codes, endpoint_slice, endpoints, fixture, node, pod, service

SELECTING = "{clusterIP: 10.96.0.9, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}"


def backends(found: Cluster, release: str = "1.28", family: Family = Family.IPV4) -> list[str]:
    text = restore_text(found, Settings(release=release, family=family))
    return re.findall(r"--to-destination (\S+)", text)


def messages(found: Cluster, code: str) -> list[str]:
    return [note.message for note in found.notes if note.code == code]


@pytest.mark.parametrize("release", ["1.11", "1.28"])
def test_pods_with_the_selectors_labels_become_endpoints(release: str) -> None:
    found = cluster(
        service(SELECTING),
        pod("a", "{app: web, more: x}", "10.0.0.2"),
        pod("b", "{app: web}", "10.0.0.1"),
        pod("c", "{app: other}", "10.0.0.3"),
        pod("d", "{app: web}", "10.0.0.4", extra="namespace: shop"),
    )
    assert backends(found, release) == ["10.0.0.1:8080", "10.0.0.2:8080"]
    assert not found.notes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (pod("a", "{app: web}", "10.0.0.1", ready=False), []),
        (pod("a", "{app: web}", "10.0.0.1").replace("Running", "Succeeded"), []),
        (pod("a", "{app: web}", "10.0.0.1").replace("Running", "Failed"), []),
        (pod("a", "{app: web}", "''"), []),
        (pod("a", "{app: web}", "10.0.0.1", extra="deletionTimestamp: '2024-01-01T00:00:00Z'"), ["10.0.0.1:8080"]),
    ],
    ids=["not ready", "succeeded", "failed", "no address", "terminating, and the only one"],
)
def test_a_pod_counts_by_its_state(text: str, expected: list[str]) -> None:
    assert backends(cluster(service(SELECTING), text)) == expected


def test_a_terminating_pod_gives_way_to_a_ready_one() -> None:
    ending = pod("a", "{app: web}", "10.0.0.1", extra="deletionTimestamp: '2024-01-01T00:00:00Z'")
    assert backends(cluster(service(SELECTING), ending, pod("b", "{app: web}", "10.0.0.2"))) == ["10.0.0.2:8080"]


def test_endpoints_objects_leave_terminating_pods_out() -> None:
    text = pod("a", "{app: web}", "10.0.0.1", extra="deletionTimestamp: '2024-01-01T00:00:00Z'")
    assert backends(cluster(service(SELECTING), text), "1.11") == []


@pytest.mark.parametrize("release", ["1.11", "1.28"])
def test_publishing_not_ready_addresses_makes_them_ready(release: str) -> None:
    spec = SELECTING.replace("selector", "publishNotReadyAddresses: true, selector")
    text = pod("a", "{app: web}", "10.0.0.1", ready=False)
    assert backends(cluster(service(spec), text), release) == ["10.0.0.1:8080"]


def test_a_named_target_port_is_looked_up_in_each_pod() -> None:
    spec = SELECTING.replace("8080", "http")
    container = "{{containers: [{{ports: [{{name: {}, containerPort: {}}}]}}]}}"
    found = cluster(
        service(spec),
        pod("a", "{app: web}", "10.0.0.1", spec=container.format("http", 8080)),
        pod("b", "{app: web}", "10.0.0.2", spec=container.format("http", 9090)),
        pod("c", "{app: web}", "10.0.0.3", spec=container.format("admin", 7070)),
    )
    assert backends(found) == ["10.0.0.1:8080", "10.0.0.2:9090"]


def test_a_named_target_port_has_to_have_the_services_protocol() -> None:
    spec = SELECTING.replace("8080", "http")
    container = "{containers: [{ports: [{name: http, containerPort: 80, protocol: UDP}]}]}"
    found = cluster(service(spec), pod("a", "{app: web}", "10.0.0.1", spec=container))
    assert backends(found) == []
    assert messages(found, "IPT052") == [
        (
            "Service default/web has no endpoints: 1 pod matched, but no container has a port called http "
            "(selector app=web)"
        )
    ]


def test_dual_stack_pods_serve_each_family() -> None:
    spec = "{clusterIPs: [10.96.0.9, 'fd00::9'], ipFamilies: [IPv4, IPv6], selector: {app: web}, ports: [{port: 80}]}"
    text = pod("a", "{app: web}", "10.0.0.1").replace("podIP:", "podIPs: [{ip: 10.0.0.1}, {ip: 'fd00:1::1'}], podIP:")
    found = cluster(service(spec), text)
    assert backends(found) == ["10.0.0.1:80"]
    assert backends(found, family=Family.IPV6) == ["[fd00:1::1]:80"]


@pytest.mark.parametrize("given", [endpoints("10.9.9.9"), endpoint_slice("{addresses: [10.9.9.9]}")])
@pytest.mark.parametrize("release", ["1.11", "1.28"])
def test_given_endpoints_win_over_pods_in_every_release(release: str, given: str) -> None:
    found = cluster(service(SELECTING), pod("a", "{app: web}", "10.0.0.1"), given)
    assert backends(found, release) == ["10.9.9.9:8080"]


def test_addresses_not_ready_are_mirrored_as_such() -> None:
    text = endpoints("10.0.0.1").replace("ports:", "notReadyAddresses: [{ip: 10.0.0.2}], ports:")
    assert backends(cluster(service(SELECTING), text)) == ["10.0.0.1:8080"]


def test_a_deployments_pods_get_addresses_in_order() -> None:
    found = load_cluster([fixture("seed", "deployment.yaml"), fixture("seed", "service.yaml")])
    assert backends(found) == ["10.244.0.2:80", "10.244.0.3:80", "10.244.0.4:80"]
    assert messages(found, "IPT053")[-1] == (
        "the 3 pods of Deployment default/nginx-deployment are taken to have 10.244.0.2 to 10.244.0.4"
    )


def test_the_pod_range_can_be_chosen_and_skips_what_is_taken() -> None:
    settings = Settings(pod_cidr="192.168.7.0/29")
    found = load_cluster([fixture("seed", "deployment.yaml"), fixture("seed", "service.yaml")], settings)
    assert [item.addresses for item in found.pods] == [("192.168.7.2",), ("192.168.7.3",), ("192.168.7.4",)]
    taken = cluster(pod("x", "{}", "192.168.7.3"), fixture("seed", "deployment.yaml").text, settings=settings)
    assert [item.addresses[0] for item in taken.pods[1:]] == ["192.168.7.2", "192.168.7.4", "192.168.7.5"]


def test_a_pod_range_that_is_too_small_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        load_cluster([fixture("seed", "deployment.yaml")], Settings(pod_cidr="10.0.0.0/30"))
    assert (caught.value.diagnostics[0].code, caught.value.diagnostics[0].subject) == ("IPT054", "--pod-cidr")


def test_a_deployment_whose_pods_are_given_makes_none() -> None:
    found = cluster(fixture("seed", "deployment.yaml").text, pod("a", "{app: iskey_nginx}", "10.0.0.1"))
    assert [item.name for item in found.pods] == ["a"]


def test_a_pod_manifest_counts_as_running() -> None:
    text = "{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {app: web}}, spec: {}}"
    found = cluster(service(SELECTING), text)
    assert backends(found) == ["10.244.0.2:8080"]
    assert codes(found.notes) == ["IPT053"]


def test_nothing_of_the_selectors_kind_says_which_labels_are_near() -> None:
    found = load_cluster([fixture("seed", "deployment.yaml"), fixture("seed", "services.yaml")])
    (note,) = [note for note in found.notes if "my-nginx" in note.message and note.code == "IPT052"]
    assert note.message == (
        "Service default/my-nginx has no endpoints: no pod matches selector app=nginx; "
        "near: app=iskey_nginx (3 pods of Deployment nginx-deployment)"
    )
    assert note.severity is Severity.NOTE
    assert note.subject == "services.yaml: document 2"


@pytest.mark.parametrize(
    ("labels", "near"),
    [
        ("{app: shop}", "; near: app=shop (Pod p)"),
        ("{apps: web}", "; near: apps=web (Pod p)"),
        ("{component: webs}", "; near: component=webs (Pod p)"),
        ("{zzz: qqq}", "; its namespace has pods with zzz=qqq"),
        ("{}", ""),
    ],
    ids=["same key", "similar key", "similar value", "nothing near", "no labels"],
)
def test_near_labels(labels: str, near: str) -> None:
    found = cluster(service(SELECTING), pod("p", labels, "10.0.0.1"))
    expected = f"Service default/web has no endpoints: no pod matches selector app=web{near}"
    assert messages(found, "IPT052") == [expected]


def test_pods_that_fit_most_of_the_selector_are_nearest() -> None:
    spec = SELECTING.replace("app: web", "app: web, tier: front")
    found = cluster(
        service(spec), pod("p", "{app: web, tier: back}", "10.0.0.1"), pod("q", "{app: db, tier: data}", "10.0.0.2")
    )
    assert messages(found, "IPT052")[0].endswith("selector app=web,tier=front; near: tier=back (Pod p)")


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([service(SELECTING)], "no pod matches selector app=web; there is no pod in namespace default"),
        ([fixture("seed", "mysql-service.yaml").text], "it has no selector, and no Endpoints or EndpointSlice"),
        (
            [service(SELECTING), pod("a", "{app: web}", "10.0.0.1", ready=False)],
            "1 pod matched, but none of them is ready",
        ),
        ([service(SELECTING), pod("a", "{app: web}", "''")], "1 pod matched, but none of them runs and has an address"),
    ],
    ids=["no pods", "no selector", "not ready", "no address"],
)
def test_a_service_without_endpoints_says_why(texts: list[str], reason: str) -> None:
    (message,) = messages(cluster(*texts), "IPT052")
    assert reason in message


def test_external_names_and_headless_services_have_no_rules() -> None:
    found = cluster(
        service("{type: ExternalName, externalName: db.example.com}", "ext"),
        service("{clusterIP: None, selector: {app: web}}", "head"),
        service("{clusterIP: '', ports: [{port: 80}]}", "blank"),
        pod("a", "{app: web}", "10.0.0.1"),
    )
    text = restore_text(found, Settings())
    assert "default/" not in text
    assert [message for message in messages(found, "IPT052") if "head" in message or "ext" in message] == []


def test_missing_cluster_ips_are_assigned_once_and_the_same_every_time() -> None:
    texts = [service("{ports: [{port: 80}]}", f"s{number}") for number in range(40)]
    first, again = cluster(*texts), cluster(*reversed(texts))
    addresses = {item.name: item.cluster_ip for item in first.services}
    assert len(set(addresses.values())) == 40
    assert addresses == {item.name: item.cluster_ip for item in again.services}
    assert all((address or "").startswith("10.") for address in addresses.values())
    assert codes(first.notes).count("IPT053") == 40


def test_assigned_cluster_ips_avoid_those_that_are_taken() -> None:
    settings = Settings(service_cluster_ip_range="10.5.0.0/29")
    taken = [service(f"{{clusterIP: 10.5.0.{number}, ports: [{{port: 80}}]}}", f"t{number}") for number in (2, 3, 5, 6)]
    found = cluster(*taken, service("{ports: [{port: 80}]}"), settings=settings)
    assert found.services[-1].cluster_ip == "10.5.0.4"
    with pytest.raises(UsageError, match="IPT054"):
        cluster(*taken, service("{ports: [{port: 80}]}"), service("{ports: [{port: 80}]}", "more"), settings=settings)


def test_the_family_of_an_assigned_cluster_ip_follows_the_proxier() -> None:
    found = cluster(service("{ports: [{port: 80}]}"), settings=Settings(family=Family.IPV6))
    assert (found.services[0].cluster_ip or "").startswith("fd00:10:96::")
    both = cluster(service("{ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]}"))
    assert [":" in address for address in both.services[0].cluster_ips] == [False, True]


def test_the_service_kubernetes_gets_the_first_address() -> None:
    assert cluster(service("{ports: [{port: 443}]}", "kubernetes")).services[0].cluster_ip == "10.96.0.1"


@pytest.mark.parametrize(
    ("spec", "node_port", "health_check"),
    [
        ("{type: NodePort, ports: [{port: 80}]}", True, False),
        ("{type: LoadBalancer, ports: [{port: 80}]}", True, False),
        ("{type: LoadBalancer, allocateLoadBalancerNodePorts: false, ports: [{port: 80}]}", False, False),
        ("{type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}]}", True, True),
        ("{ports: [{port: 80}]}", False, False),
        ("{type: NodePort, clusterIP: 10.96.0.9, ports: [{port: 80}]}", False, False),
    ],
    ids=["NodePort", "LoadBalancer", "LoadBalancer without", "LoadBalancer Local", "ClusterIP", "stored object"],
)
def test_node_ports_of_new_services_are_assigned(spec: str, *, node_port: bool, health_check: bool) -> None:
    found = cluster(service(spec)).services[0]
    assert (30000 <= found.ports[0].node_port <= 32767) is node_port
    assert (30000 <= found.health_check_node_port <= 32767) is health_check


def test_node_ports_never_meet() -> None:
    texts = [service("{type: NodePort, ports: [{port: 80}]}", f"s{number}") for number in range(300)]
    fixed = "{type: NodePort, clusterIP: 10.1.1.1, ports: [{port: 80, nodePort: 30001}]}"
    found = cluster(*texts, service(fixed, "fixed"))
    ports = [item.ports[0].node_port for item in found.services]
    assert len(set(ports)) == 301


def test_ports_with_the_same_addresses_share_a_subset() -> None:
    # RepackSubsets goes by port, slices by pod: kube-proxy.md 8.2 and 8.3.
    spec = "{clusterIP: 10.96.0.9, selector: {app: web}, ports: [{name: a, port: 1, targetPort: a}, {name: b, port: 2, targetPort: b}]}"
    both = "{containers: [{ports: [{name: a, containerPort: 11}, {name: b, containerPort: 12}]}]}"
    one = "{containers: [{ports: [{name: a, containerPort: 11}]}]}"
    found = cluster(
        service(spec), pod("p", "{app: web}", "10.0.0.10", spec=both), pod("q", "{app: web}", "10.0.0.9", spec=one)
    )
    subsets = found.endpoints[0].subsets
    assert [([port.port for port in item.ports], [one.address for one in item.ready]) for item in subsets] == [
        ([11], ["10.0.0.10", "10.0.0.9"]),
        ([12], ["10.0.0.10"]),
    ]
    assert [(len(item.ports), len(item.endpoints)) for item in found.slices] == [(2, 1), (1, 1)]


def test_slices_hold_a_hundred_and_endpoints_a_thousand() -> None:
    deployment = (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: w}, spec: {replicas: 1050, selector: {matchLabels: "
        "{app: web}}, template: {metadata: {labels: {app: web}}}}}"
    )
    found = cluster(service(SELECTING), deployment, settings=Settings(pod_cidr="10.0.0.0/16"))
    assert [len(item.endpoints) for item in found.slices] == [100] * 10 + [50]
    assert len({item.name for item in found.slices}) == 11
    assert (len(found.endpoints[0].subsets[0].ready), found.endpoints[0].truncated) == (1000, True)
    assert len(backends(found)) == 1050


def test_a_service_without_pods_has_an_empty_slice_and_empty_endpoints() -> None:
    found = cluster(service(SELECTING))
    assert [(item.ports, item.endpoints) for item in found.slices] == [((), ())]
    assert [item.subsets for item in found.endpoints] == [()]


def test_a_headless_service_without_ports_has_endpoints_without_ports() -> None:
    found = cluster(service("{clusterIP: None, selector: {app: web}}"), pod("a", "{app: web}", "10.0.0.1"))
    assert [(item.ports, len(item.endpoints), item.unwatched) for item in found.slices] == [((), 1, True)]
    assert [(item.ports, len(item.ready)) for item in found.endpoints[0].subsets] == [((), 1)]


def test_a_pod_on_a_node_that_is_not_given_is_left_out_of_slices() -> None:
    here = pod("a", "{app: web}", "10.0.0.1", spec="{nodeName: n-a}")
    gone = pod("b", "{app: web}", "10.0.0.2", spec="{nodeName: n-z}")
    found = cluster(service(SELECTING), here, gone, node("n-a"))
    assert backends(found) == ["10.0.0.1:8080"]
    assert "does without 1 pod on a node that is not among the Nodes given: n-z" in messages(found, "IPT052")[0]
    assert len(backends(cluster(service(SELECTING), here, gone))) == 2
    publishing = SELECTING.replace("selector", "publishNotReadyAddresses: true, selector")
    assert len(backends(cluster(service(publishing), here, gone, node("n-a")))) == 2


ZONES = [node(f"n-{name}", f"{{topology.kubernetes.io/zone: z-{name}}}") for name in "ab"]


@pytest.mark.parametrize(
    ("spec", "metadata", "places", "zones", "nodes"),
    [
        ("trafficDistribution: PreferClose, ", "", "ab", ["z-a", "z-b"], ["", ""]),
        ("trafficDistribution: PreferSameZone, ", "", "ab", ["z-a", "z-b"], ["", ""]),
        ("trafficDistribution: PreferSameNode, ", "", "ab", ["z-a", "z-b"], ["n-a", "n-b"]),
        ("", "", "ab", ["", ""], ["", ""]),
        (
            "",
            "annotations: {service.kubernetes.io/topology-mode: Auto}",
            "abab",
            ["z-a", "z-b", "z-a", "z-b"],
            [""] * 4,
        ),
        (
            "",
            "annotations: {service.kubernetes.io/topology-mode: Auto}",
            "aaaa",
            ["z-a", "z-a", "z-b", "z-b"],
            [""] * 4,
        ),
        ("", "annotations: {service.kubernetes.io/topology-mode: Auto}", "a", [""], [""]),
    ],
)
def test_hints(spec: str, metadata: str, places: str, zones: list[str], nodes: list[str]) -> None:
    pods = [
        pod(f"p{number}", "{app: web}", f"10.0.0.{number}", spec=f"{{nodeName: n-{place}}}")
        for number, place in enumerate(places, 1)
    ]
    found = cluster(service(SELECTING.replace("selector", f"{spec}selector"), metadata=metadata), *pods, *ZONES)
    endpoints_of = found.slices[0].endpoints
    assert [item.zone for item in endpoints_of] == [f"z-{place}" for place in places]
    assert [",".join(item.zones) for item in endpoints_of] == zones
    assert [",".join(item.nodes) for item in endpoints_of] == nodes


def test_a_second_family_without_an_address_gets_one() -> None:
    found = cluster(service("{clusterIP: 10.96.0.9, ipFamilies: [IPv4, IPv6], ports: [{port: 80}]}")).services[0]
    assert found.cluster_ips[0] == "10.96.0.9"
    assert found.cluster_ips[1].startswith("fd00:10:96::")


def test_endpoints_hold_the_first_family_of_a_service() -> None:
    spec = "{clusterIPs: [10.96.0.9, 'fd00::9'], ipFamilies: [IPv4, IPv6], selector: {app: web}, ports: [{port: 8080}]}"
    found = cluster(
        service(spec),
        endpoint_slice("{addresses: [10.0.0.1]}"),
        endpoint_slice("{addresses: ['fd00::1']}", family="IPv6").replace("web-1", "web-2"),
    )
    assert [one.address for one in found.endpoints[0].subsets[0].ready] == ["10.0.0.1"]
