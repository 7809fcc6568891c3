"""Services and EndpointSlices of a large cluster, read without judging field by field.

What stands here only recognises objects as the API server prints them. Whatever is unusual, wrong or rare is left to
the judged readers, so that errors and notes come from one place; both read an object to the same record.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from iptc_sim.kube.fields import OCTETS, family_of, is_label, is_name
from iptc_sim.kube.objects import Endpoint, EndpointPort, EndpointSlice, Ingress, Service, ServicePort
from iptc_sim.kube.read_endpoints import SERVICE_NAME_LABEL, UNWATCHED_LABEL
from iptc_sim.kube.read_service import FAMILIES, LONGEST_AFFINITY, PROTOCOLS
from iptc_sim.kube.validate import SPECIAL_FRONTS, is_service_name, special_address
from iptc_sim.values import Family

_OBJECT: Final = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_SPEC: Final = frozenset(
    {"allocateLoadBalancerNodePorts", "clusterIP", "clusterIPs", "externalTrafficPolicy", "internalTrafficPolicy"}
    | {"ipFamilies", "ipFamilyPolicy", "ports", "selector", "sessionAffinity", "sessionAffinityConfig", "type"}
)
_PORT: Final = frozenset({"name", "nodePort", "port", "protocol", "targetPort"})
_SLICE: Final = frozenset({"addressType", "apiVersion", "endpoints", "kind", "metadata", "ports"})
_SLICE_PORT: Final = frozenset({"name", "port", "protocol"})
_ENDPOINT: Final = frozenset({"addresses", "conditions", "nodeName", "targetRef", "zone"})
_INGRESS: Final = frozenset({"ip", "ipMode"})
_CONDITIONS: Final = frozenset({"ready", "serving", "terminating"})

#: What nearly every endpoint has, and nothing else.
_USUAL: Final = itemgetter("addresses", "conditions", "nodeName", "targetRef")
_STATES: Final = itemgetter("ready", "serving", "terminating")

_NO_STATUS: Final[tuple[object, ...]] = (None, {}, {"loadBalancer": {}})
_TYPES: Final = ("ClusterIP", "NodePort", "LoadBalancer")
_FAMILY_NAMES: Final = {family: [name] for name, family in FAMILIES.items()}
_POLICIES: Final = ("Cluster", "Local")

_EMPTY: Final[dict[str, object]] = {}

_Value = Mapping[str, object]


def quick_service(data: _Value, label: str) -> Service | None:
    """Return a plain Service with a cluster IP; None for everything else.

    Args:
        data: the object.
        label: how notes call it.
    """
    metadata, spec = data.get("metadata"), data.get("spec")
    if type(metadata) is not dict or type(spec) is not dict or not (data.keys() <= _OBJECT and spec.keys() <= _SPEC):
        return None
    name, namespace, address = metadata.get("name"), metadata.get("namespace"), spec.get("clusterIP")
    kind, policy = spec.get("type"), spec.get("internalTrafficPolicy", "Cluster")
    if type(name) is not str or type(namespace) is not str or type(address) is not str or type(kind) is not str:
        return None
    plain = (
        kind in _TYPES
        and spec.get("clusterIPs") == [address]
        and spec.get("ipFamilyPolicy") == "SingleStack"
        and policy in _POLICIES
        and is_service_name(name)
        and is_name(namespace)
    )
    family = family_of(address) if plain else None
    if family is None or spec.get("ipFamilies") != _FAMILY_NAMES[family]:
        return None
    labels, annotations = _strings(metadata.get("labels")), _strings(metadata.get("annotations"))
    selector, ports = _strings(spec.get("selector")), _service_ports(spec.get("ports"), kind)
    affinity, outside, ingress = _affinity(spec), _outside(spec, kind), _ingress(data.get("status"), kind)
    if selector is None or labels is None or annotations is None or ports is None:
        return None
    if affinity is None or outside is None or ingress is None:
        return None
    return Service(
        namespace=namespace,
        name=name,
        type=kind,
        cluster_ip=address,
        cluster_ips=(address,),
        ip_families=(family,),
        ports=ports,
        selector=selector,
        ingress=ingress,
        external_traffic_policy=outside,
        internal_traffic_policy=policy,
        affinity_seconds=affinity,
        labels=labels,
        annotations=annotations,
        label=label,
    )


def _affinity(spec: _Value) -> int | None:
    """Return the timeout of the affinity, 0 without; None where it has to be judged."""
    affinity, config = spec.get("sessionAffinity", "None"), spec.get("sessionAffinityConfig")
    if affinity == "None" and config is None:
        return 0
    client = config.get("clientIP") if affinity == "ClientIP" and type(config) is dict else None
    seconds = client.get("timeoutSeconds") if type(client) is dict else None
    return seconds if type(seconds) is int and 0 < seconds <= LONGEST_AFFINITY else None


def _outside(spec: _Value, kind: str) -> str | None:
    """Return the policy for traffic from outside; None where it has to be judged."""
    policy, allocates = spec.get("externalTrafficPolicy"), spec.get("allocateLoadBalancerNodePorts")
    if policy is None and allocates is None:
        return "Cluster"
    if kind == "ClusterIP" or policy not in _POLICIES:
        return None
    return policy if allocates is None or (allocates is True and kind == "LoadBalancer") else None


def _ingress(status: object, kind: str) -> tuple[Ingress, ...] | None:
    """Return the addresses of a load balancer; None where they have to be judged."""
    if status in _NO_STATUS:
        return ()
    balancer = status.get("loadBalancer") if type(status) is dict and len(status) == 1 else None
    items = balancer.get("ingress") if type(balancer) is dict and len(balancer) == 1 else None
    if kind != "LoadBalancer" or type(items) is not list:
        return None
    found: list[Ingress] = []
    for item in items:
        if type(item) is not dict or not item.keys() <= _INGRESS or item.get("ipMode", "VIP") != "VIP":
            return None
        address = item.get("ip")
        if type(address) is not str or family_of(address) is None:
            return None
        found.append(Ingress(address))
    return tuple(found)


def quick_slice(data: _Value, label: str) -> EndpointSlice | None:  # noqa: ARG001 - readers share one form
    """Return a slice of a Service; None for everything unusual."""
    metadata, endpoints, kind = data.get("metadata"), data.get("endpoints"), data.get("addressType")
    if type(metadata) is not dict or type(endpoints) is not list or not data.keys() <= _SLICE:
        return None
    name, namespace, labels = metadata.get("name"), metadata.get("namespace"), _strings(metadata.get("labels"))
    ports = _slice_ports(data.get("ports"))
    if type(name) is not str or type(namespace) is not str or not is_name(namespace) or not labels:
        return None
    service = labels.get(SERVICE_NAME_LABEL, "")
    family = FAMILIES.get(kind) if type(kind) is str else None
    if ports is None or family is None or not service or UNWATCHED_LABEL in labels:
        return None
    found = _endpoints(endpoints, family)
    return None if found is None else EndpointSlice(namespace, service, ports, found, name, family)


def _endpoints(items: list[object], family: Family) -> tuple[Endpoint, ...] | None:
    """Return the endpoints of a slice; what makes one without asking for its fields by name takes half the time."""
    make, is_ipv4 = tuple.__new__, family is Family.IPV4
    found: list[Endpoint] = []
    for item in items:
        parts = _parts(item)
        if parts is None:
            return None
        addresses, (ready, serving, terminating), node, target, zone = parts
        if type(addresses) is not list or len(addresses) != 1 or type(node) is not str or type(zone) is not str:
            return None
        if type(target) is not dict or not type(ready) is type(serving) is type(terminating) is bool:
            return None
        text = ""
        if target:
            kind, name = target.get("kind"), target.get("name")
            if type(kind) is not str or type(name) is not str:
                return None
            text = f"{kind} {name}"
        address = addresses[0]
        if type(address) is not str:
            return None
        front, _, last = address.rpartition(".")
        plain = is_ipv4 and last in OCTETS and _is_plain_front(front)
        if not plain and (family_of(address) is not family or special_address(address)):
            return None
        found.append(make(Endpoint, (address, ready, serving, terminating, node, (), (), "", "", zone, text)))
    return tuple(found)


def _parts(item: Any) -> tuple[Any, tuple[Any, Any, Any], Any, Any, Any] | None:
    """Return an endpoint's addresses, conditions, node, target and zone; None where it has other fields."""
    try:
        addresses, conditions, node, target = _USUAL(item)
        states = _STATES(conditions)
        zone = item.get("zone")
        if len(conditions) == 3 and len(item) == (4 if zone is None else 5):
            return addresses, states, node, target, "" if zone is None else zone
    except (KeyError, TypeError):
        pass
    if type(item) is not dict or not item.keys() <= _ENDPOINT:
        return None
    conditions = item.get("conditions", _EMPTY)
    if type(conditions) is not dict or not conditions.keys() <= _CONDITIONS:
        return None
    states = conditions.get("ready", True), conditions.get("serving", True), conditions.get("terminating", False)
    return item.get("addresses"), states, item.get("nodeName", ""), item.get("targetRef", _EMPTY), item.get("zone", "")


