"""Packet flow cases that come as tables: who is masqueraded, topology hints, the corpora."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from iptc_sim.kube import Settings
from tests.kube import corpus
from tests.kube.packet_flow_cases import NODE, NODE_PORT, P80, SVC
from tests.kube.packet_flows import CLIENTS, LOCALNET, Case, endpoint_slice, service

# --- TestInternalExternalMasquerade

_CLUSTER_IPS: Final = ("172.30.0.41", "172.30.0.42", "172.30.0.43")
_BALANCERS: Final = ("1.2.3.4", "5.6.7.8", "9.10.11.12")
_POLICIES: Final = ("", "externalTrafficPolicy: Local, ", "internalTrafficPolicy: Local, ")
_THREE: Final = tuple(
    text
    for number, (address, balancer, policy) in enumerate(zip(_CLUSTER_IPS, _BALANCERS, _POLICIES, strict=True), 1)
    for text in (
        service(f"ns{number}/svc{number}", f"type: LoadBalancer, clusterIP: {address}, {policy}"
                f"healthCheckNodePort: {30000 + number}, ports: [{{name: p80, port: 80, nodePort: {3000 + number}}}]", balancer),
        endpoint_slice(f"ns{number}/svc{number}", "p80 80", f"10.180.0.{number} RL", f"10.180.1.{number} RX"),
    )
)  # fmt: skip

#: From, to, and what becomes of it for the three services: ``all`` endpoints or only the ``local`` one.
_USUAL: Final = """
    pod ClusterIP         all -m, all -m, local -m
    pod NodePort          all +m, all -m, all +m
    pod LB                all +m, all -m, all +m
    node ClusterIP        all +m, all +m, local +m
    node NodePort         all +m, all +m, all +m
    localhost NodePort    all +m, all +m, all +m
    node LB               all +m, all +m, all +m
    ext ClusterIP         all +m, all +m, local +m
    ext NodePort          all +m, local -m, all +m
    ext LB                all +m, local -m, all +m
