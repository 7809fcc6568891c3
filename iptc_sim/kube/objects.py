"""The Kubernetes objects that kube-proxy's rules depend on, with the API server's defaults applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from iptc_sim.diagnostics import Diagnostic
from iptc_sim.kube.fields import family_of
from iptc_sim.kube.selectors import Selector
from iptc_sim.records import dataclass, field
from iptc_sim.values import Family

#: A Service with this label is left to another proxy (apis/well_known_labels: LabelServiceProxyName).
PROXY_NAME_LABEL: Final = "service.kubernetes.io/service-proxy-name"


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
class Ingress:
    """An address of ``status.loadBalancer.ingress``.

    Args:
        mode: ``ipMode``: VIP, or Proxy where packets arrive with the node's address already.
    """

    address: str
    mode: str = "VIP"


@dataclass(frozen=True, slots=True)
class Service:
    """A Service.

    Args:
        cluster_ip: ``spec.clusterIP``; None where it has none yet, ``""`` and ``"None"`` as they stand.
        cluster_ips: ``spec.clusterIPs``, one per family of ``ip_families``.
        ip_families: ``spec.ipFamilies``; empty where the object does not tell.
        ingress: the load balancer's addresses; entries with a host name only are left out.
        source_ranges: ``spec.loadBalancerSourceRanges``, each as it stands in the object, blanks included.
        external_name: ``spec.externalName``.
        traffic_distribution: ``spec.trafficDistribution``.
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
    ingress: tuple[Ingress, ...] = ()
    source_ranges: tuple[str, ...] = ()
    external_traffic_policy: str = "Cluster"
    internal_traffic_policy: str = "Cluster"
    health_check_node_port: int = 0
    allocates_node_ports: bool = True
    affinity_seconds: int = 0
    publish_not_ready: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    external_name: str = ""
    traffic_distribution: str = ""
    label: str = field(default="", compare=False)

    @property
    def has_other_proxy(self) -> bool:
        """Whether its label leaves it to another proxy: a whole kube-proxy does not write rules for it."""
        return PROXY_NAME_LABEL in self.labels

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
            for own, address in zip(self.ip_families, self.cluster_ips or (first,), strict=False):
                if own == family:
                    return address
            return None
        return first if family_of(first) == family else None


@dataclass(frozen=True, slots=True)
class EndpointPort:
    """A port of a subset or slice: the Service port's name, and the number that the pods listen on."""

    name: str
    protocol: str
    port: int


class Endpoint(NamedTuple):
    """One address that serves, with its conditions; a tuple, because there are so many of them.

    Args:
        node: ``nodeName``, empty where that is not told.
        zones: the zones that its hints name.
        nodes: the nodes that its hints name.
        topology_node: the node that the label kubernetes.io/hostname of ``topology`` names (v1beta1).
        hostname: the name that DNS has for it.
        zone: where it is.
        target: what it stands for, such as ``Pod web-1``.
    """

    address: str
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    node: str = ""
    zones: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    topology_node: str = ""
    hostname: str = ""
    zone: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """An EndpointSlice of a Service. ``ports`` without a number are left out already.

    Args:
        family: its addressType; None where nothing tells.
        unwatched: whether its label says that it is a headless Service's, which kube-proxy doesn't watch.
    """

    namespace: str
    service: str
    ports: tuple[EndpointPort, ...]
    endpoints: tuple[Endpoint, ...]
    name: str = ""
    family: Family | None = None
    unwatched: bool = False


@dataclass(frozen=True, slots=True)
class Subset:
    """A subset of an Endpoints object, in the order stored."""

    ports: tuple[EndpointPort, ...]
    ready: tuple[Endpoint, ...]
    not_ready: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoints:
    """An Endpoints object; its name is the Service's.

    Args:
        truncated: whether addresses above the controller's bound of 1000 were left out.
        unwatched: as of a slice.
    """

    namespace: str
    name: str
    subsets: tuple[Subset, ...]
    truncated: bool = False
    unwatched: bool = False


@dataclass(frozen=True, slots=True)
class ContainerPort:
    """A port that a container declares."""

    name: str
    protocol: str
    port: int


@dataclass(frozen=True, slots=True)
class DnsConfig:
    """``dnsConfig`` of a pod, which adds to what its dnsPolicy gives.

    Args:
        options: name and value, the value empty for none.
    """

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PodSpec:
    """What a pod is made from.

    Args:
        ports: the ports of its containers; init containers are not searched for target ports.
        node: name of the node that it is bound to, empty for none.
        hostname: ``spec.hostname``, empty where the pod's name serves.
        subdomain: the headless Service below which it has a name.
        service_links: whether it gets the variables of its namespace's Services.
        env: per container the variables that the container sets by itself.
        node_selector: labels that its node has to have.
    """

    ports: tuple[ContainerPort, ...] = ()
    node: str = ""
    hostname: str = ""
    subdomain: str = ""
    host_network: bool = False
    dns_policy: str = "ClusterFirst"
    dns_config: DnsConfig | None = None
    service_links: bool = True
    env: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pod:
    """A Pod.

    Args:
        addresses: its pod IPs, the first one first.
        is_plain: the object has no status, so it gets an address and counts as ready.
        owner: kind and name of what made it, empty for none.
        uid: ``metadata.uid``.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    spec: PodSpec = PodSpec()
    addresses: tuple[str, ...] = ()
    phase: str = "Running"
    ready: bool = True
    terminating: bool = False
    is_plain: bool = False
    owner: str = ""
    uid: str = ""

    @property
    def ports(self) -> tuple[ContainerPort, ...]:
        """The ports of its containers."""
        return self.spec.ports

    @property
    def node(self) -> str:
        """Name of its node, empty for none."""
        return self.spec.node

    @property
    def is_over(self) -> bool:
        """Whether its containers have ended for good."""
        return self.phase in {"Succeeded", "Failed"}


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet: what makes pods.

    Args:
        replicas: how many; a DaemonSet makes one per node instead.
        labels: the labels of its pods.
        template: the rest of its pods.
        selector: which pods are its own.
        service_name: a StatefulSet's headless Service.
        first: a StatefulSet's first ordinal.
        owner: kind and name of what made it, empty for none.
    """

    kind: str
    namespace: str
    name: str
    replicas: int
    labels: Mapping[str, str]
    template: PodSpec
    selector: Selector
    service_name: str = ""
    first: int = 0
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.

    Args:
        addresses: its InternalIPs.
        pod_cidrs: ``spec.podCIDRs``.
        labels: its labels.
        millicores: the CPU that pods can have of it, 0 where that is not told.
        ready: whether it is ready; one whose status says nothing is.
    """

    name: str
    addresses: tuple[str, ...] = ()
    pod_cidrs: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    millicores: int = 0
    ready: bool = True

    @property
    def zone(self) -> str:
        """The label topology.kubernetes.io/zone, empty for none."""
        return self.labels.get("topology.kubernetes.io/zone", "")


@dataclass(frozen=True, slots=True)
class Cluster:
    """What was read from the objects, and what the cluster's controllers would add.

    Args:
        notes: what was assigned, skipped or found missing.
    """

    services: tuple[Service, ...] = ()
    endpoints: Sequence[Endpoints] = ()
    slices: tuple[EndpointSlice, ...] = ()
    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    nodes: tuple[Node, ...] = ()
    notes: tuple[Diagnostic, ...] = field(default=(), compare=False)
