"""Which service ports and endpoints count (kube-proxy: ServicePortMap, EndpointsMap, CategorizeEndpoints)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from iptc_sim.kube.fields import family_of
from iptc_sim.kube.names import endpoint_text, service_hash, service_port_name
from iptc_sim.kube.objects import Cluster, Endpoint, EndpointPort, Service, ServicePort
from iptc_sim.kube.settings import Settings
from iptc_sim.records import dataclass

_HINT_ANNOTATIONS = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode")


@dataclass(frozen=True, slots=True)
class Backend:
    """An endpoint of one service port.

    Args:
        text: ``ADDRESS:PORT``, IPv6 in brackets.
        address: the address alone.
        local: whether it is on the proxy's node.
    """

    text: str
    address: str
    ready: bool
    serving: bool
    terminating: bool
    local: bool
    zones: tuple[str, ...]

    @property
    def winds_down(self) -> bool:
        """Whether it still serves while its pod ends."""
        return self.serving and self.terminating


@dataclass(frozen=True, slots=True)
class Portal:
    """A service port in one family: everything that its rules depend on.

    Args:
        name: the service port name, ``default/web:http``.
        label: the same without a trailing colon, for people.
        protocol: in lower case.
        hash: what its chains' names end in.
        external_ips: those of the family, in the object's order.
        balancer_ips: the load balancer's.
        backends: every known endpoint, ready or not, in the order of the rules.
        hints_allowed: whether the Service's annotation lets topology hints count.
    """

    name: str
    label: str
    protocol: str
    hash: str
    cluster_ip: str
    port: int
    node_port: int
    external_ips: tuple[str, ...]
    balancer_ips: tuple[str, ...]
    source_ranges: tuple[str, ...]
    internal_local: bool
    external_local: bool
    health_check_node_port: int
    affinity_seconds: int
    hints_allowed: bool
    backends: tuple[Backend, ...]

    @property
    def is_external(self) -> bool:
        """Whether it is reached by more than its cluster IP (kube-proxy: ExternallyAccessible)."""
        return bool(self.node_port or self.balancer_ips or self.external_ips)


@dataclass(frozen=True, slots=True)
class Choice:
    """The endpoints that the rules of a service port use.

    Args:
        cluster: for traffic that may go to any node.
        local: for traffic that has to stay on the node.
        reachable: those that are in one of the two.
        exists: whether there is an endpoint at all, here or elsewhere.
    """

    cluster: tuple[Backend, ...]
    local: tuple[Backend, ...]
    reachable: tuple[Backend, ...]
    exists: bool


def portals(cluster: Cluster, settings: Settings) -> list[Portal]:
    """Return the service ports that have rules, by name; kube-proxy's own order is random.

    Args:
        cluster: objects with addresses and endpoints.
        settings: the family and node to look from.
    """
    find = _slices(cluster, settings) if settings.kube_proxy.reads_slices else _endpoints(cluster, settings)
    found: list[Portal] = []
    for service in cluster.services:
        address = service.address(settings.family)
        if service.type != "ExternalName" and address:
            ports = find.get((service.namespace, service.name), {})
            shared = _shared(service, address, settings)
            found += [_portal(service, port, shared, ports, settings) for port in service.ports]
    return sorted(found, key=lambda portal: (portal.name, portal.protocol))


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the ports of a Service have in common."""

    cluster_ip: str
    external_ips: tuple[str, ...]
    balancer_ips: tuple[str, ...]
    source_ranges: tuple[str, ...]
    external_local: bool
    internal_local: bool
    hints_allowed: bool


