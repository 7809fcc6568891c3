"""The packet flow cases of kube-proxy's own tests (pkg/proxy/iptables, 1.28 and later), said again in our words.

What other releases do instead is what the reference states of them (../shared/reference/kube-proxy.md, 3.1, 3.2, 4.4).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from iptc_sim.kube import Settings
from iptc_sim.values import Family
from tests.kube.packet_flows import CLIENTS6, INTERFACES, INTERFACES6, LOCALNET, SERVERS6, Case, endpoint_slice, service

NODE: Final = Settings(cluster_cidr="10.0.0.0/8", node_ip=("192.168.0.2",), hostname_override="test-hostname")
NO_DETECTOR: Final = replace(NODE, cluster_cidr="")
TWO_ADDRESSES: Final = replace(NODE, node_ip=("192.168.0.2", "192.168.1.2"))
LOCALHOST_OFF: Final = replace(NO_DETECTOR, iptables_localhost_nodeports=False, nodeport_addresses=("192.168.0.0/24",))
V6: Final = replace(
    NODE, cluster_cidr="fd00::/64", node_ip=("2001:db8::1", "2001:db8:1::2"), family=Family.IPV6
)  # fmt: skip

SVC: Final = "ns1/svc1"
P80: Final = "ports: [{name: p80, port: 80, protocol: TCP}]"
NODE_PORT: Final = "ports: [{name: p80, port: 80, protocol: TCP, nodePort: 3001}]"
CLUSTER_IP: Final = "type: ClusterIP, clusterIP: 172.30.0.41"
REMOTE_AND_LOCAL: Final = endpoint_slice(SVC, "p80 80", "10.180.0.1 RX", "10.180.2.1 RL")
ONE: Final = endpoint_slice(SVC, "p80 80", "10.180.0.1 RX")

#: Six services, one of every kind.
OVERALL: Final = (
    service(SVC, f"{CLUSTER_IP}, {P80}"),
    ONE,
    service("ns2/svc2", "type: LoadBalancer, clusterIP: 172.30.0.42, externalIPs: [192.168.99.22], "
            "externalTrafficPolicy: Local, healthCheckNodePort: 30000, "
            "ports: [{name: p80, port: 80, nodePort: 3001}]", "1.2.3.4"),
    endpoint_slice("ns2/svc2", "p80 80", "10.180.0.2 RX"),
    service("ns3/svc3", "type: NodePort, clusterIP: 172.30.0.43, ports: [{name: p80, port: 80, nodePort: 3003}]"),
    endpoint_slice("ns3/svc3", "p80 80", "10.180.0.3 RX"),
    service("ns4/svc4", f"type: NodePort, clusterIP: 172.30.0.44, externalIPs: [192.168.99.33], {P80}"),
    endpoint_slice("ns4/svc4", "p80 80", "10.180.0.4 RX", "10.180.0.5 RL"),
    service("ns5/svc5", "type: LoadBalancer, clusterIP: 172.30.0.45, "
            "loadBalancerSourceRanges: [' 203.0.113.0/25'], ports: [{name: p80, port: 80, nodePort: 3002}]", "5.6.7.8"),
    endpoint_slice("ns5/svc5", "p80 80", "10.180.0.3 RX"),
    service("ns6/svc6", f"type: ClusterIP, clusterIP: 172.30.0.46, {P80}"),
)  # fmt: skip

RANGES: Final = service(
    SVC,
    f"type: LoadBalancer, clusterIP: 172.30.0.41, loadBalancerSourceRanges: [192.168.0.0/24, ' 203.0.113.0/25'], {NODE_PORT}",
    "1.2.3.4", "5.6.7.8",
)  # fmt: skip
E = "10.180.0.1:80"

STICKY: Final = "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 10800}}"
LOCAL_BALANCER: Final = (
    f"type: LoadBalancer, clusterIP: 172.30.0.41, externalTrafficPolicy: Local, healthCheckNodePort: 30000, {NODE_PORT}"
)

BASIC: Final = (
    Case("TestOverallIPTablesRulesWithMultipleServices", OVERALL, f"""
        pod -> 10.0.0.3:80 => -
        pod -> 172.30.0.41:80 => {E} -m
        pod -> 172.30.0.44:80 => 10.180.0.4:80, 10.180.0.5:80 -m
        node -> 192.168.99.22:80 => 10.180.0.2:80 +m
        ext -> 192.168.99.22:80 => 1.24+ MARKED | 1.25+ DROP
        node -> node:30000 => ACCEPT
        pod -> 172.30.0.46:80 => REJECT
    """, NODE),
    Case("TestClusterIPReject", (service(SVC, f"{CLUSTER_IP}, {P80}"),), "pod -> 172.30.0.41:80 => REJECT", NODE),
    Case("TestClusterIPEndpointsMore", (
        service(SVC, "type: ClusterIP, clusterIP: 172.30.0.41, ports: [{name: p80, port: 80, protocol: SCTP}]"),
        endpoint_slice(SVC, "p80 80 SCTP", "10.180.0.1 RX"),
    ), f"""
        10.180.0.2 -> 172.30.0.41:80/sctp => {E} -m
        10.180.0.1 -> 172.30.0.41:80/sctp => {E} +m
    """, NODE),
    Case("TestLoadBalancer", (RANGES, ONE), f"""
        pod -> 172.30.0.41:80 => {E} -m
        ext -> node:3001 => {E} +m
        extB -> node:3001 => {E} +m
        ext -> 1.2.3.4:80 => {E} +m
        ext -> 5.6.7.8:80 => {E} +m
        extB -> 1.2.3.4:80 => 1.24+ MARKED | 1.25+ DROP
        extB -> 5.6.7.8:80 => 1.24+ MARKED | 1.25+ DROP
        pod -> 1.2.3.4:80 => 1.24+ MARKED | 1.25+ DROP
        pod -> 5.6.7.8:80 => 1.24+ MARKED | 1.25+ DROP
        node -> 1.2.3.4:80 => {E} +m
        node -> 5.6.7.8:80 => {E} +m
        lb1 -> 1.2.3.4:80 => {E} +m
        lb2 -> 5.6.7.8:80 => 1.24+ DROP | 1.25+ {E} +m
    """, NODE),
    Case("TestNodePort", (service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, {NODE_PORT}"), ONE), f"""
        pod -> 172.30.0.41:80 => {E} -m
        ext -> node:3001 => {E} +m
        node -> node:3001 => {E} +m
        localhost -> localhost:3001 => {E} +m
    """, NODE, sysctls=LOCALNET),
    Case("TestNodePort, route_localnet off", (
        service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, {NODE_PORT}"), ONE,
    ), f"localhost -> localhost:3001 => {E} +m ~ LOST: kube-proxy sets route_localnet, else 127.0.0.1 cannot leave by cni0",
    NODE),
    Case("TestHealthCheckNodePort", (service(SVC, LOCAL_BALANCER, "1.2.3.4"),), """
        1.2.3.4 -> node:30000 => ACCEPT
        ext -> node:30000 => ACCEPT
    """, replace(NODE, nodeport_addresses=("127.0.0.0/8",))),
    Case("TestHealthCheckNodePort, the service is deleted", (service("ns2/svc2", f"{CLUSTER_IP}, {P80}"),),
         "ext -> node:30000 => -", replace(NODE, nodeport_addresses=("127.0.0.0/8",))),
    Case("TestExternalIPsReject", (service(SVC, f"{CLUSTER_IP}, externalIPs: [192.168.99.11], {P80}"),), """
        pod -> 172.30.0.41:80 => REJECT
        ext -> 192.168.99.11:80 => REJECT
        node -> 192.168.99.11:80 => REJECT ~ -: KUBE-EXTERNAL-SERVICES is not called from OUTPUT
    """, NODE),
    Case("TestOnlyLocalExternalIPs", (
        service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, externalTrafficPolicy: Local, externalIPs: [192.168.99.11], {P80}"),
        REMOTE_AND_LOCAL,
    ), f"""
        pod -> 172.30.0.41:80 => {E}, 10.180.2.1:80 -m
        ext -> 192.168.99.11:80 => 10.180.2.1:80 -m
    """, NODE),
    Case("TestNonLocalExternalIPs", (
        service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, externalIPs: [192.168.99.11], {P80}"), REMOTE_AND_LOCAL,
    ), f"""
        pod -> 172.30.0.41:80 => {E}, 10.180.2.1:80 -m
        ext -> 192.168.99.11:80 => {E}, 10.180.2.1:80 +m
    """, NODE),
    Case("TestNodePortReject", (service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, {NODE_PORT}"),), """
        pod -> 172.30.0.41:80 => REJECT
        pod -> node:3001 => REJECT
        ext -> node:3001 => REJECT
    """, NODE),
    Case("TestLoadBalancerReject", (service(SVC, f"{LOCAL_BALANCER}, {STICKY}", "1.2.3.4"),), """
        pod -> 172.30.0.41:80 => REJECT
        pod -> 1.2.3.4:80 => REJECT
        ext -> 1.2.3.4:80 => REJECT
    """, NODE),
    Case("TestOnlyLocalLoadBalancing", (service(SVC, f"{LOCAL_BALANCER}, {STICKY}", "1.2.3.4"), REMOTE_AND_LOCAL), f"""
        pod -> 172.30.0.41:80 => {E}, 10.180.2.1:80 -m
        ext -> 1.2.3.4:80 => 10.180.2.1:80 -m
        ext -> node:3001 => 10.180.2.1:80 -m
    """, NODE),
    Case("TestOnlyLocalNodePortsNoClusterCIDR", (
        service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, externalTrafficPolicy: Local, {NODE_PORT}"), REMOTE_AND_LOCAL,
    ), f"""
        pod -> 172.30.0.41:80 => {E}, 10.180.2.1:80 -m
        ext -> node:3001 => 10.180.2.1:80 -m
        pod -> 127.0.0.1:3001 => - ~ LOST: 127.0.0.1 cannot come in by an interface
        pod -> node:3001 => 10.180.2.1:80 -m
    """, replace(LOCALHOST_OFF, nodeport_addresses=("192.168.0.0/24", "2001:db8::/64"))),
    Case("TestOnlyLocalNodePorts", (
        service(SVC, f"type: NodePort, clusterIP: 172.30.0.41, externalTrafficPolicy: Local, {NODE_PORT}"), REMOTE_AND_LOCAL,
    ), f"""
        pod -> 172.30.0.41:80 => {E}, 10.180.2.1:80 -m
        ext -> node:3001 => 10.180.2.1:80 -m
        pod -> 127.0.0.1:3001 => - ~ LOST: 127.0.0.1 cannot come in by an interface
        pod -> node:3001 => {E}, 10.180.2.1:80 -m
    """, replace(LOCALHOST_OFF, cluster_cidr="10.0.0.0/8")),
)  # fmt: skip

UNNAMED: Final = "ports: [{port: 80, protocol: TCP}]"
#: The endpoint slice of TestInternalTrafficPolicyE2E.
SPREAD: Final = endpoint_slice(SVC, "- 80", "10.0.1.1 RL", "10.0.1.2 RX", "10.0.1.3 RX")
SPREAD_ELSEWHERE: Final = endpoint_slice(SVC, "- 80", "10.0.1.1 RX", "10.0.1.2 RX", "10.0.1.3 RX")
INTERNAL: Final = {
    policy: service(SVC, f"type: ClusterIP, clusterIP: 172.30.1.1, internalTrafficPolicy: {policy}, {UNNAMED}")
    for policy in ("Cluster", "Local")
}
TO: Final = "pod -> 172.30.1.1:80"
POLICIES: Final = (
    Case("TestInternalTrafficPolicyE2E, Cluster", (INTERNAL["Cluster"], SPREAD),
         f"{TO} => 10.0.1.1:80, 10.0.1.2:80, 10.0.1.3:80 -m", NODE),
    Case("TestInternalTrafficPolicyE2E, Local", (INTERNAL["Local"], SPREAD), f"{TO} => 10.0.1.1:80 -m", NODE),
    Case("TestInternalTrafficPolicyE2E, Local, none here", (INTERNAL["Local"], SPREAD_ELSEWHERE), f"{TO} => 1.24+ MARKED | 1.25+ DROP", NODE),
    Case("TestInternalTrafficPolicyE2E, Cluster, the slice is deleted", (INTERNAL["Cluster"],), f"{TO} => REJECT", NODE),
    Case("TestInternalTrafficPolicyE2E, Local, the slice is deleted", (INTERNAL["Local"],), f"{TO} => REJECT", NODE),
)  # fmt: skip


def terminating(name: str, policy: str, lines: str, *endpoints: str) -> Case:
    """Return a case of the tests of terminating endpoints."""
    health = ", healthCheckNodePort: 30000" if policy == "Local" else ""
    objects = [
        service(SVC, f"type: LoadBalancer, clusterIP: 172.30.1.1, externalTrafficPolicy: {policy}{health}, "
                f"allocateLoadBalancerNodePorts: false, {STICKY}, {UNNAMED}", "1.2.3.4")
    ]  # fmt: skip
    if endpoints:
        objects.append(endpoint_slice(SVC, "- 80", *endpoints))
    return Case(f"TestTerminatingEndpointsTrafficPolicy{policy}, {name}", tuple(objects), lines, NODE)


LB: Final = "ext -> 1.2.3.4:80"
TERMINATING: Final = (
    terminating("ready ones", "Local", f"""
        {TO} => 10.0.1.1:80, 10.0.1.2:80, 10.0.1.5:80 -m
        {LB} => 10.0.1.1:80, 10.0.1.2:80 -m
    """, "10.0.1.1 RL", "10.0.1.2 RL", "10.0.1.3 TL", "10.0.1.4 UL", "10.0.1.5 RX"),
    terminating("only terminating ones here", "Local", f"""
        {TO} => 10.0.1.5:80 -m
        {LB} => 1.24+ MARKED | 1.25+ DROP | 1.26+ 10.0.1.2:80, 10.0.1.3:80 -m
    """, "10.0.1.2 TL", "10.0.1.3 TL", "10.0.1.4 UL", "10.0.1.5 RX"),
    terminating("one elsewhere", "Local", f"""
        {TO} => 1.24+ REJECT | 1.26+ 10.0.1.5:80 -m
        {LB} => 1.24+ REJECT | 1.26+ DROP
    """, "10.0.1.5 TX"),
    terminating("none serves", "Local", f"""
        {TO} => REJECT
        {LB} => REJECT
    """, "10.0.1.5 UX"),
    terminating("none", "Local", f"""
        {TO} => REJECT
        {LB} => REJECT
    """),
    terminating("ready ones", "Cluster", f"""
        {TO} => 10.0.1.1:80, 10.0.1.2:80, 10.0.1.5:80 -m
        {LB} => 10.0.1.1:80, 10.0.1.2:80, 10.0.1.5:80 +m
    """, "10.0.1.1 RL", "10.0.1.2 RL", "10.0.1.3 TX", "10.0.1.4 UX", "10.0.1.5 RX"),
    terminating("only terminating ones", "Cluster", f"""
        {TO} => 1.24+ REJECT | 1.26+ 10.0.1.2:80, 10.0.1.3:80, 10.0.1.5:80 -m
        {LB} => 1.24+ REJECT | 1.26+ 10.0.1.2:80, 10.0.1.3:80, 10.0.1.5:80 +m
    """, "10.0.1.2 TL", "10.0.1.3 TL", "10.0.1.4 UX", "10.0.1.5 TX"),
    terminating("one elsewhere", "Cluster", f"""
        {TO} => 1.24+ REJECT | 1.26+ 10.0.1.5:80 -m
        {LB} => 1.24+ REJECT | 1.26+ 10.0.1.5:80 +m
    """, "10.0.1.5 TX"),
    terminating("none serves", "Cluster", f"""
        {TO} => REJECT
        {LB} => REJECT
    """, "10.0.1.5 UX"),
)  # fmt: skip


def later_service(policy: str) -> tuple[str, ...]:
    """Return the service of the later suite's tests of external traffic."""
    health = ", healthCheckNodePort: 30000" if policy == "Local" else ""
    spec = f"type: LoadBalancer, clusterIP: 172.30.0.41, externalTrafficPolicy: {policy}{health}, externalIPs: [192.168.99.11]"
    return service(SVC, f"{spec}, {NODE_PORT}", "1.2.3.4"), REMOTE_AND_LOCAL


