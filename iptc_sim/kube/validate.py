"""What the API server refuses although every field by itself is fine (pkg/apis/core/validation)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Final

from iptc_sim.diagnostics import Diagnostic, InputError, Severity, suggestion
from iptc_sim.kube.fields import Fields, family_of
from iptc_sim.kube.objects import PROXY_NAME_LABEL, Service

_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_TARGET_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)

#: How IPv4 addresses begin that may be special.
SPECIAL_FRONTS: Final = ("0.", "127.", "169.254.", "224.0.0.")
_LINK_MULTICAST: Final = {4: ip_network("224.0.0.0/24"), 6: ip_network("ff02::/16")}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOP: Final = frozenset({"apiVersion", "kind", "metadata"})

#: Every field that the API has ever had at these places; ``[]`` marks a list.
_KNOWN: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "Service": {
        "": _TOP | {"spec", "status"},
        "spec": _names(
            "allocateLoadBalancerNodePorts clusterIP clusterIPs deprecatedPublicIPs externalIPs externalName "
            "externalTrafficPolicy healthCheckNodePort internalTrafficPolicy ipFamilies ipFamily ipFamilyPolicy "
            "loadBalancerClass loadBalancerIP loadBalancerSourceRanges portalIP ports publishNotReadyAddresses "
            "selector sessionAffinity sessionAffinityConfig topologyKeys trafficDistribution type"
        ),
        "spec.ports[]": _names("appProtocol name nodePort port protocol targetPort"),
    },
    "Endpoints": {
        "": _TOP | {"subsets"},
        "subsets[]": _names("addresses notReadyAddresses ports"),
    },
    "EndpointSlice": {
        "": _TOP | {"addressType", "endpoints", "ports"},
        "endpoints[]": _names(
            "addresses conditions deprecatedTopology hints hostname nodeName targetRef topology zone"
        ),
        "ports[]": _names("appProtocol name port protocol"),
    },
}


def unknown_fields(fields: Fields, kind: str) -> Iterator[Diagnostic]:
    """Yield a note (IPT059) for every field of an object that no release of the API has.

    The API server drops such fields, or refuses them if asked to be strict; a slip of the pen loses a setting.
    """
    for path, known in _KNOWN.get(kind, {}).items():
        for place in _places(fields, path.split(".") if path else []):
            for key in place.keys() - known:
                hint = suggestion(str(key), sorted(known))
                message = f"{kind} has no such field: it is ignored, as by the API server"
                yield Diagnostic("IPT059", message, Severity.NOTE, subject=place.place(str(key)), hint=hint)


def _places(fields: Fields, path: list[str]) -> Iterable[Fields]:
    if not path:
        return [fields]
    key, rest = path[0], path[1:]
    children = fields.children(key[:-2]) if key.endswith("[]") else [child] if (child := fields.child(key)) else []
    return [place for item in children for place in _places(item, rest)]


def is_service_name(text: str) -> bool:
    """Whether a text is a DNS label that starts with a letter (RFC 1035)."""
    return len(text) <= 63 and _SERVICE_NAME.fullmatch(text) is not None


def judge_name(metadata: Fields) -> None:
    """Judge the name of a Service, which is a DNS label that starts with a letter (RFC 1035).

    Raises:
        InputError: IPT051, it is something else.
    """
    name = metadata.name("name")
    if not is_service_name(name):
        expected = "up to 63 lower-case letters, digits and -, a letter first"
        raise metadata.fault("name", f"{name} cannot be the name of a Service", expected)


def judge_target_name(port: Fields, name: str) -> None:
    """Judge a target port that is a name (validation: IsValidPortName).

    Raises:
        InputError: IPT051, it cannot be the name of a container's port.
    """
    if len(name) <= 15 and _TARGET_NAME.fullmatch(name) and not name.replace("-", "").isdigit():
        return
    hint = "without quotes it is a number" if name.isdigit() else ""
    expected = "up to 15 lower-case letters, digits and -, with a letter"
    raise port.fault("targetPort", f"{name} cannot be the name of a container's port", expected, hint=hint)


def judge_serving_address(place: Fields, key: str, address: str) -> None:
    """Judge an address that packets are to be sent on to (validation: ValidateNonSpecialIP).

    Raises:
        InputError: IPT051, it is of a kind that no pod or load balancer can have.
    """
    if special := special_address(address):
        raise place.fault(key, f"{address} is {special}, which no other machine can reach")


def special_address(address: str) -> str:
    """Say why an address cannot be that of an endpoint; empty where it can."""
    if ":" not in address and not address.startswith(SPECIAL_FRONTS):
        return ""
    value = ip_address(address)
    if value.is_unspecified:
        return "the unspecified address"
    if value.is_loopback:
        return "a loopback address"
    link_multicast = value.is_multicast and value in _LINK_MULTICAST[value.version]
    return "an address of the local link" if value.is_link_local or link_multicast else ""


def judge_service(service: Service, spec: Fields) -> None:
    """Judge a Service's fields together (validation: ValidateService).

    Raises:
        InputError: IPT051, two of them contradict each other.
    """
    _judge_type(service, spec)
    _judge_ports(service, spec)
    _judge_cluster_ips(service, spec)
    for index, address in enumerate(service.external_ips):
        judge_serving_address(spec, f"externalIPs[{index}]", address)
    if spec.child("sessionAffinityConfig") and not service.affinity_seconds:
        raise spec.fault("sessionAffinityConfig", "it is for sessionAffinity: ClientIP")


def _judge_type(service: Service, spec: Fields) -> None:
    kind = service.type
    if kind == "ExternalName" and not service.external_name:
        raise spec.fault("externalName", "it is missing, and type ExternalName is nothing without it")
    if kind in {"NodePort", "LoadBalancer"} and service.cluster_ip == "None":
        raise spec.fault("clusterIP", f"it cannot be None for type {kind}")
    if kind != "LoadBalancer":
        if service.source_ranges:
            raise spec.fault("loadBalancerSourceRanges", f"it is for type LoadBalancer, not {kind}")
        if spec.boolean("allocateLoadBalancerNodePorts") is not None:
            raise spec.fault("allocateLoadBalancerNodePorts", f"it is for type LoadBalancer, not {kind}")
    outside = kind in {"NodePort", "LoadBalancer"} or (kind == "ClusterIP" and service.external_ips)
    if spec.text("externalTrafficPolicy") and not outside:
        message = f"it is for traffic from outside, which type {kind} without externalIPs does not get"
        raise spec.fault("externalTrafficPolicy", message)


def _judge_ports(service: Service, spec: Fields) -> None:
    numbers: set[tuple[int, str]] = set()
    node_ports: set[tuple[int, str]] = set()
    for index, port in enumerate(service.ports):
        if (port.port, port.protocol) in numbers:
            raise spec.fault(f"ports[{index}].port", f"{port.port}/{port.protocol} is the number of another port too")
        numbers.add((port.port, port.protocol))
        if port.node_port:
            if service.type == "ClusterIP":
                raise spec.fault(f"ports[{index}].nodePort", "it is for types NodePort and LoadBalancer, not ClusterIP")
            if (port.node_port, port.protocol) in node_ports:
                raise spec.fault(f"ports[{index}].nodePort", f"{port.node_port} is the nodePort of another port too")
            node_ports.add((port.node_port, port.protocol))


def _judge_cluster_ips(service: Service, spec: Fields) -> None:
    addresses, families = service.cluster_ips, service.ip_families
    if addresses and spec.text("clusterIP") and addresses[0] != service.cluster_ip:
        raise spec.fault("clusterIPs[0]", f"{addresses[0]} is not the clusterIP, which is {service.cluster_ip}")
    for key, found in (("clusterIPs", [family_of(item) for item in addresses]), ("ipFamilies", list(families))):
        if len(found) > 2 or (len(found) == 2 and found[0] == found[1] is not None):
            raise spec.fault(key, f"it has {len(found)} entries", "at most one of IPv4 and one of IPv6")
    for index, (address, family) in enumerate(zip(addresses, families, strict=False)):
        if family_of(address) not in {None, family}:
            raise spec.fault(f"clusterIPs[{index}]", f"{address} is not of ipFamilies[{index}], IPv{int(family)}")


def judge_together(services: Iterable[Service]) -> None:
    """Judge what two Services cannot share: cluster IPs and node ports (registry/core/service: allocators).

    Raises:
        InputError: IPT051, two have the same; the error names the second.
    """
    addresses: dict[str, Service] = {}
    ports: dict[int, Service] = {}
    for service in services:
        if service.type == "ExternalName":
            continue
        for address in service.cluster_ips or (service.cluster_ip,):
            if address and address != "None" and addresses.setdefault(address, service) is not service:
                raise _taken(service, "spec.clusterIP", address, addresses[address])
        for index, port in enumerate(service.ports):
            number = port.node_port
            if number and ports.setdefault(number, service) is not service:
                raise _taken(service, f"spec.ports[{index}].nodePort", number, ports[number])
        number = service.health_check_node_port if _is_checked(service) else 0
        if number and ports.setdefault(number, service) is not service:
            raise _taken(service, "spec.healthCheckNodePort", number, ports[number])


def odd_settings(service: Service) -> Iterator[Diagnostic]:
    """Yield notes about what is no fault, but hardly meant: a Service of another proxy, a port that nobody checks."""
    if service.has_other_proxy:
        name = f"Service {service.namespace}/{service.name} has the label {PROXY_NAME_LABEL}"
        message = f"{name}: a whole kube-proxy leaves it to another proxy; its rules are written here all the same"
        hint = "--skip-foreign-proxies leaves it out"
        yield Diagnostic("IPT058", message, Severity.NOTE, subject=service.label, hint=hint)
    if service.health_check_node_port and not _is_checked(service):
        message = "it is ignored: only type LoadBalancer with externalTrafficPolicy: Local has one"
        subject = _below(service.label, "spec.healthCheckNodePort")
        yield Diagnostic("IPT051", message, Severity.NOTE, subject=subject)


def _is_checked(service: Service) -> bool:
    return service.type == "LoadBalancer" and service.external_traffic_policy == "Local"


def _below(label: str, path: str) -> str:
    """Return the name of a field; the label of a list's item ends in its place there, ``items[3]``."""
    return f"{label}{'.' if label.endswith(']') else ': '}{path}"


def _taken(service: Service, path: str, value: object, other: Service) -> InputError:
    message = f"{value} of {service.namespace}/{service.name} belongs to Service {other.namespace}/{other.name} already"
    return InputError(Diagnostic("IPT051", message, subject=_below(service.label, path)))
