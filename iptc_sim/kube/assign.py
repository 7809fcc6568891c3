"""What the API server would assign: cluster IPs and node ports. What pods get is in :mod:`iptc_sim.kube.make_pods`.

Everything is a function of the objects alone, so that the same files give the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Final

from iptc_sim.diagnostics import Diagnostic, Severity, UsageError
from iptc_sim.kube.make_pods import make_pods
from iptc_sim.kube.objects import Cluster, Service, ServicePort
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
    pods, pod_notes = make_pods(cluster, settings)
    notes = (*cluster.notes, *service_notes, *pod_notes)
    return replace(cluster, services=services, pods=pods, notes=notes)


def _assign_services(services: tuple[Service, ...], settings: Settings) -> tuple[tuple[Service, ...], list[Diagnostic]]:
    if not any(map(_lacks_address, services)):
        return services, []
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
        if _lacks_address(service):
            found = _with_cluster_ip(service, settings, addresses)
            if service.cluster_ip is None:
                found = _with_node_ports(found, ports)
            notes.append(_service_note(found))
        done[service.namespace, service.name] = found
    return tuple(done[service.namespace, service.name] for service in services), notes


def _fixed_addresses(service: Service) -> Iterator[str]:
    for text in (service.cluster_ip or "", *service.cluster_ips):
        if text not in {"", "None"}:
            yield text


def _lacks_address(service: Service) -> bool:
    """Whether it was never stored, or asks for a second family without saying which address it has there."""
    if service.type == "ExternalName":
        return False
    wanted = len(service.ip_families)
    return service.cluster_ip is None or (not service.is_headless and len(service.cluster_ips or ("",)) < wanted)


def _with_cluster_ip(service: Service, settings: Settings, pool: _Pool) -> Service:
    families = service.ip_families or (settings.family,)
    found = list(service.cluster_ips or filter(None, (service.cluster_ip,)))
    if service.dual_stack and len(families) == 1:
        families = (families[0], Family.IPV6 if families[0] is Family.IPV4 else Family.IPV4)
    for family in families[len(found) :]:
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
