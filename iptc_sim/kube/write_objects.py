"""Endpoints and EndpointSlices as Kubernetes objects, for ``kubectl`` and for reading back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from iptc_sim.kube.fields import family_of
from iptc_sim.kube.objects import Endpoint, EndpointPort, Endpoints, EndpointSlice
from iptc_sim.kube.read_endpoints import SERVICE_NAME_LABEL, UNWATCHED_LABEL

Value = str | int | bool | list["Value"] | dict[str, "Value"]


def endpoints_object(endpoints: Endpoints, labels: Mapping[str, str]) -> dict[str, Value]:
    """Return an Endpoints object.

    Args:
        endpoints: what it says.
        labels: the Service's, which the controller copies.
    """
    metadata: dict[str, Value] = {"name": endpoints.name, "namespace": endpoints.namespace}
    if endpoints.truncated:
        metadata["annotations"] = {"endpoints.kubernetes.io/over-capacity": "truncated"}
    if found := _labels(labels, unwatched=endpoints.unwatched):
        metadata["labels"] = found
    subsets: list[Value] = []
    for subset in endpoints.subsets:
        made: dict[str, Value] = {}
        if subset.ready:
            made["addresses"] = [_address(item) for item in subset.ready]
        if subset.not_ready:
            made["notReadyAddresses"] = [_address(item) for item in subset.not_ready]
        if subset.ports:
            made["ports"] = _ports(subset.ports, slices=False)
        if subset.ready or subset.not_ready:
            subsets.append(made)
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, **({"subsets": subsets} if subsets else {})}


def slice_object(item: EndpointSlice, labels: Mapping[str, str]) -> dict[str, Value]:
    """Return an EndpointSlice.

    Args:
        item: what it says.
        labels: the Service's, which the controller copies.
    """
    family = item.family or next((family_of(endpoint.address) for endpoint in item.endpoints), None)
    found: dict[str, Value] = {
        **_labels(labels, unwatched=item.unwatched),
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        SERVICE_NAME_LABEL: item.service,
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": item.name, "namespace": item.namespace, "labels": found},
        "addressType": f"IPv{int(family or 4)}",
        "endpoints": [_endpoint(endpoint) for endpoint in item.endpoints],
        "ports": _ports(item.ports, slices=True),
    }


def _labels(labels: Mapping[str, str], *, unwatched: bool) -> dict[str, Value]:
    return {**labels, **({UNWATCHED_LABEL: ""} if unwatched else {})}


def _ports(ports: Iterable[EndpointPort], *, slices: bool) -> list[Value]:
    """Return ports; an unnamed one has an empty name in slices, and none in Endpoints."""
    return [
        {**({"name": port.name} if port.name or slices else {}), "port": port.port, "protocol": port.protocol}
        for port in ports
    ]


def _address(item: Endpoint) -> Value:
    found: dict[str, Value] = {"ip": item.address}
    found |= {key: value for key, value in (("hostname", item.hostname), ("nodeName", item.node)) if value}
    return found | _target(item)


def _endpoint(item: Endpoint) -> Value:
    found: dict[str, Value] = {
        "addresses": [item.address],
        "conditions": {"ready": item.ready, "serving": item.serving, "terminating": item.terminating},
    }
    pairs = (("hostname", item.hostname), ("nodeName", item.node), ("zone", item.zone))
    found |= {key: value for key, value in pairs if value}
    hints: dict[str, Value] = {}
    if item.nodes:
        hints["forNodes"] = [{"name": name} for name in item.nodes]
    if item.zones:
        hints["forZones"] = [{"name": name} for name in item.zones]
    return found | ({"hints": hints} if hints else {}) | _target(item)


def _target(item: Endpoint) -> dict[str, Value]:
    kind, _, name = item.target.partition(" ")
    return {"targetRef": {"kind": kind, "name": name}} if name else {}