def _shared(service: Service, address: str, settings: Settings) -> _Shared:
    def own(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(text for text in texts if family_of(text.partition("/")[0]) == settings.family)

    annotation = next((service.annotations[key] for key in _HINT_ANNOTATIONS if key in service.annotations), "")
    return _Shared(
        cluster_ip=address,
        external_ips=own(service.external_ips),
        balancer_ips=own(service.ingress_ips),
        source_ranges=own(service.source_ranges),
        external_local=service.external_traffic_policy == "Local" and service.type in {"NodePort", "LoadBalancer"},
        # Releases before slices know neither internalTrafficPolicy nor hints.
        internal_local=service.internal_traffic_policy == "Local" and settings.kube_proxy.reads_slices,
        hints_allowed=annotation not in {"", "disabled", "Disabled"},
    )


_Backends = Mapping[tuple[str, str], Sequence[Backend]]


def _portal(service: Service, port: ServicePort, shared: _Shared, ports: _Backends, settings: Settings) -> Portal:
    name = service_port_name(service.namespace, service.name, port.name, always_colon=settings.kube_proxy.always_colon)
    protocol = port.protocol.lower()
    checks = service.type == "LoadBalancer" and shared.external_local
    key = (port.name, port.protocol if settings.kube_proxy.joins_by_protocol else "")
    return Portal(
        name=name,
        label=name.removesuffix(":"),
        protocol=protocol,
        hash=service_hash(name, protocol),
        cluster_ip=shared.cluster_ip,
        port=port.port,
        node_port=port.node_port,
        external_ips=shared.external_ips,
        balancer_ips=shared.balancer_ips,
        source_ranges=shared.source_ranges,
        internal_local=shared.internal_local,
        external_local=shared.external_local,
        health_check_node_port=service.health_check_node_port if checks else 0,
        affinity_seconds=service.affinity_seconds,
        hints_allowed=shared.hints_allowed,
        backends=tuple(ports.get(key, ())),
    )


_Found = dict[tuple[str, str], dict[tuple[str, str], list[Backend]]]


def _slices(cluster: Cluster, settings: Settings) -> _Found:
    """Return the endpoints of every Service by port name and protocol, from slices.

    They are sorted by their text. Of several with the same text the first counts, unless a later one is local
    (EndpointSliceCache: addEndpoints).
    """
    merged: dict[tuple[str, str], dict[tuple[str, str], dict[str, Backend]]] = {}
    for item in cluster.slices:
        ports = merged.setdefault((item.namespace, item.service), {})
        endpoints = [endpoint for endpoint in item.endpoints if family_of(endpoint.address) == settings.family]
        for port in item.ports:
            known = ports.setdefault((port.name, port.protocol), {})
            for endpoint in endpoints:
                backend = _backend(endpoint, port, settings)
                if backend.text not in known or backend.local:
                    known[backend.text] = backend
    return {
        service: {port: [known[text] for text in sorted(known)] for port, known in ports.items()}
        for service, ports in merged.items()
    }


def _endpoints(cluster: Cluster, settings: Settings) -> _Found:
    """Return the same from Endpoints objects: ready addresses, in stored order, joined by port name alone."""
    found: _Found = {}
    for item in cluster.endpoints:
        ports = found.setdefault((item.namespace, item.name), {})
        for subset in item.subsets:
            for port in subset.ports:
                ports.setdefault((port.name, ""), []).extend(
                    _backend(endpoint, port, settings)
                    for endpoint in subset.ready
                    if family_of(endpoint.address) == settings.family
                )
    return found


def _backend(endpoint: Endpoint, port: EndpointPort, settings: Settings) -> Backend:
    return Backend(
        text=endpoint_text(endpoint.address, port.port),
        address=endpoint.address,
        ready=endpoint.ready,
        serving=endpoint.serving,
        terminating=endpoint.terminating,
        local=bool(endpoint.node) and endpoint.node == settings.hostname_override,
        zones=endpoint.zones,
    )


def choose(portal: Portal, zone: str) -> Choice:
    """Return the endpoints that count for a service port (kube-proxy 1.26 on, CategorizeEndpoints).

    Traffic under the Cluster policy goes to ready endpoints, narrowed by topology hints; under the Local
    policy to ready ones on the node. Each falls back, by itself, to endpoints that
    still serve while they terminate.

    Args:
        portal: the service port with all its endpoints.
        zone: the node's zone, empty where it has none.
    """
    backends = portal.backends
    uses_cluster = not portal.internal_local or portal.is_external
    uses_local = portal.internal_local or (portal.external_local and portal.is_external)
    cluster: tuple[Backend, ...] = ()
    narrowed = False
    exists = False
    if uses_cluster:
        ready = tuple(item for item in backends if item.ready)
        cluster = _hinted(portal, ready, zone)
        narrowed = len(cluster) != len(ready)
        # Without any ready endpoint the ones that wind down take over, wherever they are.
        cluster = cluster or tuple(item for item in backends if item.winds_down)
        exists = bool(cluster)
    if not uses_local:
        return Choice(cluster, (), cluster, exists)
    local = tuple(item for item in backends if item.local and item.ready)
    winding_down = False
    if not local:
        local = tuple(item for item in backends if item.local and item.winds_down)
        winding_down = bool(local)
    exists = exists or any(item.ready or item.winds_down for item in backends)
    if not uses_cluster:
        return Choice((), local, local, exists)
    if not narrowed and not winding_down:
        return Choice(cluster, local, cluster, exists)
    union = {item.text: item for item in (*cluster, *local)}
    return Choice(cluster, local, tuple(union[text] for text in sorted(union)), exists)


def _hinted(portal: Portal, ready: tuple[Backend, ...], zone: str) -> tuple[Backend, ...]:
    """Return the endpoints hinted for the zone; all, unless every one has a hint and one is for the zone."""
    if not portal.hints_allowed or not zone or not all(item.zones for item in ready):
        return ready
    return tuple(item for item in ready if zone in item.zones) or ready
