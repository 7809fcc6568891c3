"""The endpoint controllers at work: Endpoints and EndpointSlices for every Service of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import overload

from iptc_sim.diagnostics import Diagnostic, Severity
from iptc_sim.kube.fields import family_of
from iptc_sim.kube.make_endpoints import (
    ENDPOINTS_SIZE,
    families_of,
    lost_node,
    make_endpoints,
    make_slices,
    repacked,
    resolved_ports,
    truncated,
)
from iptc_sim.kube.near import near_labels, selector_text
from iptc_sim.kube.objects import Cluster, Endpoint, EndpointPort, Endpoints, EndpointSlice, Pod, Service, Subset
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
    endpoints: list[Endpoints] = []
    pods: dict[str, list[Pod]] = {}
    for pod in cluster.pods:
        pods.setdefault(pod.namespace, []).append(pod)
    notes = list(cluster.notes)
    known = with_slices | with_endpoints
    for service in cluster.services:
        if service.type == "ExternalName" or (service.namespace, service.name) in known:
            continue
        own = pods.get(service.namespace, [])
        chosen = selected(service, own)
        made = make_slices(service, chosen, cluster.nodes, settings) if service.selector else []
        slices += made
        if service.selector:
            endpoints.append(make_endpoints(service, chosen, settings))
        notes += _notes(service, own, chosen, made, cluster)

    def every() -> Iterator[Endpoints]:
        first_families = {(item.namespace, item.name): families_of(item, settings)[0] for item in cluster.services}
        yield from cluster.endpoints
        yield from _gathered(cluster.slices, with_endpoints, first_families)
        yield from endpoints

    return replace(cluster, slices=tuple(slices), endpoints=LaterEndpoints(every), notes=tuple(notes))


class LaterEndpoints(Sequence[Endpoints]):
    """Endpoints that are made once somebody looks at them: kube-proxy from 1.22 on never does.

    Args:
        make: makes them.
    """

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Iterable[Endpoints]]) -> None:
        self._make = make
        self._made: tuple[Endpoints, ...] | None = None

    def _all(self) -> tuple[Endpoints, ...]:
        if self._made is None:
            self._made = tuple(self._make())
        return self._made

    @overload
    def __getitem__(self, index: int) -> Endpoints: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Endpoints, ...]: ...

    def __getitem__(self, index: int | slice) -> Endpoints | tuple[Endpoints, ...]:
        return self._all()[index]

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Endpoints]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._all())


def selected(service: Service, pods: Iterable[Pod]) -> list[Pod]:
    """Return the pods that a Service's selector fits; none where it has no selector."""
    wanted = service.selector.items()
    return [pod for pod in pods if wanted <= pod.labels.items()] if wanted else []


def _mirrored(endpoints: Iterable[Endpoints], known: set[Key]) -> Iterator[EndpointSlice]:
    """Yield slices for Endpoints that have none: one per subset and family (pkg/controller/endpointslicemirroring)."""
    for item in endpoints:
        if (item.namespace, item.name) in known:
            continue
        for subset in item.subsets:
            by_family: dict[Family | None, list[Endpoint]] = {}
            for endpoint in (*subset.ready, *subset.not_ready):
                by_family.setdefault(family_of(endpoint.address), []).append(endpoint)
            for family, found in by_family.items():
                name = f"{item.name}-mirrored"
                yield EndpointSlice(item.namespace, item.name, subset.ports, tuple(found), name, family, item.unwatched)


def _gathered(
    slices: Iterable[EndpointSlice], known: set[Key], first_families: Mapping[Key, Family]
) -> Iterator[Endpoints]:
    """Yield the Endpoints that a cluster with these slices would have too: old releases read only those."""
    parts: dict[Key, list[EndpointSlice]] = {}
    for item in slices:
        key = (item.namespace, item.service)
        if key not in known:
            found = parts.setdefault(key, [])
            if item.family is None or item.family == first_families.get(key, item.family):
                found.append(item)
    for (namespace, name), found in parts.items():
        if len(found) == 1 and (plain := _plain_subset(found[0])):
            yield Endpoints(namespace, name, (plain,), unwatched=found[0].unwatched)
            continue
        addresses: list[tuple[tuple[EndpointPort, ...], Endpoint]] = [
            (item.ports, endpoint) for item in found for endpoint in item.endpoints if _is_listed(endpoint)
        ]
        unwatched = any(item.unwatched for item in found)
        yield truncated(Endpoints(namespace, name, repacked(addresses), unwatched=unwatched))


