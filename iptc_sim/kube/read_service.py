"""Service objects, with the API server's defaults."""

from __future__ import annotations

from typing import Final

from iptc_sim.kube.fields import Fields, family_of
from iptc_sim.kube.objects import Ingress, Service, ServicePort
from iptc_sim.kube.validate import judge_name, judge_service, judge_target_name
from iptc_sim.values import Family

TYPES: Final = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
PROTOCOLS: Final = ("TCP", "UDP", "SCTP")
_POLICIES: Final = ("Cluster", "Local")
_FAMILY_POLICIES: Final = ("SingleStack", "PreferDualStack", "RequireDualStack")
_DISTRIBUTIONS: Final = ("", "PreferClose", "PreferSameZone", "PreferSameNode")
FAMILIES: Final = {"IPv4": Family.IPV4, "IPv6": Family.IPV6}

#: The default timeout of the ClientIP affinity (core/v1: DefaultClientIPServiceAffinitySeconds).
AFFINITY_SECONDS: Final = 10800
#: The longest that the API server takes (core/v1: MaxClientIPServiceAffinitySeconds).
LONGEST_AFFINITY: Final = 86400


def read_service(fields: Fields, metadata: Fields, namespace: str) -> Service:
    """Return the Service of an object, as the API server would store it.

    Raises:
        InputError: IPT051, a field is missing or wrong.
    """
    judge_name(metadata)
    spec = fields.child("spec") or Fields(fields.document, {}, fields, "spec")
    kind = spec.choice("type", TYPES, "ClusterIP")
    cluster_ips = _cluster_ips(spec)
    cluster_ip = _cluster_ip(spec, cluster_ips)
    ports = _ports(spec)
    if not ports and kind != "ExternalName" and cluster_ip not in {"", "None"}:
        hint = "only a headless Service (clusterIP: None) and an ExternalName can do without"
        raise spec.fault("ports", "the Service has no ports", "at least one port", hint=hint)
    allocates = spec.boolean("allocateLoadBalancerNodePorts")
    local = spec.choice("externalTrafficPolicy", _POLICIES, "Cluster")
    ingress = _ingress(fields)
    service = Service(
        namespace=namespace,
        name=metadata.name("name"),
        type=kind,
        cluster_ip=cluster_ip,
        cluster_ips=cluster_ips,
        ip_families=_ip_families(spec),
        dual_stack=spec.choice("ipFamilyPolicy", _FAMILY_POLICIES, "SingleStack") != "SingleStack",
        ports=ports,
        selector=spec.strings("selector"),
        external_ips=spec.addresses("externalIPs"),
        ingress=ingress if kind == "LoadBalancer" else (),  # the API server clears the status of others
        source_ranges=spec.ranges("loadBalancerSourceRanges"),
        external_traffic_policy=local,
        internal_traffic_policy=spec.choice("internalTrafficPolicy", _POLICIES, "Cluster"),
        health_check_node_port=spec.integer("healthCheckNodePort", 0, 65535) or 0,
        allocates_node_ports=allocates is not False,
        affinity_seconds=_affinity(spec),
        publish_not_ready=bool(spec.boolean("publishNotReadyAddresses")),
        labels=metadata.strings("labels"),
        annotations=metadata.strings("annotations"),
        external_name=_external_name(spec),
        traffic_distribution=spec.choice("trafficDistribution", _DISTRIBUTIONS, ""),
        label=fields.place(),
    )
    judge_service(service, spec)
    return service


def _external_name(spec: Fields) -> str:
    return spec.name("externalName") if spec.text("externalName") else ""


def _cluster_ip(spec: Fields, cluster_ips: tuple[str, ...]) -> str | None:
    if not spec.has("clusterIP") or spec.raw("clusterIP") is None:
        return cluster_ips[0] if cluster_ips else None
    value = spec.text("clusterIP")
    if value not in {"", "None"}:
        spec.check_address("clusterIP", value)
    return value


def _cluster_ips(spec: Fields) -> tuple[str, ...]:
    values = spec.texts("clusterIPs")
    for index, value in enumerate(values):
        if value not in {"", "None"}:
            spec.check_address(f"clusterIPs[{index}]", value)
    return values


def _ip_families(spec: Fields) -> tuple[Family, ...]:
    names = spec.texts("ipFamilies")
    for index, name in enumerate(names):
        if name not in FAMILIES:
            raise spec.fault(f"ipFamilies[{index}]", f"{name} is not a family", "IPv4 or IPv6")
    return tuple(FAMILIES[name] for name in names)


def _ports(spec: Fields) -> tuple[ServicePort, ...]:
    ports: list[ServicePort] = []
    names: set[str] = set()
    items = spec.children("ports")
    for item in items:
        port = _port(item)
        # Chain names are made from port names, so the API server refuses what would make them clash.
        if len(items) > 1 and not port.name:
            raise item.fault("name", "it is missing, and the Service has several ports")
        if port.name in names:
            raise item.fault("name", f"{port.name} is the name of another port too")
        names.add(port.name)
        ports.append(port)
    return tuple(ports)


def _port(item: Fields) -> ServicePort:
    number = item.integer("port", 1, 65535)
    if number is None:
        raise item.fault("port", "it is missing", "1 to 65535")
    return ServicePort(
        name=item.label("name", "a port's name"),
        protocol=item.choice("protocol", PROTOCOLS, "TCP"),
        port=number,
        target_port=_target_port(item, number),
        node_port=item.integer("nodePort", 0, 65535) or 0,
    )


def _target_port(item: Fields, default: int) -> int | str:
    value = item.raw("targetPort")
    if isinstance(value, str):
        if value:
            judge_target_name(item, value)
        return value or default
    return item.integer("targetPort", 0, 65535) or default


def _ingress(fields: Fields) -> tuple[Ingress, ...]:
    status = fields.child("status")
    balancer = status.child("loadBalancer") if status else None
    found: list[Ingress] = []
    for item in balancer.children("ingress") if balancer else ():
        address = item.text("ip")
        if address and family_of(address) is None:
            raise item.fault("ip", f"{address} is not an IP address")
        if address:
            found.append(Ingress(address, item.choice("ipMode", ("VIP", "Proxy"), "VIP")))
    return tuple(found)


def _affinity(spec: Fields) -> int:
    if spec.choice("sessionAffinity", ("None", "ClientIP"), "None") == "None":
        return 0
    config = spec.child("sessionAffinityConfig")
    client = config.child("clientIP") if config else None
    seconds = client.integer("timeoutSeconds", 1, LONGEST_AFFINITY) if client else None
    return seconds or AFFINITY_SECONDS
