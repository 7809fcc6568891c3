"""What the endpoint controllers write for a Service: EndpointSlices, and the Endpoints object (pkg/controller)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from iptc_sim.kube.fields import family_of
from iptc_sim.kube.hints import add_hints
from iptc_sim.kube.objects import (
    Endpoint,
    EndpointPort,
    Endpoints,
    EndpointSlice,
    Node,
    Pod,
    Service,
    ServicePort,
    Subset,
)
from iptc_sim.kube.settings import Settings
from iptc_sim.records import replace
from iptc_sim.values import Family

#: The controllers' bounds: --max-endpoints-per-slice, and maxCapacity of the Endpoints controller.
SLICE_SIZE: Final = 100
ENDPOINTS_SIZE: Final = 1000


def make_slices(
    service: Service, pods: Sequence[Pod], nodes: Sequence[Node], settings: Settings
) -> list[EndpointSlice]:
    """Return the slices of a Service: per family and list of ports, at most 100 endpoints each.

    A Service without pods has one slice without ports and endpoints, as a place holder.

    Args:
        service: a Service with a selector.
        pods: the pods that the selector fits.
        nodes: the nodes, for zones; pods of others are left out unless none is given.
        settings: the family of a Service that tells none.
    """
    made: list[EndpointSlice] = []
    known = {node.name: node for node in nodes}
    for family in families_of(service, settings, pods):
        groups: dict[tuple[EndpointPort, ...], list[Endpoint]] = {}
        for pod in pods:
            address = pod_address(pod, family)
            if address and not pod.is_over and (service.publish_not_ready or not lost_node(pod, known)):
                groups.setdefault(resolved_ports(service, pod), []).append(_endpoint(service, pod, address, known))
        hinted = iter(add_hints(service, [item for found in groups.values() for item in found], nodes))
        for ports, endpoints in (groups or {(): []}).items():
            found = [next(hinted) for _ in endpoints]
            for start in range(0, len(found) or 1, SLICE_SIZE):
                part = tuple(found[start : start + SLICE_SIZE])
                name = f"{service.name}-{len(made) + 1}"
                made.append(
                    EndpointSlice(service.namespace, service.name, ports, part, name, family, service.is_headless)
                )
    return made


def _endpoint(service: Service, pod: Pod, address: str, nodes: dict[str, Node]) -> Endpoint:
    node = nodes.get(pod.node)
    return Endpoint(
        address=address,
        ready=service.publish_not_ready or (pod.ready and not pod.terminating),
        serving=pod.ready,
        terminating=pod.terminating,
        node=pod.node,
        zone=node.zone if node else "",
        hostname=_hostname(service, pod),
        target=f"Pod {pod.name}",
    )


def make_endpoints(service: Service, pods: Sequence[Pod], settings: Settings) -> Endpoints:
    """Return the Endpoints object of a Service, of its first family.

    Args:
        service: a Service with a selector.
        pods: the pods that the selector fits.
        settings: the family of a Service that tells none.
    """
    family = families_of(service, settings, pods)[0]
    found: list[tuple[tuple[EndpointPort, ...], Endpoint]] = []
    for pod in sorted(pods, key=lambda item: item.uid):
        address = pod_address(pod, family)
        if not address or pod.is_over or (pod.terminating and not service.publish_not_ready):
            continue
        ready = service.publish_not_ready or pod.ready
        endpoint = Endpoint(
            address, ready, ready, node=pod.node, hostname=_hostname(service, pod), target=f"Pod {pod.name}"
        )
        ports = resolved_ports(service, pod)
        if ports or not service.ports:
            found.append((ports, endpoint))
    return truncated(Endpoints(service.namespace, service.name, repacked(found), unwatched=service.is_headless))


def repacked(found: Iterable[tuple[tuple[EndpointPort, ...], Endpoint]]) -> tuple[Subset, ...]:
    """Return addresses and their ports as subsets: ports that have the same addresses share one.

    Addresses are ordered by their texts; ports and subsets, which the API orders by a hash, as they come
    (api/v1/endpoints: RepackSubsets).
    """
    by_port: dict[EndpointPort | None, dict[str, Endpoint]] = {}
    for ports, endpoint in found:
        for port in ports or (None,):
            addresses = by_port.setdefault(port, {})
            if endpoint.address not in addresses or endpoint.ready:
                addresses[endpoint.address] = endpoint
    groups: dict[tuple[tuple[str, bool], ...], tuple[list[EndpointPort], list[Endpoint]]] = {}
    for port, addresses in by_port.items():
        members = sorted(addresses.values(), key=lambda item: item.address)
        key = tuple((item.address, item.ready) for item in members)
        groups.setdefault(key, ([], members))[0].extend([port] if port else [])
    return tuple(subset_of(tuple(ports), members) for ports, members in groups.values())


def subset_of(ports: tuple[EndpointPort, ...], endpoints: Iterable[Endpoint]) -> Subset:
    """Return a subset with its addresses told apart by readiness."""
    found = tuple(endpoints)
    ready = tuple(item for item in found if item.ready)
    return Subset(ports, ready, tuple(item for item in found if not item.ready))


def truncated(endpoints: Endpoints) -> Endpoints:
    """Return Endpoints with at most 1000 addresses, the ready ones first."""
    room = ENDPOINTS_SIZE
    if sum(len(subset.ready) + len(subset.not_ready) for subset in endpoints.subsets) <= room:
        return endpoints
    ready: list[tuple[Endpoint, ...]] = []
    for subset in endpoints.subsets:
        ready.append(subset.ready[:room])
        room -= len(ready[-1])
    subsets: list[Subset] = []
    for subset, kept in zip(endpoints.subsets, ready, strict=True):
        others = subset.not_ready[:room]
        room -= len(others)
        subsets.append(Subset(subset.ports, kept, others))
    return replace(endpoints, subsets=tuple(subsets), truncated=True)


def families_of(service: Service, settings: Settings, pods: Sequence[Pod] = ()) -> tuple[Family, ...]:
    """Return the families that a Service's endpoints are wanted in, its first one first.

    A headless Service that tells none takes the first pod's.
    """
    if service.ip_families:
        return service.ip_families
    texts = (service.cluster_ip or "", *(pod.addresses[0] for pod in pods if pod.addresses))
    return (next(filter(None, map(family_of, texts)), settings.family),)


def pod_address(pod: Pod, family: Family) -> str:
    """Return a pod's first address of a family, empty for none."""
    return next((address for address in pod.addresses if family_of(address) == family), "")


def lost_node(pod: Pod, nodes: dict[str, Node]) -> bool:
    """Whether a pod is bound to a node that is not among those given."""
    return bool(nodes) and bool(pod.node) and pod.node not in nodes


def resolved_ports(service: Service, pod: Pod) -> tuple[EndpointPort, ...]:
    """Return the Service's ports as the pod serves them, without those whose target it does not name."""
    return tuple(
        EndpointPort(port.name, port.protocol, number) for port in service.ports if (number := target_of(port, pod))
    )


def target_of(port: ServicePort, pod: Pod) -> int | None:
    """Return the number that a pod serves a Service's port on; None where no container has a port of that name."""
    if isinstance(port.target_port, int):
        return port.target_port
    wanted = (port.target_port, port.protocol)
    return next((item.port for item in pod.ports if (item.name, item.protocol) == wanted), None)


def _hostname(service: Service, pod: Pod) -> str:
    """Return the name that a pod has below its Service: only one that asks for it by ``subdomain`` has any."""
    return pod.spec.hostname if pod.spec.subdomain == service.name else ""