BOTH: Final = f"{E}, 10.180.2.1:80"
LATER: Final = (
    Case("TestNoEndpointsReject", later_service("Cluster")[:1], """
        pod -> 172.30.0.41:80 => REJECT
        ext -> 192.168.99.11:80 => REJECT
        pod -> node:3001 => REJECT
        ext -> node:3001 => REJECT
        pod -> 1.2.3.4:80 => REJECT
        ext -> 1.2.3.4:80 => REJECT
    """, NODE),
    Case("TestClusterIPGeneral", (
        service(SVC, "clusterIP: 172.30.0.41, ports: [{name: http, port: 80}]"),
        endpoint_slice(SVC, "http 80", "10.180.0.1 RL"),
        service("ns2/svc2", "clusterIP: 172.30.0.42, ports: [{name: http, port: 80}, "
                "{name: https, port: 443, targetPort: 8443}, {name: dns-udp, port: 53, protocol: UDP}, "
                "{name: dns-tcp, port: 53, targetPort: 5353}, {name: dns-sctp, port: 53, protocol: SCTP}]"),
        endpoint_slice("ns2/svc2", "http 80, https 8443, dns-udp 53 UDP, dns-tcp 5353, dns-sctp 53 SCTP",
                       "10.180.0.1 RL", "10.180.2.1 RX"),
    ), """
        10.180.0.2 -> 172.30.0.41:80 => 10.180.0.1:80 -m
        10.180.0.1 -> 172.30.0.41:80 => 10.180.0.1:80 +m
        10.180.0.2 -> 172.30.0.42:80 => 10.180.0.1:80, 10.180.2.1:80 -m
        10.180.0.2 -> 172.30.0.42:443 => 10.180.0.1:8443, 10.180.2.1:8443 -m
        10.180.0.2 -> 172.30.0.42:53 => 10.180.0.1:5353, 10.180.2.1:5353 -m
        10.180.0.2 -> 172.30.0.42:53/udp => 10.180.0.1:53, 10.180.2.1:53 -m
        10.180.0.2 -> 172.30.0.42:53/sctp => 10.180.0.1:53, 10.180.2.1:53 -m
        10.180.0.2 -> 172.30.0.42:80/udp => -
        10.180.0.2 -> 172.30.0.41:443 => -
    """, NODE),
    Case("TestExternalTrafficPolicyLocal", later_service("Local"), f"""
        pod -> 172.30.0.41:80 => {BOTH} -m
        pod -> 192.168.99.11:80 => {BOTH} -m
        pod -> 1.2.3.4:80 => {BOTH} -m
        pod -> node:3001 => {BOTH} -m
        ext -> 192.168.99.11:80 => 10.180.2.1:80 -m
        ext -> 1.2.3.4:80 => 10.180.2.1:80 -m
        ext -> node:3001 => 10.180.2.1:80 -m
    """, NODE),
    Case("TestExternalTrafficPolicyCluster", later_service("Cluster"), f"""
        pod -> 172.30.0.41:80 => {BOTH} -m
        pod -> 192.168.99.11:80 => {BOTH} +m
        pod -> 1.2.3.4:80 => {BOTH} +m
        pod -> node:3001 => {BOTH} +m
        ext -> 192.168.99.11:80 => {BOTH} +m
        ext -> 1.2.3.4:80 => {BOTH} +m
        ext -> node:3001 => {BOTH} +m
    """, NODE),
)  # fmt: skip


