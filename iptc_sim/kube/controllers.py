"""The endpoint controllers: Services and Pods to Endpoints and EndpointSlices (pkg/controller)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from iptc_sim.diagnostics import Diagnostic, Severity
from iptc_sim.kube.assign import family_of_service
from iptc_sim.kube.fields import family_of
from iptc_sim.kube.near import near_labels, selector_text
from iptc_sim.kube.objects import (
    Cluster,
    Endpoint,
    EndpointPort,
    Endpoints,
    EndpointSlice,
    Pod,
    Service,
    ServicePort,
    Subset,
)
from iptc_sim.kube.settings import Settings
from iptc_sim.records import replace
from iptc_sim.values import Family

Key = tuple[str, str]


def run_controllers(cluster: Cluster, settings: Settings) -> Cluster:
    """Return the cluster with Endpoints and EndpointSlices for every Service.

    Objects that were given win: where one of the two kinds is given for a Service, the other is made from it,
    otherwise both are made from the pods that the selector fits. A Service that ends up without endpoints
    gets a note (IPT052).

    Args:
        cluster: objects with their addresses assigned.
        settings: the family of Services that don't tell one.
    """
    with_slices = {(item.namespace, item.service) for item in cluster.slices}
    with_endpoints = {(item.namespace, item.name) for item in cluster.endpoints}
    slices = [*cluster.slices, *_mirrored(cluster.endpoints, with_slices)]
    endpoints = [*cluster.endpoints, *_gathered(cluster.slices, with_endpoints)]
    pods: dict[str, list[Pod]] = {}
    for pod in cluster.pods:
        pods.setdefault(pod.namespace, []).append(pod)
    notes = list(cluster.notes)
    known = with_slices | with_endpoints
    for service in cluster.services:
        if service.type == "ExternalName" or (service.namespace, service.name) in known:
            continue
        own = pods.get(service.namespace, [])
        chosen = _selected(service, own)
        made = _slices_of(service, chosen, settings)
        slices += made
        endpoints += _endpoints_of(service, chosen, settings)
        if note := _note(service, own, chosen, made):
            notes.append(note)
    return replace(cluster, slices=tuple(slices), endpoints=tuple(endpoints), notes=tuple(notes))


def _selected(service: Service, pods: Iterable[Pod]) -> list[Pod]:
    wanted = service.selector.items()
    return [pod for pod in pods if wanted <= pod.labels.items()] if wanted else []


def _usable(pods: Iterable[Pod]) -> list[Pod]:
    return [pod for pod in pods if pod.phase not in {"Succeeded", "Failed"} and pod.addresses]


def _resolved(service: Service, pod: Pod) -> tuple[EndpointPort, ...]:
    """Return the Service's ports as the pod serves them, without those whose target it does not name."""
    return tuple(
        EndpointPort(port.name, port.protocol, number) for port in service.ports if (number := _target(port, pod))
    )


def _target(port: ServicePort, pod: Pod) -> int | None:
    if isinstance(port.target_port, int):
        return port.target_port
    wanted = (port.target_port, port.protocol)
    return next((item.port for item in pod.ports if (item.name, item.protocol) == wanted), None)


def _slices_of(service: Service, pods: Sequence[Pod], settings: Settings) -> list[EndpointSlice]:
    """Return one slice per family and list of ports, as the EndpointSlice controller groups them."""
    made: list[EndpointSlice] = []
    for family in family_of_service(service, settings):
        groups: dict[tuple[EndpointPort, ...], list[Endpoint]] = {}
        for pod in _usable(pods):
            address = _address(pod, family)
            if address:
                ready = service.publish_not_ready or (pod.ready and not pod.terminating)
                endpoint = Endpoint(address, ready, pod.ready, pod.terminating, pod.node)
                groups.setdefault(_resolved(service, pod), []).append(endpoint)
        for ports, endpoints in groups.items():
            name = f"{service.name}-{len(made) + 1}"
            made.append(EndpointSlice(service.namespace, service.name, ports, tuple(endpoints), name))
    return made


