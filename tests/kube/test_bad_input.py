"""Every kind of bad input becomes one clear diagnostic with file, document and field."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from iptc_sim.diagnostics import InputError, SourceFile, UsageError
from iptc_sim.kube import Settings, load_cluster
from tests.kube.builders import cluster, endpoint_slice, endpoints, pod, service

PORTS = "ports: [{port: 80}]"
DEPLOYMENT = (
    "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: d}}, spec: {{selector: {{matchLabels: {{a: b}}}}, "
    "{}template: {{metadata: {{labels: {}}}, spec: {{containers: [{}]}}}}}}}}"
)


def failure(text: str) -> tuple[str, str, str]:
    with pytest.raises(InputError) as caught:
        load_cluster([SourceFile("x.yaml", text)])
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.code, diagnostic.subject or str(diagnostic.span), diagnostic.message


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (service("{}"), "spec.ports"),
        (service("{ports: []}"), "spec.ports"),
        ("{apiVersion: v1, kind: Service, metadata: {name: web}}", "spec.ports"),
        (service("[]"), "spec"),
        (service("{ports: {}}"), "spec.ports"),
        (service("{ports: [80]}"), "spec.ports[0]"),
        (service("{ports: [{}]}"), "spec.ports[0].port"),
        (service("{ports: [{port: '80'}]}"), "spec.ports[0].port"),
        (service("{ports: [{port: true}]}"), "spec.ports[0].port"),
        (service("{ports: [{port: 80.5}]}"), "spec.ports[0].port"),
        (service("{ports: [{port: 0}]}"), "spec.ports[0].port"),
        (service("{ports: [{port: 99999}]}"), "spec.ports[0].port"),
        (service(f"{{ports: [{{port: {'9' * 150}}}]}}"), "spec.ports[0].port"),
        (service("{ports: [{port: 80, nodePort: -1}]}"), "spec.ports[0].nodePort"),
        (service("{ports: [{port: 80, protocol: tcp}]}"), "spec.ports[0].protocol"),
        (service("{ports: [{port: 80, targetPort: []}]}"), "spec.ports[0].targetPort"),
        (service("{ports: [{port: 80, targetPort: 70000}]}"), "spec.ports[0].targetPort"),
        (service("{ports: [{port: 80, name: Web}]}"), "spec.ports[0].name"),
        (service("{ports: [{port: 80, name: 8080}]}"), "spec.ports[0].name"),
        (service('{ports: [{port: 80, name: "a\\nCOMMIT"}]}'), "spec.ports[0].name"),
        (service("{ports: [{port: 80}, {port: 81}]}"), "spec.ports[0].name"),
        (service("{ports: [{name: a, port: 80}, {name: a, port: 81}]}"), "spec.ports[1].name"),
        (service("{type: Nodeport, ports: [{port: 80}]}"), "spec.type"),
        (service("{clusterIP: 10.0.0.256, ports: [{port: 80}]}"), "spec.clusterIP"),
        (service("{clusterIP: 010.0.0.1, ports: [{port: 80}]}"), "spec.clusterIP"),
        (service("{clusterIP: 'fe80::1%eth0', ports: [{port: 80}]}"), "spec.clusterIP"),
        (service("{clusterIP: 5, ports: [{port: 80}]}"), "spec.clusterIP"),
        (service("{clusterIPs: [x], ports: [{port: 80}]}"), "spec.clusterIPs[0]"),
        (service("{ipFamilies: [IPv5], ports: [{port: 80}]}"), "spec.ipFamilies[0]"),
        (service("{ipFamilyPolicy: 1, ports: [{port: 80}]}"), "spec.ipFamilyPolicy"),
        (service("{externalIPs: [1.2.3.4, '-j DROP'], ports: [{port: 80}]}"), "spec.externalIPs[1]"),
        (service("{externalIPs: 1.2.3.4, ports: [{port: 80}]}"), "spec.externalIPs"),
        (service("{loadBalancerSourceRanges: [1.2.3.4], ports: [{port: 80}]}"), "spec.loadBalancerSourceRanges[0]"),
        (service("{loadBalancerSourceRanges: [1.2.3.4/33], ports: [{port: 80}]}"), "spec.loadBalancerSourceRanges[0]"),
        (service("{loadBalancerSourceRanges: [8], ports: [{port: 80}]}"), "spec.loadBalancerSourceRanges[0]"),
        (service("{externalTrafficPolicy: local, ports: [{port: 80}]}"), "spec.externalTrafficPolicy"),
        (service("{internalTrafficPolicy: [], ports: [{port: 80}]}"), "spec.internalTrafficPolicy"),
        (service("{healthCheckNodePort: 70000, ports: [{port: 80}]}"), "spec.healthCheckNodePort"),
        (service("{sessionAffinity: Client, ports: [{port: 80}]}"), "spec.sessionAffinity"),
        (
            service(
                f"{{{PORTS}, sessionAffinity: ClientIP, sessionAffinityConfig: {{clientIP: {{timeoutSeconds: 0}}}}}}"
            ),
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
        ),
        (service("{allocateLoadBalancerNodePorts: 1, ports: [{port: 80}]}"), "spec.allocateLoadBalancerNodePorts"),
        (service("{publishNotReadyAddresses: 'yes', ports: [{port: 80}]}"), "spec.publishNotReadyAddresses"),
        (service("{selector: app, ports: [{port: 80}]}"), "spec.selector"),
        (service("{selector: {app: 1}, ports: [{port: 80}]}"), "spec.selector.app"),
        (service("{selector: {1: a}, ports: [{port: 80}]}"), "spec.selector"),
        (service("{ports: [{port: 80}]}", metadata="labels: []"), "metadata.labels"),
        (service("{ports: [{port: 80}]}", metadata="annotations: {a: []}"), "metadata.annotations.a"),
        (service("{ports: [{port: 80}]}", metadata="namespace: 'a b'"), "metadata.namespace"),
        (service("{ports: [{port: 80}]}", name="'a\"b'"), "metadata.name"),
        (service("{ports: [{port: 80}]}", name="''"), "metadata.name"),
        (
            service("{ports: [{port: 80}]}", status="{loadBalancer: {ingress: [{ip: x}]}}"),
            "status.loadBalancer.ingress[0].ip",
        ),
        (service("{ports: [{port: 80}]}", status="[]"), "status"),
        (service("{ports: [{port: 80}]}", name="a.b"), "metadata.name"),
        (service("{ports: [{port: 80}]}", name="1a"), "metadata.name"),
        (service("{ports: [{port: 80}]}", name="a" * 64), "metadata.name"),
        (service("{ports: [{name: a, port: 80}, {name: b, port: 80}]}"), "spec.ports[1].port"),
        (service("{ports: [{port: 80, targetPort: '8080'}]}"), "spec.ports[0].targetPort"),
        (service("{ports: [{port: 80, targetPort: a-name-that-is-too-long}]}"), "spec.ports[0].targetPort"),
        (service("{ports: [{port: 80, nodePort: 30000}]}"), "spec.ports[0].nodePort"),
        (
            service(
                "{type: NodePort, ports: [{name: a, port: 1, nodePort: 30000}, {name: b, port: 2, nodePort: 30000}]}"
            ),
            "spec.ports[1].nodePort",
        ),
        (service(f"{{type: NodePort, clusterIP: None, {PORTS}}}"), "spec.clusterIP"),
        (service(f"{{type: LoadBalancer, clusterIP: None, {PORTS}}}"), "spec.clusterIP"),
        (service("{type: ExternalName}"), "spec.externalName"),
        (service("{type: ExternalName, externalName: 'a b'}"), "spec.externalName"),
        (service(f"{{loadBalancerSourceRanges: [10.0.0.0/8], {PORTS}}}"), "spec.loadBalancerSourceRanges"),
        (service(f"{{externalTrafficPolicy: Local, {PORTS}}}"), "spec.externalTrafficPolicy"),
        (
            service(f"{{sessionAffinityConfig: {{clientIP: {{timeoutSeconds: 5}}}}, {PORTS}}}"),
            "spec.sessionAffinityConfig",
        ),
        (service(f"{{clusterIP: 10.0.0.1, clusterIPs: [10.0.0.2], {PORTS}}}"), "spec.clusterIPs[0]"),
        (service(f"{{clusterIPs: [10.0.0.1, 10.0.0.2], {PORTS}}}"), "spec.clusterIPs"),
        (service(f"{{clusterIPs: [10.0.0.1], ipFamilies: [IPv6], {PORTS}}}"), "spec.clusterIPs[0]"),
        (service(f"{{ipFamilies: [IPv4, IPv4], {PORTS}}}"), "spec.ipFamilies"),
        (service(f"{{ipFamilyPolicy: DualStack, {PORTS}}}"), "spec.ipFamilyPolicy"),
        (service(f"{{trafficDistribution: Close, {PORTS}}}"), "spec.trafficDistribution"),
        (service(f"{{externalIPs: [127.0.0.1], {PORTS}}}"), "spec.externalIPs[0]"),
        ("{apiVersion: v1, kind: Service, metadata: 5}", "metadata"),
        (endpoints("10.0.0.999"), "subsets[0].addresses[0].ip"),
        (endpoints("10.0.0.1", port="{}"), "subsets[0].ports[0].port"),
        (endpoints("10.0.0.1", port="{port: 70000}"), "subsets[0].ports[0].port"),
        (endpoints("10.0.0.1", port="{port: 80, name: []}"), "subsets[0].ports[0].name"),
        ("{apiVersion: v1, kind: Endpoints, metadata: {name: a}, subsets: {}}", "subsets"),
        (
            "{apiVersion: v1, kind: Endpoints, metadata: {name: a}, subsets: [{notReadyAddresses: [{}]}]}",
            "subsets[0].notReadyAddresses[0].ip",
        ),
        (endpoint_slice("{addresses: ['x y']}"), "endpoints[0].addresses[0]"),
        (endpoint_slice("{addresses: 10.0.0.1}"), "endpoints[0].addresses"),
        (endpoint_slice("{addresses: [10.0.0.1], conditions: {ready: maybe}}"), "endpoints[0].conditions.ready"),
        (endpoint_slice("{addresses: [10.0.0.1], conditions: []}"), "endpoints[0].conditions"),
        (endpoint_slice("{addresses: [10.0.0.1], nodeName: 5}"), "endpoints[0].nodeName"),
        (endpoint_slice("{addresses: [10.0.0.1], hints: {forZones: [z]}}"), "endpoints[0].hints.forZones[0]"),
        (endpoint_slice(ports="[{port: x}]"), "ports[0].port"),
        (endpoint_slice("{addresses: [127.0.0.1]}"), "endpoints[0].addresses[0]"),
        (endpoint_slice("{addresses: ['fd00::1']}"), "endpoints[0].addresses[0]"),
        (endpoint_slice("{addresses: [10.0.0.1], hostname: A_b}"), "endpoints[0].hostname"),
        (endpoint_slice(ports="[{port: 1}, {port: 2}]"), "ports[1].name"),
        (endpoints("169.254.1.1"), "subsets[0].addresses[0].ip"),
        (endpoints("0.0.0.0"), "subsets[0].addresses[0].ip"),
        (endpoints("224.0.0.1"), "subsets[0].addresses[0].ip"),
        (endpoints("'ff02::1'").replace("''", "'"), "subsets[0].addresses[0].ip"),
        (endpoints("10.0.0.1", port="{port: 1}, {port: 2}"), "subsets[0].ports[0].name"),
        (endpoint_slice(family="IPv5"), "addressType"),
        (pod("a", "{}", "1.2.3"), "status.podIP"),
        (pod("a", "[]", "1.2.3.4"), "metadata.labels"),
        (
            pod("a", "{}", "1.2.3.4", spec="{containers: [{ports: [{containerPort: x}]}]}"),
            "spec.containers[0].ports[0].containerPort",
        ),
        (pod("a", "{}", "1.2.3.4", spec="{containers: [{ports: [{}]}]}"), "spec.containers[0].ports[0].containerPort"),
        (pod("a", "{}", "1.2.3.4", extra="ownerReferences: [1]"), "metadata.ownerReferences[0]"),
        (DEPLOYMENT.format("replicas: -1, ", "{a: b}", ""), "spec.replicas"),
        (DEPLOYMENT.format("replicas: 1000000, ", "{a: b}", ""), "spec.replicas"),
        (DEPLOYMENT.format("replicas: three, ", "{a: b}", ""), "spec.replicas"),
        (DEPLOYMENT.format("", "{a: c}", ""), "spec.selector"),
        (DEPLOYMENT.format("", "{a: b}", "5"), "spec.template.spec.containers[0]"),
        (DEPLOYMENT.format("", "{a: b}", "{env: [1]}"), "spec.template.spec.containers[0].env[0]"),
        (
            DEPLOYMENT.format("", "{a: b}", "").replace(
                "matchLabels: {a: b}", "matchExpressions: [{key: a, operator: NotIn, values: [b]}]"
            ),
            "spec.selector",
        ),
        (
            DEPLOYMENT.format("", "{a: b}", "").replace(
                "matchLabels: {a: b}", "matchExpressions: [{key: a, operator: In}]"
            ),
            "spec.selector.matchExpressions[0].values",
        ),
        (
            DEPLOYMENT.format("", "{a: b}", "").replace(
                "matchLabels: {a: b}", "matchExpressions: [{key: a, operator: Is}]"
            ),
            "spec.selector.matchExpressions[0].operator",
        ),
        (DEPLOYMENT.format("", "{a: c}", "").replace("Deployment", "DaemonSet"), "spec.selector"),
        (pod("a", "{}", "1.2.3.4", spec="{dnsPolicy: First}"), "spec.dnsPolicy"),
        (pod("a", "{}", "1.2.3.4", spec="{dnsPolicy: None}"), "spec.dnsConfig"),
        (pod("a", "{}", "1.2.3.4", spec="{dnsConfig: {nameservers: [x]}}"), "spec.dnsConfig.nameservers[0]"),
        (pod("a", "{}", "1.2.3.4", spec="{subdomain: a.b}"), "spec.subdomain"),
        (pod("a", "{}", "1.2.3.4", spec="{enableServiceLinks: 'no'}"), "spec.enableServiceLinks"),
        ("{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {}}", "spec.template"),
        ("{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {}}}", "spec.selector"),
        ("{apiVersion: v1, kind: Node, metadata: {name: n}, spec: {podCIDR: 10.0.0.0}}", "spec.podCIDR[0]"),
        (
            "{apiVersion: v1, kind: Node, metadata: {name: n}, status: {addresses: [{type: InternalIP}]}}",
            "status.addresses[0].address",
        ),
    ],
)
def test_a_wrong_field_is_named_with_file_and_document(text: str, path: str) -> None:
    code, subject, _ = failure(f"# first\n---\n{text}\n")
    assert (code, subject) == ("IPT051", f"x.yaml: document 1: {path}")


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        ("{clusterIP: 10.0.0.1, PORTS}", "{clusterIP: 10.0.0.1, PORTS}", "spec.clusterIP"),
        (
            "{type: NodePort, ports: [{port: 80, nodePort: 30000}]}",
            "{type: NodePort, ports: [{port: 80, nodePort: 30000, protocol: UDP}]}",
            "spec.ports[0].nodePort",
        ),
        (
            "{type: NodePort, ports: [{port: 80, nodePort: 30000}]}",
            "{type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30000, PORTS}",
            "spec.healthCheckNodePort",
        ),
    ],
)
def test_what_two_services_cannot_share_is_refused_at_the_second(first: str, second: str, path: str) -> None:
    one, two = service(first.replace("PORTS", PORTS), "one"), service(second.replace("PORTS", PORTS), "two")
    code, subject, message = failure(f"{one}\n---\n{two}")
    assert (code, subject) == ("IPT051", f"x.yaml: document 2: {path}")
    assert "belongs to Service default/one already" in message
    listed = failure(f"{{apiVersion: v1, kind: List, items: [{one}, {two}]}}")
    assert listed[1] == f"x.yaml: document 1: items[1].{path}"


@pytest.mark.parametrize(
    "spec",
    [
        "{type: LoadBalancer, healthCheckNodePort: 30000, PORTS}",  # as in kube-proxy's own tests: ignored
        "{clusterIP: 10.0.0.1, externalIPs: [192.0.2.1], externalTrafficPolicy: Local, PORTS}",
        "{type: ExternalName, clusterIP: 10.0.0.1, externalName: foo2.bar.com, PORTS}",
        "{clusterIPs: [10.0.0.1, 'fd00::1'], ipFamilies: [IPv4, IPv6], ipFamilyPolicy: PreferDualStack, PORTS}",
        "{ports: [{name: a, port: 53}, {name: b, port: 53, protocol: UDP}]}",
        "{type: NodePort, ports: [{name: a, port: 53, nodePort: 30053}, {name: b, port: 53, protocol: UDP, nodePort: 30053}]}",
        "{externalName: a.b, loadBalancerIP: 10.0.0.1, PORTS}",
    ],
)
def test_what_is_unusual_but_stored_is_read(spec: str) -> None:
    assert len(cluster(service(spec.replace("PORTS", PORTS))).services) == 1


def test_fields_of_later_documents_and_list_items_are_named_with_their_place() -> None:
    good, bad = service("{ports: [{port: 80}]}"), service("{ports: [{port: x}]}")
    assert failure(f"{good}\n---\n{bad}")[1] == "x.yaml: document 2: spec.ports[0].port"
    assert failure(f"---\n---\n{bad}")[1] == "x.yaml: document 2: spec.ports[0].port"
    listed = f"{{apiVersion: v1, kind: List, items: [{good}, {bad}]}}"
    assert failure(listed)[1] == "x.yaml: document 1: items[1].spec.ports[0].port"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "IPT003"),
        ("# only a comment\n", "IPT003"),
        ("---\n---\n", "IPT003"),
        ("just words", "IPT050"),
        ("5", "IPT050"),
        ("[1, 2]", "IPT050"),
        ("a: b", "IPT050"),
        ("{}", "IPT050"),
        ("kind: Service", "IPT050"),
        ("apiVersion: v1", "IPT050"),
        ("-A INPUT -j ACCEPT", "IPT050"),
        ("{apiVersion: v1, kind: List, items: [{apiVersion: v1}]}", "IPT050"),
        ("{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: []}]}", "IPT050"),
        ("{apiVersion: v1, kind: List, items: 5}", "IPT051"),
        ("{apiVersion: v1, kind: List, items: [5]}", "IPT051"),
        ("{apiVersion: 1, kind: Service}", "IPT051"),
        ("{apiVersion: v1, kind: []}", "IPT051"),
        ("a: 'b", "IPT055"),
        ("a: b: c", "IPT055"),
        ("\t- x", "IPT055"),
        ("{a: 1", "IPT055"),
        ('{"a": 1]', "IPT055"),
        ("*unknown", "IPT055"),
        ("? [a]\n: b", "IPT055"),
        ("%YAML 9.0\n---\na", "IPT055"),
        ("a: \x07", "IPT055"),
        ("[" * 200_000, "IPT055"),
        ("- " * 5_000, "IPT055"),
        ('{"a":' * 200_000, "IPT055"),
        (f'{{"a": {"9" * 5000}}}', "IPT055"),
        ("&a [*a]", "IPT055"),
    ],
)
def test_what_is_no_kubernetes_object_is_refused(text: str, code: str) -> None:
    assert failure(text)[0] == code


def test_aliases_that_expand_without_end_are_refused() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 30)]
    code, _, message = failure("\n".join(levels))
    assert code == "IPT055"
    assert "aliases" in message


def test_aliases_and_merge_keys_work_and_the_last_duplicate_counts() -> None:
    text = """
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: a}
  spec: &spec {clusterIP: 10.96.0.8, ports: [{port: 80, port: 81}]}
