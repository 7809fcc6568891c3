"""Which service ports and endpoints count (kube-proxy: ServicePortMap, EndpointsMap, CategorizeEndpoints).

The records here are named tuples: a large cluster has 30,000 of them, and they are made five times as quickly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from typing import Final, NamedTuple

from iptc_sim.kube.fields import family_of
from iptc_sim.kube.names import ENDPOINT_PREFIX, hashes, service_port_name
from iptc_sim.kube.objects import Cluster, Endpoint, Service, ServicePort
from iptc_sim.kube.releases import Era, Hints, InternalPolicy, RangeText, Release, Source
from iptc_sim.kube.settings import Settings
from iptc_sim.values import Family, Prefix

#: To ask the class for a member each time takes ten times as long (Python 3.11).
_XLB: Final = Era.XLB
_ALWAYS: Final = (Hints.ALWAYS, Hints.NODE_FIRST)
_NODE_FIRST: Final = Hints.NODE_FIRST
_NORMALISED: Final = RangeText.NORMALISED
_IGNORED: Final = InternalPolicy.IGNORED


class Backend(NamedTuple):
    """An endpoint of one service port.

    Args:
        text: ``ADDRESS:PORT``, IPv6 in brackets.
        chain: its KUBE-SEP chain.
        endpoint: its address and conditions.
        local: whether it is on the proxy's node.
    """

    text: str
    chain: str
    endpoint: Endpoint
    local: bool

    @property
    def address(self) -> str:
        """The address alone."""
        return self.endpoint.address

    @property
    def ready(self) -> bool:
        """Whether it takes new connections."""
        return self.endpoint.ready

    @property
    def winds_down(self) -> bool:
        """Whether it still serves while its pod ends."""
        return self.endpoint.serving and self.endpoint.terminating


class Portal(NamedTuple):
    """A service port in one family: everything that its rules depend on.

    Args:
        name: the service port name, ``default/web:http``.
        label: the same without a trailing colon, for people.
        protocol: in lower case.
        hash: what its chains' names end in.
        external_ips: those of the family, in the object's order.
        balancer_ips: the load balancer's.
        backends: every known endpoint, ready or not, in the order of the rules.
        hints_allowed: whether the Service lets topology hints count.
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


class Choice(NamedTuple):
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
    release = settings.kube_proxy
    find = _slices(cluster, settings) if release.source is Source.SLICES else _endpoints(cluster, settings)
    skips = settings.skip_foreign_proxies
    drafts: list[_Draft] = []
    for service in cluster.services:
        address = service.address(settings.family)
        if service.type != "ExternalName" and address and not (skips and service.has_other_proxy):
            ports = find.get((service.namespace, service.name), {})
            shared = _shared(service, address, settings.family, release)
            drafts += [_draft(service, port, shared, ports, release) for port in service.ports]
    drafts.sort(key=lambda draft: (draft.name, draft.protocol))
    texts: list[str] = []
    for draft in drafts:
        key = draft.name + draft.protocol
        texts.append(key)
        texts += [key + text for text, _ in draft.found]
    ends = iter(hashes(texts))
    here, by_label = settings.hostname_override, release.local_by_topology
    return [_portal(draft, ends, here, by_label=by_label) for draft in drafts]


class _Shared(NamedTuple):
    """What the ports of a Service have in common."""

    cluster_ip: str
    external_ips: tuple[str, ...]
    balancer_ips: tuple[str, ...]
    source_ranges: tuple[str, ...]
    external_local: bool
    internal_local: bool
    hints_allowed: bool


def _shared(service: Service, address: str, family: Family, release: Release) -> _Shared:
    normalised = release.ranges is _NORMALISED
    balancer: tuple[str, ...] = ()
    if service.ingress:
        counted = (item.address for item in service.ingress if item.mode == "VIP" or not release.honours_ip_mode)
        balancer = _own(counted, family, normalised=normalised)
    ranges: tuple[str, ...] = ()
    if service.source_ranges:
        mine = (text for text in service.source_ranges if family_of(text.strip().partition("/")[0]) == family)
        ranges = tuple(_range_text(text, release) for text in mine)
    local_counts = release.cluster_ip_policy or service.type in {"NodePort", "LoadBalancer"}
    internal_counts = release.internal_policy is not _IGNORED
    return _Shared(
        _as_go(address) if normalised else address,
        _own(service.external_ips, family, normalised=normalised) if service.external_ips else (),
        balancer,
        ranges,
        local_counts and service.external_traffic_policy == "Local",
        internal_counts and service.internal_traffic_policy == "Local",
        _hints_allowed(service, release),
    )