def node_ports(
    name: str, *, localhost: str, second: str, off: bool = False, addresses: str = "", six: bool = False
) -> Case:
    """Return a case of TestNodePorts.

    Args:
        name: of the case.
        localhost: what becomes of a connection of 127.0.0.1 or ::1, likewise
        second: of one from outside to the second address of the node.
        off: whether ``--iptables-localhost-nodeports=false`` is given.
        addresses: ``--nodeport-addresses``.
        six: whether it is IPv6.
    """
    base = V6 if six else TWO_ADDRESSES
    ranges = tuple(addresses.split(",")) if addresses else ()
    settings = replace(base, iptables_localhost_nodeports=not off, nodeport_addresses=ranges)
    cluster_ip = "fd00:172:30::41" if six else "172.30.0.41"
    backends = ("fd00:10:180::1 RX", "fd00:10:180::2:1 RL") if six else ("10.180.0.1 RX", "10.180.2.1 RL")
    families = f"ipFamilies: [IPv{6 if six else 4}]"
    both = ", ".join(f"[{text.split()[0]}]:80" if six else f"{text.split()[0]}:80" for text in backends)
    lines = f"""
        pod -> {f"[{cluster_ip}]" if six else cluster_ip}:80 => {both} -m
        ext -> node:3001 => {both} +m
        node -> node:3001 => {both} +m
        localhost -> localhost:3001 => {localhost.replace("both", both)}
        ext -> node2:3001 => {second.replace("both", both)}
    """
    objects = (
        service(SVC, f"type: NodePort, clusterIP: '{cluster_ip}', {families}, {NODE_PORT}"),
        endpoint_slice(SVC, "p80 80", *backends, family=f"IPv{6 if six else 4}"),
    )
    two = INTERFACES | {"eth0": ("192.168.0.2/24", "192.168.1.2/24")}
    made = Case(f"TestNodePorts, {name}", objects, lines, settings, two, {} if off or six else LOCALNET)
    return replace(made, interfaces=INTERFACES6, clients=CLIENTS6, servers=SERVERS6) if six else made


NODE_PORTS: Final = (
    node_ports("localhost on", localhost="both +m", second="both +m"),
    node_ports("localhost off", localhost="-", second="both +m", off=True),
    node_ports("localhost off, with 127.0.0.1", localhost="-", second="-", off=True, addresses="192.168.0.0/24,127.0.0.1/32"),
    node_ports("localhost off, three ranges", localhost="-", second="both +m", off=True,
               addresses="192.168.0.0/24,192.168.1.0/24,2001:db8::/64"),
    node_ports("IPv6, localhost on", localhost="-", second="both +m", six=True),
    node_ports("IPv6, localhost off", localhost="-", second="both +m", off=True, six=True),
    node_ports("IPv6, localhost off, three ranges", localhost="-", second="-", off=True,
               addresses="192.168.0.0/24,192.168.1.0/24,2001:db8::/64", six=True),
)  # fmt: skip