def _plain_subset(item: EndpointSlice) -> Subset | None:
    """Return a slice as one subset; None where more than reordering it is called for."""
    endpoints = item.endpoints
    addresses = {endpoint.address for endpoint in endpoints if endpoint.ready}
    if not addresses or len(addresses) < len(endpoints) or len(endpoints) > ENDPOINTS_SIZE:
        return None
    return Subset(item.ports, tuple(sorted(endpoints)))  # by address, which no two share


def _is_listed(endpoint: Endpoint) -> bool:
    """Whether an Endpoints object has it too: pods that terminate are in slices only, unless published as ready."""
    return endpoint.ready or not endpoint.terminating


def _notes(
    service: Service, pods: Sequence[Pod], chosen: Sequence[Pod], slices: Sequence[EndpointSlice], cluster: Cluster
) -> Iterator[Diagnostic]:
    """Yield what to say about a Service without endpoints, or with fewer than it has pods."""
    nodes = {node.name: node for node in cluster.nodes}
    lost = [] if service.publish_not_ready else [pod for pod in chosen if lost_node(pod, nodes)]
    name = f"Service {service.namespace}/{service.name}"
    if lost:
        places = ", ".join(sorted({pod.node for pod in lost})[:3])
        count = f"{len(lost)} pod{'s' if len(lost) > 1 else ''}"
        message = f"{name} does without {count} on a node that is not among the Nodes given: {places}"
        hint = "give all Nodes or none"
        yield Diagnostic("IPT052", message, Severity.NOTE, subject=service.label, hint=hint)
    serving = (item for item in slices if item.ports or not service.ports)
    if lost or any(endpoint.ready for item in serving for endpoint in item.endpoints):
        return
    reason, hint = why_none(service, pods, chosen)
    yield Diagnostic("IPT052", f"{name} has no endpoints: {reason}", Severity.NOTE, subject=service.label, hint=hint)


def why_none(service: Service, pods: Sequence[Pod], chosen: Sequence[Pod]) -> tuple[str, str]:
    """Return why a Service has no endpoints, and what helps.

    Args:
        service: a Service for which no Endpoints or EndpointSlice is given.
        pods: those of its namespace.
        chosen: those that its selector fits.
    """
    if not service.selector:
        return "it has no selector, and no Endpoints or EndpointSlice of its name is given", ""
    text = selector_text(service.selector)
    if chosen:
        return f"{_why_unused(service, chosen)} (selector {text})", ""
    near = near_labels(service.selector, pods)
    reason = f"no pod matches selector {text}"
    reason += f"; near: {near}" if near else _nothing_near(service, pods)
    return reason, "the labels of the pod template and the Service's selector have to agree" if near else ""


def _nothing_near(service: Service, pods: Sequence[Pod]) -> str:
    labels: Mapping[str, str] = pods[0].labels if pods else {}
    if labels:
        return f"; its namespace has pods with {selector_text(labels)}"
    return f"; there is no pod in namespace {service.namespace}" if not pods else ""


def _why_unused(service: Service, pods: Sequence[Pod]) -> str:
    usable = [pod for pod in pods if pod.addresses and not pod.is_over]
    count = f"{len(pods)} pod{'s' if len(pods) > 1 else ''} matched"
    if not usable:
        return f"{count}, but none of them runs and has an address"
    if not any(resolved_ports(service, pod) for pod in usable):
        names = ", ".join(str(port.target_port) for port in service.ports)
        return f"{count}, but no container has a port called {names}"
    return f"{count}, but none of them is ready"
