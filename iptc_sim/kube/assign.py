"""What the API server and the pod network would assign: cluster IPs, node ports, pods and theirs.

Everything is a function of the objects alone, so that the same files give the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Final

from iptc_sim.diagnostics import Diagnostic, Severity, UsageError
from iptc_sim.kube.fields import family_of
from iptc_sim.kube.objects import Cluster, Deployment, Pod, Service, ServicePort
from iptc_sim.kube.settings import Settings
from iptc_sim.records import replace
from iptc_sim.values import Family

#: The API server's default --service-node-port-range.
NODE_PORTS: Final = range(30000, 32768)


def assign_addresses(cluster: Cluster, settings: Settings) -> Cluster:
    """Return the cluster with every address and node port that it lacks, each with a note (IPT053).

    A Service without ``clusterIP`` was never stored: it gets one, and its node ports too. A stored Service
    keeps what it has, because kube-proxy takes a missing node port as none.

    Raises:
        UsageError: IPT054, a range has no address left.
    """
    services, service_notes = _assign_services(cluster.services, settings)
    pods, pod_notes = _assign_pods(cluster, settings)
    notes = (*cluster.notes, *service_notes, *pod_notes)
    return replace(cluster, services=services, pods=pods, notes=notes)


def _assign_services(services: tuple[Service, ...], settings: Settings) -> tuple[tuple[Service, ...], list[Diagnostic]]:
    addresses = _Pool("--service-cluster-ip-range")
    addresses.taken |= {int(ip_address(text)) for service in services for text in _fixed_addresses(service)}
    ports = _Pool("the node port range")
    ports.taken |= {port.node_port for service in services for port in service.ports}
    ports.taken |= {service.health_check_node_port for service in services}
    notes: list[Diagnostic] = []
    done: dict[tuple[str, str], Service] = {}
    # By name, so that the order of the files doesn't decide who moves on when two hashes meet.
    for service in sorted(services, key=lambda item: (item.namespace, item.name)):
        found = service
        if service.type != "ExternalName" and service.cluster_ip is None:
            found = _with_node_ports(_with_cluster_ip(service, settings, addresses), ports)
            notes.append(_service_note(found))
        done[service.namespace, service.name] = found
    return tuple(done[service.namespace, service.name] for service in services), notes


def _fixed_addresses(service: Service) -> Iterator[str]:
    for text in (service.cluster_ip or "", *service.cluster_ips):
        if text not in {"", "None"}:
            yield text


def _with_cluster_ip(service: Service, settings: Settings, pool: _Pool) -> Service:
    families = service.ip_families or (settings.family,)
    if service.dual_stack and len(families) == 1:
        families = (families[0], Family.IPV6 if families[0] is Family.IPV4 else Family.IPV4)
    found: list[str] = []
    for family in families:
        network = ip_network(settings.service_range(family), strict=False)
        base = int(network.network_address)
        # The first address belongs to the Service kubernetes; the range's own and the last are unused.
        first, last = base + 2, base + network.num_addresses - (2 if family is Family.IPV4 else 1)
        if (service.namespace, service.name) == ("default", "kubernetes"):
            first = last = base + 1
        found.append(str(ip_address(pool.take(f"{service.namespace}/{service.name}", first, last))))
    return replace(service, cluster_ip=found[0], cluster_ips=tuple(found), ip_families=families)


def _with_node_ports(service: Service, pool: _Pool) -> Service:
    if service.type != "NodePort" and not (service.type == "LoadBalancer" and service.allocates_node_ports):
        return _with_health_check(service, pool)
    ports = tuple(
        port if port.node_port else replace(port, node_port=_node_port(service, port, pool)) for port in service.ports
    )
    return _with_health_check(replace(service, ports=ports), pool)


def _with_health_check(service: Service, pool: _Pool) -> Service:
    wanted = service.type == "LoadBalancer" and service.external_traffic_policy == "Local"
    if not wanted or service.health_check_node_port:
        return service
    key = f"{service.namespace}/{service.name} health check"
    return replace(service, health_check_node_port=pool.take(key, NODE_PORTS[0], NODE_PORTS[-1]))


def _node_port(service: Service, port: ServicePort, pool: _Pool) -> int:
    key = f"{service.namespace}/{service.name}:{port.name}/{port.protocol}"
    return pool.take(key, NODE_PORTS[0], NODE_PORTS[-1])


def _service_note(service: Service) -> Diagnostic:
    parts = [f"clusterIP {', '.join(service.cluster_ips)}"]
    parts += [f"nodePort {port.node_port} for port {port.port}" for port in service.ports if port.node_port]
    if service.health_check_node_port:
        parts.append(f"healthCheckNodePort {service.health_check_node_port}")
    message = f"Service {service.namespace}/{service.name} is taken to have {', '.join(parts)}"
    hint = "give the object as the cluster stores it (kubectl get service -o yaml) for the real ones"
    return Diagnostic("IPT053", message, Severity.NOTE, subject=service.label, hint=hint)


class _Pool:
    """Numbers given out by hash, without collisions.

    Args:
        flag: what to call it when it is exhausted.
    """

    def __init__(self, flag: str) -> None:
        self._flag = flag
        self.taken: set[int] = set()

    def take(self, key: str, first: int, last: int) -> int:
        """Return a free number from ``first`` to ``last``, always the same for a key while it is free.

        Raises:
            UsageError: IPT054, all of them are taken.
        """
        size = last - first + 1
        start = int.from_bytes(sha256(key.encode()).digest()[:8]) % size if size > 0 else 0
        # One step more than there are taken numbers finds a free one, if there is one.
        for step in range(min(size, len(self.taken) + 1)):
            number = first + (start + step) % size
            if number not in self.taken:
                self.taken.add(number)
                return number
        raise UsageError(
            Diagnostic("IPT054", f"nothing is left for {key}", subject=self._flag, expected="a larger range")
        )


def _assign_pods(cluster: Cluster, settings: Settings) -> tuple[tuple[Pod, ...], list[Diagnostic]]:
    free = _free_addresses(cluster, settings)
    notes: list[Diagnostic] = []
    pods: list[Pod] = []
    for pod in cluster.pods:
        if pod.is_plain:
            pods.append(replace(pod, addresses=(_next(free),), is_plain=False))
            notes.append(_pod_note(f"Pod {pod.namespace}/{pod.name} is", [pods[-1]]))
        else:
            pods.append(pod)
    given = _labels_by_namespace(cluster.pods)
    for deployment in cluster.deployments:
        # Pods that carry the template's labels are the Deployment's own (kubectl get all prints both).
        wanted = deployment.template.labels.items()
        if deployment.replicas and not any(wanted <= labels.items() for labels in given.get(deployment.namespace, ())):
            made = list(_pods_of(deployment, free))
            pods += made
            name = f"{deployment.namespace}/{deployment.name}"
            notes.append(_pod_note(f"the {len(made)} pods of Deployment {name} are", made))
    return tuple(pods), notes


def _labels_by_namespace(pods: Iterable[Pod]) -> dict[str, list[Mapping[str, str]]]:
    found: dict[str, list[Mapping[str, str]]] = {}
    for pod in pods:
        found.setdefault(pod.namespace, []).append(pod.labels)
    return found


def _free_addresses(cluster: Cluster, settings: Settings) -> Iterator[str]:
    """Yield the addresses of the pod range from .2 on that no object uses; .1 is the bridge's."""
    network = ip_network(settings.pod_range(settings.family), strict=False)
    used = {address for pod in cluster.pods for address in pod.addresses}
    used |= {item.address for part in cluster.slices for item in part.endpoints}
    used |= {
        item.address for entry in cluster.endpoints for part in entry.subsets for item in (*part.ready, *part.not_ready)
    }
    base = int(network.network_address)
    last = network.num_addresses - (1 if settings.family is Family.IPV4 else 0)
    for offset in range(2, last):
        text = str(ip_address(base + offset))
        if text not in used:
            yield text


