"""The Kubernetes objects that kube-proxy's rules depend on, with the API server's defaults applied."""

from __future__ import annotations

from collections.abc import Mapping

from iptc_sim.diagnostics import Diagnostic
from iptc_sim.kube.fields import family_of
from iptc_sim.records import dataclass, field
from iptc_sim.values import Family


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One of a Service's ports.

    Args:
        name: empty for an unnamed port.
        protocol: TCP, UDP or SCTP.
        port: what clients connect to.
        target_port: the pods' port: a number, or the name of a container port.
        node_port: 0 for none.
    """

    name: str
    protocol: str
    port: int
    target_port: int | str
    node_port: int = 0


@dataclass(frozen=True, slots=True)
class Service:
    """A Service.

    Args:
        cluster_ip: ``spec.clusterIP``; None where it has none yet, ``""`` and ``"None"`` as they stand.
        cluster_ips: ``spec.clusterIPs``, one per family of ``ip_families``.
        ip_families: ``spec.ipFamilies``; empty where the object does not tell.
        ingress_ips: addresses of ``status.loadBalancer.ingress`` whose ipMode is not Proxy.
        affinity_seconds: timeout of the ClientIP affinity, 0 without affinity.
        health_check_node_port: 0 for none.
        label: how notes call it, with the document that it comes from.
    """

    namespace: str
    name: str
    type: str = "ClusterIP"
    cluster_ip: str | None = None
    cluster_ips: tuple[str, ...] = ()
    ip_families: tuple[Family, ...] = ()
    dual_stack: bool = False
    ports: tuple[ServicePort, ...] = ()
    selector: Mapping[str, str] = field(default_factory=dict)
    external_ips: tuple[str, ...] = ()
    ingress_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] = ()
    external_traffic_policy: str = "Cluster"
    internal_traffic_policy: str = "Cluster"
    health_check_node_port: int = 0
    allocates_node_ports: bool = True
    affinity_seconds: int = 0
    publish_not_ready: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    label: str = field(default="", compare=False)

    @property
    def is_headless(self) -> bool:
        """Whether it has no cluster IP on purpose."""
        return self.cluster_ip in {"", "None"}

    def address(self, family: Family) -> str | None:
        """Return its cluster IP of a family, None where it has none (kube-proxy: GetClusterIPByFamily)."""
        first = self.cluster_ip
        if first is None or self.is_headless:
            return None
        if self.ip_families:
            pairs = zip(self.ip_families, self.cluster_ips or (first,), strict=False)
            return next((address for own, address in pairs if own == family), None)
        return first if family_of(first) == family else None


@dataclass(frozen=True, slots=True)
class EndpointPort:
    """A port of a subset or slice: the Service port's name, and the number that the pods listen on."""

    name: str
    protocol: str
    port: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address that serves, with its conditions.

    Args:
        node: name of its node, empty where that is not told.
        zones: the zones that its hints name.
    """

    address: str
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    node: str = ""
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """An EndpointSlice of a Service. ``ports`` without a name or number are left out already."""

    namespace: str
    service: str
    ports: tuple[EndpointPort, ...]
    endpoints: tuple[Endpoint, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Subset:
    """A subset of an Endpoints object, in the order stored."""

    ports: tuple[EndpointPort, ...]
    ready: tuple[Endpoint, ...]
    not_ready: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoints:
    """An Endpoints object; its name is the Service's."""

    namespace: str
    name: str
    subsets: tuple[Subset, ...]


@dataclass(frozen=True, slots=True)
class ContainerPort:
    """A port that a container declares."""

    name: str
    protocol: str
    port: int


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """What a Deployment makes its pods from."""

    labels: Mapping[str, str]
    ports: tuple[ContainerPort, ...]
    node: str = ""


@dataclass(frozen=True, slots=True)
class Pod:
    """A Pod.

    Args:
        addresses: its pod IPs, the first one first.
        is_plain: the object has no status, so it gets an address and counts as ready.
        owner: kind and name of what made it, empty for none.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    ports: tuple[ContainerPort, ...] = ()
    addresses: tuple[str, ...] = ()
    phase: str = "Running"
    ready: bool = True
    terminating: bool = False
    node: str = ""
    is_plain: bool = False
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A Deployment."""

    namespace: str
    name: str
    replicas: int
    template: PodTemplate


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.

    Args:
        addresses: its InternalIPs.
        pod_cidrs: ``spec.podCIDRs``.
        zone: the label topology.kubernetes.io/zone.
    """

    name: str
    addresses: tuple[str, ...] = ()
    pod_cidrs: tuple[str, ...] = ()
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What was read from the objects, and what the cluster's controllers would add.

    Args:
        notes: what was assigned, skipped or found missing.
    """

    services: tuple[Service, ...] = ()
    endpoints: tuple[Endpoints, ...] = ()
    slices: tuple[EndpointSlice, ...] = ()
    pods: tuple[Pod, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    nodes: tuple[Node, ...] = ()
    notes: tuple[Diagnostic, ...] = field(default=(), compare=False)
