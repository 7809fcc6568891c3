"""More rows: which endpoints count."""

from __future__ import annotations

from tests.kube.builders import endpoints, service
from tests.kube.releases.rows import BALANCER, CLUSTER_IP, HERE, LOCAL_BALANCER, NODE_PORT, PORT, REMOTE, Row, ports


def _hinted(annotation: str) -> tuple[str, ...]:
    """Return a Service with two endpoints, one hinted for each zone, and the node in zone a."""
    node = "{apiVersion: v1, kind: Node, metadata: {name: here, labels: {topology.kubernetes.io/zone: a}}}"
    return (
        service(f"{{clusterIP: 10.96.0.9, ports: [{PORT}]}}", metadata=f"annotations: {{{annotation}}}"),
        ports(
            "{addresses: [10.0.1.1], hints: {forZones: [{name: a}]}}",
            "{addresses: [10.0.2.2], hints: {forZones: [{name: b}]}}",
        ),
        node,
    )


_DNAT = r"--to-destination (\S+)"
_ALL = ["10.0.1.1:8080", "10.0.2.2:8080"]
_NEAR = ["10.0.1.1:8080"]
_AWARE = "service.kubernetes.io/topology-aware-hints"
_MODE = "service.kubernetes.io/topology-mode"
_MANY = tuple(f"{{addresses: [10.1.{number // 250}.{number % 250 + 1}]}}" for number in range(1000))
_PODS_ZONES = (
    "{addresses: [10.0.1.1], hints: {forNodes: [{name: here}], forZones: [{name: a}]}}",
    "{addresses: [10.0.2.2], hints: {forNodes: [{name: there}], forZones: [{name: a}]}}",
)

ENDPOINTS = (
    Row(
        "4.3 source",
        (CLUSTER_IP, endpoints("10.0.0.9", "10.0.0.10", port="{name: http, port: 80}")),
        {11: ["10.0.0.9:80", "10.0.0.10:80"], 19: ["10.0.0.10:80", "10.0.0.9:80"]},
        pick=_DNAT,
    ),
    Row(
        "1 joins_by_protocol",
        (
            service("{clusterIP: 10.96.0.9, ports: [{name: dns, port: 53, protocol: UDP}]}"),
            endpoints("10.0.0.1", port="{name: dns, port: 53, protocol: TCP}"),
        ),
        {11: ["10.0.0.1:53"], 17: []},
        pick=_DNAT,
    ),
    # Endpoints in which one is not ready: with it the cluster is large, where it is known at all.
    Row(
        "4.2 keeps_unready; 3.12 large_cluster",
        (CLUSTER_IP, ports(*_MANY, "{addresses: [10.2.0.1], conditions: {ready: false}}")),
        {18: ["--comment"] * 2000, 21: []},
        pick="(?m)^-A SEP:.*(--comment)",
    ),
    Row(
        "3.12 large_cluster; 3.6 endpoint_comment",
        (
            CLUSTER_IP,
            ports(*_MANY, "{addresses: [10.2.0.1]}"),
            endpoints(
                *(f"10.3.{number // 250}.{number % 250 + 1}" for number in range(1001)), port="{name: http, port: 1}"
            ),
        ),
        {11: ["--comment"] * 3003, 12: []},
        pick="(?m)^-A (?:SEP:|KUBE-SVC-).*(--comment)",
    ),
    Row(
        "3.12 bare_local_chain",
        (service(LOCAL_BALANCER, status=BALANCER), ports(*_MANY, HERE)),
        {11: ["--comment"], 23: [], 24: []},
        pick="(?m)^-A KUBE-XLB-.*(--comment).* -j (?=SEP)",
    ),
    Row(
        "4.4 internal_policy",
        (
            service(f"{{type: NodePort, internalTrafficPolicy: Local, clusterIP: 10.96.0.9, ports: [{NODE_PORT}]}}"),
            REMOTE,
        ),
        {
            11: ["10.0.2.2:8080"],
            22: ["KUBE-SERVICES has no endpoints REJECT", "KUBE-EXTERNAL-SERVICES has no endpoints REJECT"],
            24: ["10.0.2.2:8080"],
            25: ["KUBE-SERVICES has no local endpoints DROP", "10.0.2.2:8080"],
        },
        pick=r"(?m)^-A (KUBE-\S+) .*http( has no .*endpoints)\".* -j( \S+)$(?<!MARK-DROP)|--to-destination (\S+)",
    ),
    Row(
        "4.1 hints; 4.1 hint_annotations",
        _hinted(f"{_AWARE}: auto"),
        {11: _ALL, 21: _NEAR},
        pick=_DNAT,
    ),
    Row("4.1 hints; 4.5 hints", _hinted(f"{_AWARE}: aUto"), {11: _ALL, 25: _NEAR}, pick=_DNAT),
    Row("4.1 hints; 4.5 hints", _hinted(f"{_AWARE}: disabled"), {11: _ALL, 31: _NEAR}, pick=_DNAT),
    Row("4.5 hints", _hinted(""), {11: _ALL, 31: _NEAR}, pick=_DNAT),
    Row("4.1 hint_annotations", _hinted(f"{_MODE}: Auto"), {11: _ALL, 27: _NEAR}, pick=_DNAT),
    Row(
        "4.5 hints",
        (*_hinted("")[::2], ports(*_PODS_ZONES)),
        {11: _ALL, 37: _NEAR},
        pick=_DNAT,
    ),
    Row(
        "4.2 local_by_topology",
        (
            service(LOCAL_BALANCER, status=BALANCER),
            ports("{addresses: [10.0.1.1], topology: {kubernetes.io/hostname: here}}"),
        ),
        {20: ["SEP:10.0.1.1:8080"], 21: ["KUBE-MARK-DROP"], 24: ["KUBE-MARK-DROP"], 25: []},
        pick=r"(?m)^-A KUBE-(?:XLB|SVL)-.* -j (SEP:\S+|KUBE-MARK-DROP)$",
    ),
    Row(
        "4.4 falls_back_to_terminating",
        (CLUSTER_IP, ports("{addresses: [10.0.1.1], conditions: {ready: false, serving: true, terminating: true}}")),
        {19: ["REJECT"], 26: ["10.0.1.1:8080"]},
        pick=r"(?:--to-destination (\S+)|-j (REJECT))",
    ),
)
