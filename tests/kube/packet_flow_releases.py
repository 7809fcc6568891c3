"""Packet flow cases of releases: what only some of them know, and the era of KUBE-XLB, 1.11 to 1.23.

The flows of the old era are those of kube-proxy's tests of 1.16 and 1.17 (../shared/reference/kube-proxy-scenarios.md,
50 to 54) and of 24 and 27, with what kube-proxy.md states of each release in 2.2, 3.3 to 3.7, 4.1, 4.2 and 4.4. Not
there, because nothing is stated: endpoints that are not ready in 1.22, and terminating ones before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.kube.packet_flow_cases import (
    BOTH,
    INTERNAL,
    LB,
    LOCAL_BALANCER,
    NODE,
    NODE_PORT,
    ONE,
    P80,
    RANGES,
    REMOTE_AND_LOCAL,
    SPREAD,
    SPREAD_ELSEWHERE,
    STICKY,
    SVC,
    TO,
    E,
    terminating,
)
from tests.kube.packet_flow_tables import topology
from tests.kube.packet_flows import INTERFACES, LOCALNET, Case, service

#: With KUBE-EXT chains, and before them with KUBE-XLB chains. 37 is the newest one known.
EXT_RELEASES: Final = (24, 25, 26, 27, 28, 30, 37)
XLB_RELEASES: Final = (11, 14, 16, 17, 18, 20, 22, 23)
#: Those that the newer suite of kube-proxy's tests is for.
LATER_RELEASES: Final = (28, 30, 37)

_LOCAL: Final = "10.180.2.1:80"
_LOCAL_NODE_PORT: Final = f"type: NodePort, clusterIP: 172.30.0.41, externalTrafficPolicy: Local, {NODE_PORT}"
_EXTERNAL_IP: Final = "externalIPs: [192.168.99.11]"

#: What came or went within the era of KUBE-EXT.
CHANGED: Final = (
    *(
        Case(f"TestLoadBalancerIngressRouteTypeProxy, {mode or 'nil'}", (
            service(SVC, f"type: LoadBalancer, clusterIP: 172.30.0.41, {NODE_PORT}", f"1.2.3.4 {mode}".strip()), ONE,
        ), f"""
            ext -> 1.2.3.4:80 => {said}
            ext -> node:3001 => {E} +m
        """, NODE)
        for mode, said in (("Proxy", f"1.24+ {E} +m | 1.30+ -"), ("VIP", f"{E} +m"), ("", f"{E} +m"))
    ),
    Case("externalTrafficPolicy of a ClusterIP Service", (
        service(SVC, f"type: ClusterIP, clusterIP: 172.30.0.41, externalTrafficPolicy: Local, {_EXTERNAL_IP}, {P80}"),
        REMOTE_AND_LOCAL,
    ), f"""
        ext -> 192.168.99.11:80 => 1.24+ {BOTH} +m | 1.29+ {_LOCAL} -m
        pod -> 192.168.99.11:80 => 1.24+ {BOTH} +m | 1.29+ {BOTH} -m
    """, NODE),
    Case("no address serves node ports, no endpoints", (
        service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, {NODE_PORT}"),
    ), "ext -> node:3001 => 1.24+ - | 1.27+ REJECT", replace(NODE, nodeport_addresses=("198.18.0.0/15",))),
    Case("TestEnableLocalhostNodePortsIPv4", (service(SVC, _LOCAL_NODE_PORT), REMOTE_AND_LOCAL), f"""
        localhost -> localhost:3001 => {BOTH} +m
        ext -> node:3001 => {_LOCAL} -m
        pod -> node:3001 => {_LOCAL} -m
    """, replace(NODE, cluster_cidr=""), sysctls=LOCALNET),
    Case("TestDisableLocalhostNodePortsIPv4", (service(SVC, _LOCAL_NODE_PORT), REMOTE_AND_LOCAL), f"""
        localhost -> localhost:3001 => 1.26+ -
        ext -> node:3001 => 1.26+ {_LOCAL} -m
    """, replace(NODE, cluster_cidr="", iptables_localhost_nodeports=False)),
    Case("TestDisableLocalhostNodePortsIPv4WithNodeAddress", (service(SVC, _LOCAL_NODE_PORT), REMOTE_AND_LOCAL), """
        localhost -> localhost:3001 => 1.26+ -
        ext -> node:3001 => -
    """, replace(NODE, iptables_localhost_nodeports=False, nodeport_addresses=("127.0.0.0/8",))),
)  # fmt: skip

_CALLED_FROM_OUTPUT: Final = "1.11 calls KUBE-SERVICES of filter from OUTPUT alone"
_ONLY_FROM_INPUT: Final = "up to 1.19 KUBE-EXTERNAL-SERVICES is called from INPUT alone"
_TWO_ADDRESSES: Final = INTERFACES | {"eth0": ("192.168.0.2/24", "10.20.30.51/24")}


def _only_local_node_ports(name: str, cluster_cidr: str, from_pod: str) -> Case:
    settings = replace(
        NODE,
        cluster_cidr=cluster_cidr,
        node_ip=("192.168.0.2", "10.20.30.51"),
        nodeport_addresses=("10.20.30.0/24",),
    )
    lines = f"""
        ext -> 10.20.30.51:3001 => {_LOCAL} -m
        pod -> 10.20.30.51:3001 => {from_pod} -m
        node -> 10.20.30.51:3001 => 1.11+ {_LOCAL} -m | 1.16+ {BOTH} +m
        ext -> node:3001 => -
    """
    return Case(name, (service(SVC, _LOCAL_NODE_PORT), REMOTE_AND_LOCAL), lines, settings, _TWO_ADDRESSES)


_ALL: Final = "10.0.1.1:80, 10.0.1.2:80, 10.0.1.3:80"
XLB: Final = (
    Case("TestClusterIPReject", (service(SVC, f"type: ClusterIP, clusterIP: 172.30.0.41, {P80}"),), f"""
        pod -> 172.30.0.41:80 => 1.11+ REJECT ~ -: {_CALLED_FROM_OUTPUT} | 1.14+ REJECT
        node -> 172.30.0.41:80 => REJECT
    """, NODE),
    Case("TestClusterIPEndpointsJump", (service(SVC, f"type: ClusterIP, clusterIP: 172.30.0.41, {P80}"), ONE), f"""
        pod -> 172.30.0.41:80 => {E} -m
        ext -> 172.30.0.41:80 => {E} +m
        node -> 172.30.0.41:80 => {E} +m
        10.180.0.1 -> 172.30.0.41:80 => {E} +m
    """, NODE),
    Case("TestLoadBalancer", (
        service(SVC, f"type: LoadBalancer, clusterIP: 172.30.0.41, {NODE_PORT}", "1.2.3.4"), ONE,
    ), f"""
        pod -> 172.30.0.41:80 => {E} -m
        pod -> 1.2.3.4:80 => {E} +m
        node -> 1.2.3.4:80 => {E} +m
        ext -> 1.2.3.4:80 => {E} +m
        ext -> node:3001 => {E} +m
    """, NODE),
    Case("TestLoadBalancer, source ranges", (RANGES, ONE), f"""
        ext -> 1.2.3.4:80 => {E} +m
        ext -> 5.6.7.8:80 => {E} +m
        extB -> 1.2.3.4:80 => MARKED
        extB -> 5.6.7.8:80 => MARKED
        extB -> node:3001 => {E} +m
        pod -> 1.2.3.4:80 => MARKED
        node -> 1.2.3.4:80 => {E} +m
        lb1 -> 1.2.3.4:80 => {E} +m
        lb2 -> 5.6.7.8:80 => DROP
    """, NODE),
    Case("TestLoadBalancer, no endpoints", (
        service(SVC, f"type: LoadBalancer, clusterIP: 172.30.0.41, {NODE_PORT}", "1.2.3.4"),
    ), """
        ext -> 1.2.3.4:80 => 1.11+ - | 1.14+ REJECT
        node -> 1.2.3.4:80 => 1.11+ - | 1.14+ REJECT | 1.20+ REJECT ~ -: KUBE-EXTERNAL-SERVICES is not called from OUTPUT
    """, NODE),
    Case("TestNodePort", (service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, {NODE_PORT}"), ONE), f"""
        ext -> node:3001 => {E} +m
        pod -> node:3001 => {E} +m
        node -> node:3001 => {E} +m
        localhost -> localhost:3001 => {E} +m
    """, NODE, sysctls=LOCALNET),
    Case("TestNodePortReject", (service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, {NODE_PORT}"),), """
        pod -> node:3001 => REJECT
        ext -> node:3001 => REJECT
    """, NODE),
    Case("TestExternalIPsReject", (service(SVC, f"type: ClusterIP, clusterIP: 172.30.0.41, {_EXTERNAL_IP}, {P80}"),),
         f"ext -> 192.168.99.11:80 => 1.11+ REJECT ~ -: {_ONLY_FROM_INPUT} | 1.20+ REJECT", NODE),
    Case("TestOnlyLocalLoadBalancing", (service(SVC, f"{LOCAL_BALANCER}, {STICKY}", "1.2.3.4"), REMOTE_AND_LOCAL), f"""
        pod -> 172.30.0.41:80 => {BOTH} -m
        pod -> 1.2.3.4:80 => {BOTH} -m
        pod -> node:3001 => {BOTH} -m
        ext -> 1.2.3.4:80 => {_LOCAL} -m
        ext -> node:3001 => {_LOCAL} -m
        node -> 1.2.3.4:80 => 1.11+ {_LOCAL} -m | 1.16+ {BOTH} +m
        localhost -> localhost:3001 => 1.11+ {_LOCAL} +m | 1.16+ {BOTH} +m
        ext -> node:30000 => 1.11+ - | 1.21+ ACCEPT
    """, NODE, sysctls=LOCALNET),
    Case("TestOnlyLocalLoadBalancing, all elsewhere", (service(SVC, LOCAL_BALANCER, "1.2.3.4"), ONE), f"""
        pod -> 1.2.3.4:80 => {E} -m
        ext -> 1.2.3.4:80 => MARKED
        ext -> node:3001 => DROP
        node -> 1.2.3.4:80 => 1.11+ DROP | 1.16+ {E} +m
    """, NODE),
    _only_local_node_ports("TestOnlyLocalNodePorts", "10.0.0.0/8", BOTH),
    _only_local_node_ports("TestOnlyLocalNodePortsNoClusterCIDR", "", _LOCAL),
    Case("external IPs", (
        service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, {_EXTERNAL_IP}, {P80}"), REMOTE_AND_LOCAL,
    ), f"""
        ext -> 192.168.99.11:80 => {BOTH} +m
        pod -> 192.168.99.11:80 => 1.11+ {BOTH} +m | 1.21+ {BOTH} -m
        node -> 192.168.99.11:80 => 1.11+ - | 1.21+ {BOTH} +m
    """, NODE),
    Case("external IPs, externalTrafficPolicy Local", (
        service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, externalTrafficPolicy: Local, {_EXTERNAL_IP}, {P80}"),
        REMOTE_AND_LOCAL,
    ), f"""
        ext -> 192.168.99.11:80 => 1.11+ {BOTH} +m | 1.20+ {_LOCAL} -m
        pod -> 192.168.99.11:80 => 1.11+ {BOTH} +m | 1.20+ {BOTH} -m
    """, NODE),
    Case("TestInternalTrafficPolicyE2E, Cluster", (INTERNAL["Cluster"], SPREAD), f"{TO} => {_ALL} -m", NODE),
    Case("TestInternalTrafficPolicyE2E, Local", (INTERNAL["Local"], SPREAD),
         f"{TO} => 1.11+ {_ALL} -m | 1.22+ 10.0.1.1:80 -m", NODE),
    Case("TestInternalTrafficPolicyE2E, Local, none here", (INTERNAL["Local"], SPREAD_ELSEWHERE),
         f"{TO} => 1.11+ {_ALL} -m | 1.22+ REJECT", NODE),
    terminating("ready ones", "Local", f"""
        {TO} => 1.23+ 10.0.1.1:80, 10.0.1.2:80, 10.0.1.5:80 -m
        {LB} => 1.23+ 10.0.1.1:80, 10.0.1.2:80 -m
    """, "10.0.1.1 RL", "10.0.1.2 RL", "10.0.1.3 TL", "10.0.1.4 UL", "10.0.1.5 RX"),
    terminating("only terminating ones here", "Local", f"""
        {TO} => 1.23+ 10.0.1.5:80 -m
        {LB} => 1.23+ MARKED
    """, "10.0.1.2 TL", "10.0.1.3 TL", "10.0.1.4 UL", "10.0.1.5 RX"),
    topology("auto", "1.11+ 3 4 5 6 | 1.21+ 3 6"),
    topology("aUto", "3 4 5 6", mode="aUto"),
)  # fmt: skip
