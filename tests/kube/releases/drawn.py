"""Random clusters: every kind of Service and endpoint that the compiler meets, also odd ones."""

from __future__ import annotations

from random import Random

from iptc_sim.kube import Cluster, Settings
from iptc_sim.kube.changes import READ, RELEASES
from iptc_sim.kube.objects import (
    Endpoint,
    EndpointPort,
    Endpoints,
    EndpointSlice,
    Ingress,
    Node,
    Service,
    ServicePort,
    Subset,
)
from iptc_sim.values import Family

NODES = ("node-a", "node-b", "")
_LABELS: tuple[dict[str, str], ...] = ({}, {"topology.kubernetes.io/zone": "zone-a"})
_NAMES = ("web", "a-b-c", "db", "x" * 63, "svc1", "dns")
_RANGES = {
    Family.IPV4: ("0.0.0.0/0", "192.0.2.0/24", " 203.0.113.9/28", "198.51.100.7/32", "2001:db8::/32"),
    Family.IPV6: ("::/0", "2001:db8:0::1/64", "fd00::7/128 ", "203.0.113.0/24"),
}


def draw(seed: int) -> tuple[Cluster, Settings]:
    """Return a cluster and the settings to look at it with."""
    random = Random(seed)
    family = random.choice((Family.IPV4, Family.IPV4, Family.IPV6))
    settings = _settings(random, family)
    services = [_service(random, family, number) for number in range(random.randint(1, 4))]
    slices: list[EndpointSlice] = []
    endpoints: list[Endpoints] = []
    for service in services:
        ports = tuple(EndpointPort(port.name, port.protocol, random.randint(1, 65535)) for port in service.ports)
        found = tuple(_endpoint(random, family) for _ in range(random.choice((0, 1, 2, 3, 7))))
        slices += [EndpointSlice(service.namespace, service.name, ports, part) for part in (found[:2], found[2:])]
        ready = tuple(item for item in found if item.ready)
        endpoints.append(Endpoints(service.namespace, service.name, (Subset(ports, ready),)))
    node = Node("node-a", (_address(random, family),), (_cidr(family),), random.choice(_LABELS))
    return Cluster(services=tuple(services), endpoints=tuple(endpoints), slices=tuple(slices), nodes=(node,)), settings


def _settings(random: Random, family: Family) -> Settings:
    release = RELEASES[f"1.{random.choice(READ)}"]
    mode = random.choice(("", *release.local_modes)) if len(release.local_modes) > 1 else ""
    here = "192.0.2.10" if family is Family.IPV4 else "2001:db8:0::10"
    around = "192.0.2.0/24" if family is Family.IPV4 else "2001:db8::/32"
    return Settings(
        release=release.name,
        family=family,
        cluster_cidr=random.choice(("", _cidr(family))),
        masquerade_all=random.random() < 0.2,
        iptables_masquerade_bit=random.choice((14, 14, 0, 31)),
        nodeport_addresses=random.choice(((), (), (around,), ("127.0.0.0/8", "10.99.0.0/16"), ("::1/128",))),
        detect_local_mode=mode,
        pod_bridge_interface="br0" if mode == "BridgeInterface" else "",
        pod_interface_name_prefix="cali" if mode == "InterfaceNamePrefix" else "",
        hostname_override="node-a",
        iptables_localhost_nodeports=not release.localhost_flag or random.random() < 0.7,
        node_ip=random.choice(((), (here,))),
        random_fully=random.random() < 0.5,
        be_liberal=random.random() < 0.3,
        nfacct=random.random() < 0.3,
    )


def _service(random: Random, family: Family, number: int) -> Service:
    kind = random.choice(("ClusterIP", "NodePort", "LoadBalancer", "LoadBalancer"))
    names = random.sample(("", "http", "p" * 15, "dns-tcp"), k=random.choice((1, 1, 2)))
    ports = tuple(
        ServicePort(
            name,
            random.choice(("TCP", "TCP", "UDP", "SCTP")),
            random.randint(1, 65535),
            80,
            random.choice((0, 30000 + number)) if kind != "ClusterIP" else 0,
        )
        for name in names
    )
    ranges = random.sample(_RANGES[family], k=random.choice((0, 0, 1, 3)))
    addresses = [_address(random, family) for _ in range(4)]
    return Service(
        namespace=random.choice(("default", "n" * 63)),
        name=f"{random.choice(_NAMES)}-{number}",
        type=kind,
        cluster_ip=addresses[0],
        ports=ports,
        external_ips=tuple(random.sample(addresses[1:3], k=random.choice((0, 1, 2)))),
        ingress=tuple(Ingress(text, random.choice(("VIP", "Proxy"))) for text in addresses[2:])
        if kind == "LoadBalancer" and random.random() < 0.7
        else (),
        source_ranges=tuple(ranges) if kind == "LoadBalancer" else (),
        external_traffic_policy=random.choice(("Cluster", "Local")),
        internal_traffic_policy=random.choice(("Cluster", "Cluster", "Local")),
        health_check_node_port=random.choice((0, 31000 + number)),
        affinity_seconds=random.choice((0, 0, 10800, 60)),
        annotations=random.choice(
            (
                {},
                {"service.kubernetes.io/topology-mode": "Auto"},
                {"service.kubernetes.io/topology-aware-hints": "auto"},
                {"service.kubernetes.io/topology-aware-hints": "aUto"},
            )
        ),
    )


def _endpoint(random: Random, family: Family) -> Endpoint:
    terminating = random.random() < 0.2
    ready = not terminating and random.random() < 0.8
    return Endpoint(
        _address(random, family),
        ready=ready,
        serving=ready or random.random() < 0.7,
        terminating=terminating,
        node=random.choice(NODES),
        zones=random.choice(((), ("zone-a",), ("zone-b",), ("zone-a", "zone-b"))),
        nodes=random.choice(((), ("node-a",), ("node-b",))),
    )


def _address(random: Random, family: Family) -> str:
    if family is Family.IPV4:
        return f"10.{random.randint(0, 255)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
    form = random.choice(("fd00:10::{:x}", "fd00:0:0::{:x}", "FD00:10::0:{:X}", "fd00:1:2:3:4:5:0:{:x}"))
    return form.format(random.randint(1, 65535))


def _cidr(family: Family) -> str:
    return "10.0.0.0/8" if family is Family.IPV4 else "fd00::/16"