def _own(texts: Iterable[str], family: Family, *, normalised: bool) -> tuple[str, ...]:
    found = tuple(text for text in texts if family_of(text) == family)
    return tuple(map(_as_go, found)) if normalised else found


def _as_go(address: str) -> str:
    """Return an address as Go prints it; IPv4 is never written in another way."""
    return str(ip_address(address)) if ":" in address else address


def _range_text(text: str, release: Release) -> str:
    if release.ranges is RangeText.VERBATIM:
        return text
    trimmed = text.strip()
    return str(Prefix.parse(trimmed)) if release.ranges is _NORMALISED else trimmed


def _hints_allowed(service: Service, release: Release) -> bool:
    if release.hints in _ALWAYS:
        return True
    if not service.annotations:
        return False
    told = service.annotations
    annotation = next((told[key] for key in release.hint_annotations if key in told), "")
    if release.hints is Hints.IF_AUTO:
        return annotation in {"Auto", "auto"}
    return release.hints is Hints.IF_ANNOTATED and annotation not in {"", "disabled", "Disabled"}


#: Endpoints as ADDRESS:PORT and with their conditions, by port name and protocol (empty where only the name counts).
_Found = dict[tuple[str, str], list[tuple[str, Endpoint]]]


class _Draft(NamedTuple):
    """A service port before its chains are named."""

    name: str
    protocol: str
    service: Service
    port: ServicePort
    shared: _Shared
    found: Sequence[tuple[str, Endpoint]]


def _draft(service: Service, port: ServicePort, shared: _Shared, ports: _Found, release: Release) -> _Draft:
    name = service_port_name(service.namespace, service.name, port.name, always_colon=release.always_colon)
    found = ports.get((port.name, port.protocol if release.joins_by_protocol else ""), ())
    return _Draft(name, port.protocol.lower(), service, port, shared, found)


def _portal(draft: _Draft, ends: Iterator[str], here: str, *, by_label: bool) -> Portal:
    service, shared, name = draft.service, draft.shared, draft.name
    checks = service.type == "LoadBalancer" and shared.external_local
    end = next(ends)
    make = tuple.__new__  # what makes a tuple without asking for its fields by name takes half the time
    if here:
        found = [
            make(Backend, (text, ENDPOINT_PREFIX + next(ends), item, _node(item, by_label) == here))
            for text, item in draft.found
        ]
    else:
        found = [make(Backend, (text, ENDPOINT_PREFIX + next(ends), item, False)) for text, item in draft.found]
    return Portal(
        name,
        name.removesuffix(":"),
        draft.protocol,
        end,
        shared.cluster_ip,
        draft.port.port,
        draft.port.node_port,
        shared.external_ips,
        shared.balancer_ips,
        shared.source_ranges,
        shared.internal_local,
        shared.external_local,
        service.health_check_node_port if checks else 0,
        service.affinity_seconds,
        shared.hints_allowed,
        tuple(found),
    )


def _node(endpoint: Endpoint, by_label: bool) -> str:
    return endpoint.node or (endpoint.topology_node if by_label else "")


def _slices(cluster: Cluster, settings: Settings) -> dict[tuple[str, str], _Found]:
    """Return the endpoints of every Service from slices, sorted by their text.

    Of several with the same text the first counts, unless a later one is local (EndpointSliceCache: addEndpoints).
    """
    merged: dict[tuple[str, str], _Found] = {}
    family, release = settings.family, settings.kube_proxy
    for item in cluster.slices:
        endpoints = item.endpoints
        if item.family is None:
            endpoints = tuple(endpoint for endpoint in endpoints if family_of(endpoint.address) == family)
        elif item.family is not family:
            endpoints = ()
        if not release.keeps_unready:
            endpoints = tuple(endpoint for endpoint in endpoints if endpoint.ready)
        ports = merged.setdefault((item.namespace, item.service), {})
        for port in () if item.unwatched else item.ports:
            ports.setdefault((port.name, port.protocol), []).extend(_with_port(endpoints, port.port))
    by_label = release.local_by_topology
    for ports in merged.values():
        for key, found in ports.items():
            ports[key] = _distinct(found, settings.hostname_override, by_label)
    return merged