"""
_NOBODY_IS_LOCAL: Final = (
    _USUAL.replace("pod NodePort          all +m, all -m", "pod NodePort          all +m, local -m")
    .replace("pod LB                all +m, all -m", "pod LB                all +m, local -m")
)  # fmt: skip


def _masquerade(name: str, table: str, settings: Settings) -> Case:
    lines = []
    for row in filter(None, map(str.strip, table.splitlines())):
        client, to, results = row.split(maxsplit=2)
        for index, result in enumerate(results.split(", ")):
            local, remote = f"10.180.0.{index + 1}:80", f"10.180.1.{index + 1}:80"
            server = "localhost" if client == "localhost" else "node"
            target = {
                "ClusterIP": f"{_CLUSTER_IPS[index]}:80",
                "NodePort": f"{server}:{3001 + index}",
                "LB": f"{_BALANCERS[index]}:80",
            }[to]
            said = result.replace("all", f"{local}, {remote}").replace("local", local)
            lines.append(f"{client} -> {target} => {said}")
    return Case(f"TestInternalExternalMasquerade, {name}", _THREE, "\n".join(lines), settings, sysctls=LOCALNET)


_UNMASKED: Final = (
    _NOBODY_IS_LOCAL.replace("node ClusterIP        all +m, all +m, local +m", "node ClusterIP        all -m, all -m, local -m")
    .replace("ext ClusterIP         all +m, all +m, local +m", "ext ClusterIP         all -m, all -m, local -m")
)  # fmt: skip
_POD_TOO: Final = ("pod ClusterIP         all -m, all -m, local -m", "pod ClusterIP         all +m, all +m, local +m")
MASQUERADE: Final = (
    _masquerade("detector", _USUAL, NODE),
    _masquerade("no detector", _UNMASKED, replace(NODE, cluster_cidr="")),
    _masquerade("masqueradeAll", _USUAL.replace(*_POD_TOO), replace(NODE, masquerade_all=True)),
    _masquerade("masqueradeAll, no detector", _NOBODY_IS_LOCAL.replace(*_POD_TOO),
                replace(NODE, masquerade_all=True, cluster_cidr="")),
)  # fmt: skip

# --- pkg/proxy/topology_test.go


def topology(
    name: str, said: str, *endpoints: str, mode: str = "auto", zone: str = "zone-a", spec: str = "", ports: str = P80
) -> Case:
    """Return a case of topology hints; the endpoints are .3, .4, .5 and .6, and ``said`` names the last parts."""
    labels = f"labels: {{topology.kubernetes.io/zone: {zone}}}" if zone else "labels: {}"
    annotations = f"{{service.kubernetes.io/topology-aware-hints: {mode}}}" if mode else "{}"
    objects = (
        f"{{apiVersion: v1, kind: Node, metadata: {{name: test-hostname, {labels}}}}}",
        service(
            SVC,
            f"type: {'NodePort' if ports == NODE_PORT else 'ClusterIP'}, clusterIP: 172.30.0.41, {spec}{ports}",
            annotations=annotations,
        ),
        endpoint_slice(SVC, "p80 80", *(endpoints or _ZONES)),
    )
    result = " | ".join(map(_outcome, said.split(" | ")))
    return Case(f"topology, {name}", objects, f"pod -> 172.30.0.41:80 => {result}", NODE)


def _outcome(said: str) -> str:
    since, found, parts = said.rpartition("+ ")
    return since + found + (parts if parts.isupper() else _names(parts))


def _names(parts: str) -> str:
    return ", ".join(f"10.180.0.{part}:80" for part in parts.split()) + " -m"


_ZONES: Final = ("10.180.0.3 RX zone-a", "10.180.0.4 RX zone-b", "10.180.0.5 RX zone-c", "10.180.0.6 RX zone-a")
TOPOLOGY: Final = (
    topology("auto", "3 6"),
    topology("Auto", "3 6", mode="Auto"),
    # From 1.25 on any word but disabled will do; the newest releases don't ask for one.
    topology("disabled", "1.24+ 3 4 5 6 | 1.37+ 3 6", mode="disabled"),
    topology("no annotation", "1.24+ 3 4 5 6 | 1.37+ 3 6", mode=""),
    topology("aUto", "1.24+ 3 4 5 6 | 1.25+ 3 6", mode="aUto"),
    topology("no zone", "3 4 5 6", zone=""),
    topology("a zone of nobody", "3 4 5 6", zone="zone-x"),
    topology("one without hint", "3 4 5 6", *_ZONES[:3], "10.180.0.6 RX"),
    topology("one that is not ready without hint", "3 6", *_ZONES, "10.180.0.7 NX"),
    topology("only one that is not ready in the zone", "4 5", "10.180.0.3 NX zone-a", *_ZONES[1:3]),
    topology("several zones", "3 6", "10.180.0.3 RX zone-b zone-a", *_ZONES[1:]),
    topology("iTP Local", "3 4", "10.180.0.3 RL zone-a", "10.180.0.4 RL zone-b", *_ZONES[2:],
              spec="internalTrafficPolicy: Local, "),
    replace(
        topology(
            "eTP Local",
            "3 6",
            "10.180.0.3 RL zone-a",
            "10.180.0.4 RL zone-b",
            *_ZONES[2:],
            spec="externalTrafficPolicy: Local, ",
            ports=NODE_PORT,
        ),
        lines=f"""
            pod -> 172.30.0.41:80 => {_names("3 6")}
            ext -> node:3001 => {_names("3 4")}
        """,
    ),
    topology("iTP Local, all elsewhere", "1.24+ MARKED | 1.25+ DROP", spec="internalTrafficPolicy: Local, "),
)  # fmt: skip

# --- the corpora of 1.28: the dumps that the kernel saved, in the words of the cases above

_PODS: Final = CLIENTS | {"pod": "10.244.1.9 in cni0", "veth": "10.244.1.9 in veth1", "self": "10.244.1.5 in cni0"}
_PODS6: Final = {
    "pod": "[fd00:10:244:1::9] in cni0",
    "ext": "[2600:5200::1] in eth0",
    "node": "[2001:db8::2] from host",
    "localhost": "[::1] from host",
}
_A, _B, _C = "10.244.1.5:8080", "10.244.2.5:8080", "10.244.3.5:8080"
_ALL: Final = f"{_A}, {_B}, {_C}"
_EDGE: Final = f"""
    pod -> 10.96.5.70:80 => {_ALL} -m
    pod -> 192.168.99.21:80 => {_ALL} -m
    pod -> 203.0.113.20:80 => {_ALL} -m
    pod -> node:30081 => {_ALL} -m
    node -> 10.96.5.70:80 => {_ALL} +m
    node -> 203.0.113.20:80 => {_ALL} +m
    node -> node:30081 => {_ALL} +m
    localhost -> localhost:30081 => {_ALL} +m
    ext -> 10.96.5.70:80 => {_ALL} +m
    ext -> 192.168.99.21:80 => {_A} -m
    ext -> 203.0.113.20:80 => {_A} -m
    ext -> node:30081 => {_A} -m
    ext -> node:32100 => ACCEPT
    self -> 10.96.5.70:80 => {_A} +m, {_B} -m, {_C} -m
