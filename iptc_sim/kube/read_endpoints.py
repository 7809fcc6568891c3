"""Endpoints and EndpointSlice objects."""

from __future__ import annotations

from typing import Final

from iptc_sim.kube.fields import Fields
from iptc_sim.kube.objects import Endpoint, EndpointPort, Endpoints, EndpointSlice, Subset
from iptc_sim.kube.read_service import PROTOCOLS

#: The label that ties a slice to its Service (discovery/v1: LabelServiceName).
SERVICE_NAME_LABEL: Final = "kubernetes.io/service-name"

#: Objects with this label are not watched by kube-proxy (core/v1: IsHeadlessService).
HEADLESS_LABEL: Final = "service.kubernetes.io/headless"


def read_endpoints(fields: Fields, metadata: Fields, namespace: str) -> Endpoints | None:
    """Return the Endpoints of an object; None where kube-proxy does not watch it.

    Raises:
        InputError: IPT051, a field is missing or wrong.
    """
    name = metadata.name("name")
    subsets = tuple(
        Subset(
            ports=tuple(_port(item) for item in subset.children("ports")),
            ready=tuple(_address(item, ready=True) for item in subset.children("addresses")),
            not_ready=tuple(_address(item, ready=False) for item in subset.children("notReadyAddresses")),
        )
        for subset in fields.children("subsets")
    )
    return None if HEADLESS_LABEL in metadata.strings("labels") else Endpoints(namespace, name, subsets)


def read_slice(fields: Fields, metadata: Fields, namespace: str) -> EndpointSlice | None:
    """Return the slice of an object; None where no Service is named or its addresses are domain names.

    Ports without a number are left out, as kube-proxy ignores them (EndpointSliceCache: addEndpoints). A
    missing name is the empty one, by the API server's default.

    Raises:
        InputError: IPT051, a field is missing or wrong.
    """
    kind = fields.choice("addressType", ("IPv4", "IPv6", "FQDN"), "")
    ports = tuple(_port(item) for item in fields.children("ports") if item.raw("port"))
    labels = metadata.strings("labels")
    service = labels.get(SERVICE_NAME_LABEL, "")
    if kind == "FQDN" or not service or HEADLESS_LABEL in labels:
        return None
    endpoints = tuple(found for item in fields.children("endpoints") if (found := _endpoint(item)))
    return EndpointSlice(namespace, service, ports, endpoints, metadata.text("name"))


def _port(item: Fields) -> EndpointPort:
    number = item.integer("port", 1, 65535)
    if number is None:
        raise item.fault("port", "it is missing", "1 to 65535")
    return EndpointPort(item.port_name("name"), item.choice("protocol", PROTOCOLS, "TCP"), number)


def _address(item: Fields, *, ready: bool) -> Endpoint:
    address = item.text("ip")
    item.check_address("ip", address)
    return Endpoint(address, ready=ready, serving=ready, node=item.text("nodeName"))


def _endpoint(item: Fields) -> Endpoint | None:
    """Return one endpoint; missing conditions count as ready, serving and not terminating (discovery/v1)."""
    addresses = item.addresses("addresses")
    if not addresses:
        return None
    node = item.text("nodeName") or item.strings("topology").get("kubernetes.io/hostname", "")  # v1beta1
    ready, serving, terminating = True, True, False
    if conditions := item.child("conditions"):
        ready = conditions.boolean("ready") is not False
        serving = conditions.boolean("serving") is not False
        terminating = bool(conditions.boolean("terminating"))
    zones: tuple[str, ...] = ()
    if hints := item.child("hints"):
        zones = tuple(zone.text("name") for zone in hints.children("forZones"))
    return Endpoint(addresses[0], ready, serving, terminating, node, zones)