@lru_cache(1 << 14)
def _is_plain_front(text: str) -> bool:
    """Whether a text is the first three octets of IPv4 addresses, none of them special."""
    address = f"{text}.1"
    return family_of(address) is Family.IPV4 and not address.startswith(SPECIAL_FRONTS)


def _strings(value: object) -> dict[str, str] | None:
    """Return a mapping of strings to strings, None for anything else."""
    if value is None:
        return {}
    if type(value) is not dict:
        return None
    for key, item in value.items():
        if type(key) is not str or type(item) is not str:
            return None
    return value


def _service_ports(items: object, kind: str) -> tuple[ServicePort, ...] | None:
    """Return the one port of a Service; several have to be judged together."""
    if type(items) is not list or len(items) != 1 or type(items[0]) is not dict or not items[0].keys() <= _PORT:
        return None
    item = items[0]
    name, protocol, number = item.get("name", ""), item.get("protocol"), item.get("port")
    target, node = item.get("targetPort", number), item.get("nodePort", 0)
    if type(name) is not str or type(protocol) is not str or not type(number) is type(target) is type(node) is int:
        return None
    if not node:
        return _service_port(name, protocol, number, target)
    port = _service_port(name, protocol, number, target) if kind != "ClusterIP" and 0 < node < 65536 else None
    return (ServicePort(name, protocol, number, target, node),) if port else None


@lru_cache(1 << 12)
def _service_port(name: str, protocol: str, number: int, target: int) -> tuple[ServicePort, ...] | None:
    if protocol not in PROTOCOLS or not 0 < number < 65536 or not 0 < target < 65536 or (name and not is_label(name)):
        return None
    return (ServicePort(name, protocol, number, target),)


def _slice_ports(items: object) -> tuple[EndpointPort, ...] | None:
    """Return the one port of a slice; several have to be judged together."""
    if type(items) is not list or len(items) != 1 or type(items[0]) is not dict or not items[0].keys() <= _SLICE_PORT:
        return None
    item = items[0]
    name, protocol, number = item.get("name", ""), item.get("protocol", "TCP"), item.get("port")
    if type(name) is str and type(protocol) is str and type(number) is int:
        return _slice_port(name, protocol, number)
    return None


@lru_cache(1 << 12)
def _slice_port(name: str, protocol: str, number: int) -> tuple[EndpointPort, ...] | None:
    if protocol not in PROTOCOLS or not 0 < number < 65536 or (name and not is_label(name)):
        return None
    return (EndpointPort(name, protocol, number),)