def _endpoints_of(service: Service, pods: Sequence[Pod], settings: Settings) -> list[Endpoints]:
    """Return the Endpoints object: one subset per list of ports, addresses by the order of their texts."""
    if not service.selector:
        return []
    family = family_of_service(service, settings)[0]
    groups: dict[tuple[EndpointPort, ...], list[Endpoint]] = {}
    for pod in _usable(pods):
        address = _address(pod, family)
        if address and (service.publish_not_ready or not pod.terminating):
            ready = service.publish_not_ready or pod.ready
            groups.setdefault(_resolved(service, pod), []).append(Endpoint(address, ready, ready, node=pod.node))
    subsets = tuple(_subset(ports, sorted(found, key=lambda item: item.address)) for ports, found in groups.items())
    return [Endpoints(service.namespace, service.name, subsets)]


def _subset(ports: tuple[EndpointPort, ...], endpoints: Iterable[Endpoint]) -> Subset:
    found = tuple(endpoints)
    ready = tuple(item for item in found if item.ready)
    return Subset(ports, ready, tuple(item for item in found if not item.ready))


def _address(pod: Pod, family: Family) -> str:
    return next((address for address in pod.addresses if family_of(address) == family), "")


def _mirrored(endpoints: Iterable[Endpoints], known: set[Key]) -> Iterator[EndpointSlice]:
    """Yield slices for Endpoints that have none (pkg/controller/endpointslicemirroring)."""
    for item in endpoints:
        if (item.namespace, item.name) in known:
            continue
        for subset in item.subsets:
            found = (*subset.ready, *subset.not_ready)
            yield EndpointSlice(item.namespace, item.name, subset.ports, found, f"{item.name}-mirrored")


def _gathered(slices: Iterable[EndpointSlice], known: set[Key]) -> Iterator[Endpoints]:
    """Yield the Endpoints that a cluster with these slices would have too: old releases read only those."""
    subsets: dict[Key, list[Subset]] = {}
    for item in slices:
        key = (item.namespace, item.service)
        if key not in known:
            ordered = sorted(item.endpoints, key=lambda endpoint: endpoint.address)
            subsets.setdefault(key, []).append(_subset(item.ports, ordered))
    for (namespace, name), found in subsets.items():
        yield Endpoints(namespace, name, tuple(found))


def _note(
    service: Service, pods: Sequence[Pod], chosen: Sequence[Pod], slices: Sequence[EndpointSlice]
) -> Diagnostic | None:
    """Return what to say about a Service without endpoints; None where it has some."""
    serving = (item for item in slices if item.ports or not service.ports)
    if any(endpoint.ready for item in serving for endpoint in item.endpoints):
        return None
    hint = ""
    if not service.selector:
        reason = "it has no selector, and no Endpoints or EndpointSlice of its name is given"
    elif chosen:
        reason = f"{_why_unused(service, chosen)} (selector {selector_text(service.selector)})"
    else:
        near = near_labels(service.selector, pods)
        reason = f"no pod matches selector {selector_text(service.selector)}"
        reason += f"; near: {near}" if near else _nothing_near(service, pods)
        hint = "the labels of the pod template and the Service's selector have to agree" if near else ""
    message = f"Service {service.namespace}/{service.name} has no endpoints: {reason}"
    return Diagnostic("IPT052", message, Severity.NOTE, subject=service.label, hint=hint)


def _nothing_near(service: Service, pods: Sequence[Pod]) -> str:
    labels: Mapping[str, str] = pods[0].labels if pods else {}
    if labels:
        return f"; its namespace has pods with {selector_text(labels)}"
    return f"; there is no pod in namespace {service.namespace}" if not pods else ""


def _why_unused(service: Service, pods: Sequence[Pod]) -> str:
    usable = _usable(pods)
    count = f"{len(pods)} pod{'s' if len(pods) > 1 else ''} matched"
    if not usable:
        return f"{count}, but none of them runs and has an address"
    if not any(_resolved(service, pod) for pod in usable):
        names = ", ".join(str(port.target_port) for port in service.ports)
        return f"{count}, but no container has a port called {names}"
    return f"{count}, but none of them is ready"