def _with_port(endpoints: Iterable[Endpoint], port: int) -> list[tuple[str, Endpoint]]:
    end = f":{port}"
    return [
        (f"[{address}]{end}" if ":" in (address := endpoint.address) else address + end, endpoint)
        for endpoint in endpoints
    ]


def _distinct(found: list[tuple[str, Endpoint]], here: str, by_label: bool) -> list[tuple[str, Endpoint]]:
    known = dict(found)
    if len(known) < len(found):
        known = {}
        for text, endpoint in found:
            if text not in known or (here and _node(endpoint, by_label) == here):
                known[text] = endpoint
    return [(text, known[text]) for text in sorted(known)]


def _endpoints(cluster: Cluster, settings: Settings) -> dict[tuple[str, str], _Found]:
    """Return the same from Endpoints objects: ready addresses, in stored order."""
    by_protocol = settings.kube_proxy.joins_by_protocol
    found: dict[tuple[str, str], _Found] = {}
    for item in cluster.endpoints:
        ports = found.setdefault((item.namespace, item.name), {})
        for subset in () if item.unwatched else item.subsets:
            ready = [endpoint for endpoint in subset.ready if family_of(endpoint.address) == settings.family]
            for port in subset.ports:
                key = (port.name, port.protocol if by_protocol else "")
                ports.setdefault(key, []).extend(_with_port(ready, port.port))
    return found


def choose(portal: Portal, release: Release, zone: str, node: str) -> Choice:
    """Return the endpoints that count for a service port.

    Args:
        portal: the service port with all its endpoints.
        release: decides how.
        zone: the node's zone, empty where it has none.
        node: the node's name, empty where that is not known.
    """
    if release.era is _XLB:
        return _choose_once(portal, release, zone, node)
    return _choose_by_policy(portal, release, zone, node)


def _choose_once(portal: Portal, release: Release, zone: str, node: str) -> Choice:
    """Return one list, and what of it is on the node (up to 1.23, FilterEndpoints)."""
    found = tuple(item for item in portal.backends if item.ready)
    if portal.internal_local and not portal.external_local:
        found = tuple(item for item in found if item.local)
    elif not portal.external_local:
        found = _hinted(portal, found, release, zone, node)
    return Choice(found, tuple(item for item in found if item.local), found, bool(found))


def _choose_by_policy(portal: Portal, release: Release, zone: str, node: str) -> Choice:
    """Return a list for each policy (from 1.24 on, CategorizeEndpoints).

    Traffic under the Cluster policy goes to ready endpoints, narrowed by topology hints; under the Local
    policy to ready ones on the node. From 1.26 on each falls back, by itself, to endpoints that
    still serve while they terminate.
    """
    backends = portal.backends
    uses_cluster = not portal.internal_local or portal.is_external
    uses_local = portal.internal_local or (portal.external_local and portal.is_external)
    ready = tuple([item for item in backends if item.endpoint.ready])
    fallback: tuple[Backend, ...] = ()
    if release.falls_back_to_terminating and len(ready) < len(backends):
        fallback = tuple(item for item in backends if item.winds_down)
    # Without any ready endpoint the ones that wind down take over, wherever they are.
    hinted = _hinted(portal, ready, release, zone, node)
    cluster = (hinted or fallback) if uses_cluster else ()
    if not uses_local:
        return Choice(cluster, (), cluster, bool(cluster))
    local = tuple(item for item in ready if item.local)
    winding_down = False
    if not local:
        local = tuple(item for item in fallback if item.local)
        winding_down = bool(local)
    exists = bool(cluster or fallback or ready)
    if not uses_cluster:
        return Choice((), local, local, exists)
    if len(hinted) == len(ready) and not winding_down:
        return Choice(cluster, local, cluster, exists)
    union = {item.text: item for item in (*cluster, *local)}
    return Choice(cluster, local, tuple(union[text] for text in sorted(union)), exists)


def _hinted(portal: Portal, ready: tuple[Backend, ...], release: Release, zone: str, node: str) -> tuple[Backend, ...]:
    """Return the endpoints hinted for the node or its zone; all, unless every one has a hint and one is for it."""
    if not portal.hints_allowed:
        return ready
    if release.hints is _NODE_FIRST and node and all(item.endpoint.nodes for item in ready):
        near = tuple(item for item in ready if node in item.endpoint.nodes)
        if near:
            return near
    if not zone or not all(item.endpoint.zones for item in ready):
        return ready
    return tuple(item for item in ready if zone in item.endpoint.zones) or ready