- {apiVersion: v1, kind: Service, metadata: {name: b}, spec: {<<: *spec, clusterIP: 10.96.0.9}}
"""
    found = cluster(text).services
    assert [(item.cluster_ip, item.ports[0].port) for item in found] == [("10.96.0.8", 81), ("10.96.0.9", 81)]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("!!str 5", "5"),
        ("'5'", "5"),
        ("2024-01-01", "2024-01-01"),
        ("1:30", "1:30"),
        ("=", "="),
        ("null", ""),
        ("v1.2", "v1.2"),
    ],
)
def test_plain_words_are_read_as_kubernetes_reads_them(label: str, expected: str) -> None:
    text = service("{clusterIP: None}", metadata=f"labels: {{a: {label}}}")
    assert cluster(text).services[0].labels == {"a": expected}


@pytest.mark.parametrize("port", ["0x50", "0b1010000", "0o120", "0120", "+80"])
def test_numbers_may_have_other_bases(port: str) -> None:
    assert cluster(service(f"{{clusterIP: None, ports: [{{port: {port}}}]}}")).services[0].ports[0].port == 80


def test_tags_construct_nothing() -> None:
    assert failure("!!python/object/apply:os.system [ls]")[0] == "IPT050"


def test_json_comes_alone_as_a_list_and_one_after_the_other() -> None:
    item = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}}
    other = {**item, "metadata": {"name": "b"}}
    typed = {"apiVersion": "v1", "kind": "ServiceList", "items": [{"metadata": {"name": "c"}, "spec": item["spec"]}]}
    found = cluster(json.dumps(item) + "\n" + json.dumps(other), json.dumps(typed)).services
    assert [service.name for service in found] == ["a", "b", "c"]


def test_kinds_that_are_not_used_are_skipped_with_a_note() -> None:
    other = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"
    knative = "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a}}"
    found = cluster(f"{other}\n---\n{other}\n---\n{knative}\n---\n{service('{clusterIP: None}')}")
    assert [note.message for note in found.notes if note.code == "IPT050"] == [
        "2 of kind ConfigMap not used here: skipped",
        "1 of kind Service not used here: skipped",
    ]
    assert len(found.services) == 1


def test_an_empty_list_is_an_empty_cluster() -> None:
    assert cluster("{apiVersion: v1, kind: List, items: []}").services == ()


def test_of_an_object_given_twice_the_last_counts() -> None:
    found = cluster(
        service("{clusterIP: 10.0.0.1, ports: [{port: 80}]}"), service("{clusterIP: 10.0.0.2, ports: [{port: 80}]}")
    )
    assert [item.cluster_ip for item in found.services] == ["10.0.0.2"]
    assert any("given more than once" in note.message for note in found.notes)


@pytest.mark.parametrize(
    ("make", "flag"),
    [
        (lambda: Settings(cluster_cidr="10.0.0.0"), "--cluster-cidr"),
        (lambda: Settings(cluster_cidr="10.0.0.0/8,x"), "--cluster-cidr"),
        (lambda: Settings(nodeport_addresses=("10.0.0.0/99",)), "--nodeport-addresses"),
        (lambda: Settings(pod_cidr="x"), "--pod-cidr"),
        (lambda: Settings(service_cluster_ip_range="1.2.3.4/-1"), "--service-cluster-ip-range"),
        (lambda: Settings(node_ip=("x",)), "--node-ip"),
        (lambda: Settings(iptables_masquerade_bit=32), "--iptables-masquerade-bit"),
        (lambda: Settings(detect_local_mode="Bridge"), "--detect-local-mode"),
        (lambda: Settings(detect_local_mode="BridgeInterface"), "--pod-bridge-interface"),
        (lambda: Settings(detect_local_mode="InterfaceNamePrefix"), "--pod-interface-name-prefix"),
        (lambda: Settings(pod_bridge_interface="a b"), "--pod-bridge-interface"),
        (lambda: Settings(pod_interface_name_prefix="a" * 16), "--pod-interface-name-prefix"),
    ],
)
def test_a_wrong_flag_is_named(make: Callable[[], Settings], flag: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert (caught.value.diagnostics[0].code, caught.value.diagnostics[0].subject) == ("IPT054", flag)
