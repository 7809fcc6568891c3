"""Endpoints and EndpointSlice objects."""

from __future__ import annotations

from typing import Final

from iptc_sim.kube.fields import Fields
from iptc_sim.kube.objects import Endpoint, EndpointPort, Endpoints, EndpointSlice, Subset
from iptc_sim.kube.read_service import FAMILIES, PROTOCOLS
from iptc_sim.kube.validate import judge_serving_address

#: The label that ties a slice to its Service (discovery/v1: LabelServiceName).
SERVICE_NAME_LABEL: Final = "kubernetes.io/service-name"

#: What has this label is not watched by kube-proxy, whatever its value is (core/v1: IsHeadlessService).
UNWATCHED_LABEL: Final = "service.kubernetes.io/headless"


def read_endpoints(fields: Fields, metadata: Fields, namespace: str) -> Endpoints:
    """Return the Endpoints of an object.

    Raises:
        InputError: IPT051, a field is missing or wrong.
    """
    subsets = tuple(
        Subset(
            ports=_ports(subset, all_named=True),
            ready=tuple(_address(item, ready=True) for item in subset.children("addresses")),
            not_ready=tuple(_address(item, ready=False) for item in subset.children("notReadyAddresses")),
        )
        for subset in fields.children("subsets")
    )
    unwatched = UNWATCHED_LABEL in metadata.strings("labels")
    return Endpoints(namespace, metadata.name("name"), subsets, unwatched=unwatched)


def read_slice(fields: Fields, metadata: Fields, namespace: str) -> EndpointSlice | None:
    """Return the slice of an object; None where no Service is named or its addresses are domain names.

    Ports without a number are left out, as kube-proxy ignores them (EndpointSliceCache: addEndpoints). A
    missing name is the empty one, by the API server's default.

    Raises:
        InputError: IPT051, a field is missing or wrong.
    """
    kind = fields.choice("addressType", ("IPv4", "IPv6", "FQDN"), "")
    ports = _ports(fields, all_named=False)
    labels = metadata.strings("labels")
    service = labels.get(SERVICE_NAME_LABEL, "")
    if kind == "FQDN" or not service:
        return None
    family = FAMILIES[kind]
    endpoints: list[Endpoint] = []
    for item in fields.children("endpoints"):
        addresses = item.addresses("addresses")
        for index, address in enumerate(addresses):
            if item.check_address(f"addresses[{index}]", address) != family:
                raise item.fault(f"addresses[{index}]", f"{address} is not of addressType {kind}")
            judge_serving_address(item, f"addresses[{index}]", address)
        if addresses:  # kube-proxy passes over one that has none
            endpoints.append(_endpoint(item, addresses[0]))
    unwatched = UNWATCHED_LABEL in labels
    return EndpointSlice(namespace, service, ports, tuple(endpoints), metadata.text("name"), family, unwatched)


def _ports(fields: Fields, *, all_named: bool) -> tuple[EndpointPort, ...]:
    """Return the ports with a number; ``all_named``: every one of several has to have a name, and a number."""
    found: list[EndpointPort] = []
    items = fields.children("ports")
    names: set[str] = set()
    for item in items:
        name = item.label("name", "a port's name")
        if name in names or (all_named and not name and len(items) > 1):
            raise item.fault("name", f"{name} is the name of another port too" if name else "another port has none too")
        names.add(name)
        number = item.integer("port", 0, 65535)
        protocol = item.choice("protocol", PROTOCOLS, "TCP")
        if number:
            found.append(EndpointPort(name, protocol, number))
        elif all_named:
            raise item.fault("port", "it is missing", "1 to 65535")
    return tuple(found)


def _address(item: Fields, *, ready: bool) -> Endpoint:
    address = item.text("ip")
    item.check_address("ip", address)
    judge_serving_address(item, "ip", address)
    return Endpoint(
        address,
        ready=ready,
        serving=ready,
        node=item.text("nodeName"),
        hostname=item.label("hostname"),
        target=_target(item),
    )


def _endpoint(item: Fields, address: str) -> Endpoint:
    """Return one endpoint; missing conditions count as ready, serving and not terminating (discovery/v1)."""
    ready, serving, terminating = True, True, False
    if conditions := item.child("conditions"):
        ready = conditions.boolean("ready") is not False
        serving = conditions.boolean("serving") is not False
        terminating = bool(conditions.boolean("terminating"))
    zones: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    if hints := item.child("hints"):
        zones = tuple(zone.text("name") for zone in hints.children("forZones"))
        nodes = tuple(node.text("name") for node in hints.children("forNodes"))
    topology = item.strings("topology")  # v1beta1
    return Endpoint(
        address=address,
        ready=ready,
        serving=serving,
        terminating=terminating,
        node=item.text("nodeName"),
        zones=zones,
        nodes=nodes,
        topology_node=topology.get("kubernetes.io/hostname", ""),
        hostname=item.label("hostname"),
        zone=item.text("zone") or topology.get("topology.kubernetes.io/zone", ""),
        target=_target(item),
    )


def _target(item: Fields) -> str:
    target = item.child("targetRef")
    return f"{target.text('kind')} {target.text('name')}" if target else ""