"""
_CORPUS: Final = {
    "affinity": f"pod -> 10.96.4.60:80 => {_ALL} -m\n ext -> 10.96.4.60:80 => {_ALL} +m",
    "clusterip": f"""
        pod -> 10.96.0.20:80 => {_ALL} -m
        node -> 10.96.0.20:80 => {_ALL} +m
        pod -> 10.96.0.20:80/udp => -
        pod -> 10.96.0.20:81 => -
    """,
    "etp-local": _EDGE,
    "detect-none": _EDGE.replace(f"pod -> 192.168.99.21:80 => {_ALL}", f"pod -> 192.168.99.21:80 => {_A}")
    .replace(f"pod -> 203.0.113.20:80 => {_ALL}", f"pod -> 203.0.113.20:80 => {_A}")
    .replace(f"pod -> node:30081 => {_ALL}", f"pod -> node:30081 => {_A}")
    .replace(f"node -> 10.96.5.70:80 => {_ALL} +m", f"node -> 10.96.5.70:80 => {_ALL} -m")
    .replace(f"ext -> 10.96.5.70:80 => {_ALL} +m", f"ext -> 10.96.5.70:80 => {_ALL} -m"),
    "detect-bridge": _EDGE,
    "detect-prefix": _EDGE.replace("pod ->", "veth ->").replace(
        f"self -> 10.96.5.70:80 => {_A} +m, {_B} -m, {_C} -m",
        f"veth -> 10.96.5.70:80 => {_ALL} -m\n    self -> 10.96.5.70:80 => {_ALL} +m",
    ),
    "etp-local-no-local-endpoints": f"""
        pod -> 10.96.5.70:80 => {_B}, {_C} -m
        pod -> 203.0.113.20:80 => {_B}, {_C} -m
        ext -> 203.0.113.20:80 => DROP
        ext -> 192.168.99.21:80 => DROP
        ext -> node:30081 => DROP
        node -> node:30081 => {_B}, {_C} +m
    """,
    "externalips": """
        pod -> 10.96.3.50:80 => 10.244.1.5:80, 10.244.2.5:80 -m
        pod -> 192.168.99.11:80 => 10.244.1.5:80, 10.244.2.5:80 +m
        ext -> 192.168.99.12:80 => 10.244.1.5:80, 10.244.2.5:80 +m
    """,
    "itp-local": f"pod -> 10.96.6.80:80 => {_A} -m\n node -> 10.96.6.80:80 => {_A} +m",
    "itp-local-no-local-endpoints": "pod -> 10.96.6.80:80 => DROP\n node -> 10.96.6.80:80 => DROP",
    "loadbalancer": """
        pod -> 10.96.2.40:443 => 10.244.1.5:8443, 10.244.2.5:8443 -m
        pod -> 203.0.113.10:443 => 10.244.1.5:8443, 10.244.2.5:8443 +m
        ext -> 203.0.113.11:443 => 10.244.1.5:8443, 10.244.2.5:8443 +m
        extB -> node:31443 => 10.244.1.5:8443, 10.244.2.5:8443 +m
    """,
    "loadbalancer-sourceranges": """
        pod -> 10.96.2.40:443 => 10.244.1.5:8443, 10.244.2.5:8443 -m
        pod -> 203.0.113.10:443 => DROP
        ext -> 203.0.113.10:443 => DROP
        ext -> node:31443 => 10.244.1.5:8443, 10.244.2.5:8443 +m
        allowed -> 203.0.113.11:443 => 10.244.1.5:8443, 10.244.2.5:8443 +m
        node -> 203.0.113.11:443 => 10.244.1.5:8443, 10.244.2.5:8443 +m
    """,
    "localhost-nodeports-off": f"""
        localhost -> localhost:30080 => -
        ext -> node:30080 => {_A}, {_B} +m
        node -> node:30080 => {_A}, {_B} +m
    """,
    "masquerade-all": f"pod -> 10.96.0.20:80 => {_ALL} +m\n ext -> 10.96.0.20:80 => {_ALL} +m",
    "named-ports": """
        pod -> 10.96.8.100:80 => 10.244.1.5:8080, 10.244.2.5:8081 -m
        pod -> 10.96.8.100:9000 => 10.244.1.5:9001, 10.244.2.5:9002 -m
    """,
    "no-endpoints": """
        pod -> 10.96.7.90:80 => REJECT
        ext -> 192.168.99.31:80 => REJECT
        pod -> node:30082 => REJECT
        ext -> node:30082 => REJECT
        pod -> 203.0.113.30:80 => REJECT
        ext -> 203.0.113.30:80 => REJECT
    """,
    "nodeport": f"""
        pod -> 10.96.1.30:80 => {_A}, {_B} -m
        ext -> node:30080 => {_A}, {_B} +m
        node -> node:30080 => {_A}, {_B} +m
        localhost -> localhost:30080 => {_A}, {_B} +m
    """,
    "nodeport-addresses": f"""
        ext -> node:30080 => {_A}, {_B} +m
        ext -> 172.16.0.2:30080 => {_A}, {_B} +m
        ext -> 10.0.0.9:30080 => -
        localhost -> localhost:30080 => -
    """,
    "sctp": "pod -> 10.96.12.1:3868/sctp => 10.244.1.5:3868 -m\n 10.244.1.5 -> 10.96.12.1:3868/sctp => 10.244.1.5:3868 +m",
    "terminating": f"pod -> 10.96.10.1:80 => {_B} -m\n ext -> node:30084 => {_A} -m",
    "topology-hints": f"pod -> 10.96.11.1:80 => {_A} -m",
    "udp": """
        pod -> 10.96.0.10:53/udp => 10.244.1.5:53, 10.244.2.5:53 -m
        pod -> 10.96.0.10:53 => 10.244.1.5:53, 10.244.2.5:53 -m
        pod -> 10.96.0.10:9153/udp => -
        pod -> 10.96.0.10:9153 => 10.244.1.5:9153, 10.244.2.5:9153 -m
    """,
    "ipv6": """
        pod -> [fd00:10:96::a]:80 => [fd00:10:244:1::5]:8080, [fd00:10:244:2::5]:8080 -m
        ext -> node:30083 => [fd00:10:244:1::5]:8080, [fd00:10:244:2::5]:8080 +m
        localhost -> localhost:30083 => -
    """,
}


def from_corpus(name: str) -> Case:
    """Return the case of a corpus file: its flows, on the rules that the kernel saved."""
    settings = corpus.settings_of(corpus.read(name, "yaml").line(1))
    lan = tuple(f"{address}/24" for address in settings.node_ip)
    pods = {"cni0": ("10.244.1.1/16",), "veth1": ()}
    sysctls = LOCALNET if settings.iptables_localhost_nodeports else {}
    clients = _PODS | {"allowed": "198.51.100.7 in eth0"}
    made = Case(f"corpus {name}", (), _CORPUS[name], settings, {"eth0": lan, **pods}, sysctls,
                corpus.read(name, "save").text, clients)  # fmt: skip
    if name != "ipv6":
        return made
    interfaces = {"eth0": ("2001:db8::2/64",), "cni0": ("fd00:10:244::1/56",)}
    servers = {"node": "[2001:db8::2]", "localhost": "[::1]"}
    return replace(made, interfaces=interfaces, sysctls={}, clients=_PODS6, servers=servers)


CORPUS: Final = tuple(from_corpus(name) for name in _CORPUS if name in corpus.NAMES)