def _next(free: Iterator[str]) -> str:
    for address in free:
        return address
    message = "the range has no address left for the pods"
    raise UsageError(Diagnostic("IPT054", message, subject="--pod-cidr", expected="a larger range"))


def _pods_of(deployment: Deployment, free: Iterator[str]) -> Iterator[Pod]:
    template = deployment.template
    mark = sha256(f"{deployment.namespace}/{deployment.name}".encode()).hexdigest()[:10]
    for number in range(1, deployment.replicas + 1):
        yield Pod(
            namespace=deployment.namespace,
            name=f"{deployment.name}-{mark}-{number}",
            labels=template.labels,
            ports=template.ports,
            addresses=(_next(free),),
            node=template.node,
            owner=f"Deployment {deployment.name}",
        )


def _pod_note(subject: str, pods: list[Pod]) -> Diagnostic:
    first, last = pods[0].addresses[0], pods[-1].addresses[0]
    where = first if first == last else f"{first} to {last}"
    hint = "give the Pods or EndpointSlices as the cluster stores them for the real ones"
    return Diagnostic("IPT053", f"{subject} taken to have {where}", Severity.NOTE, hint=hint)


def family_of_service(service: Service, settings: Settings) -> tuple[Family, ...]:
    """Return the families that a Service's endpoints are wanted in, its first one first."""
    if service.ip_families:
        return service.ip_families
    family = family_of(service.cluster_ip or "")
    return (family or settings.family,)
