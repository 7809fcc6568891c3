"""Pods, what makes them, and Nodes: what endpoints are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from iptc_sim.kube.fields import Fields
from iptc_sim.kube.objects import ContainerPort, DnsConfig, Node, Pod, PodSpec, Workload
from iptc_sim.kube.read_service import PROTOCOLS
from iptc_sim.kube.selectors import Selector, read_selector

#: A workload of more pods than this is refused: its addresses would not fit into a node's range anyway.
MAX_REPLICAS = 100_000

DNS_POLICIES: Final = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")

_CPU: Final = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,3})[0-9]*)?(m?)", re.ASCII)


def read_pod(fields: Fields, metadata: Fields, namespace: str) -> Pod:
    """Return the Pod of an object; one without any status counts as just created and running.

    Raises:
        InputError: IPT051, a field is missing or wrong.
    """
    status = fields.child("status")
    phase = status.text("phase") if status else ""
    addresses = _pod_ips(status) if status else ()
    conditions = status.children("conditions") if status else []
    is_plain = not phase and not addresses and not conditions
    ready = any(item.text("type") == "Ready" and item.text("status") == "True" for item in conditions)
    return Pod(
        namespace=namespace,
        name=metadata.name("name"),
        labels=metadata.strings("labels"),
        spec=_pod_spec(fields.child("spec")),
        addresses=addresses,
        phase=phase or "Running",
        ready=ready or is_plain,
        terminating=bool(metadata.text("deletionTimestamp")),
        is_plain=is_plain,
        owner=_owner(metadata),
        uid=metadata.text("uid"),
    )


def read_workload(fields: Fields, metadata: Fields, namespace: str) -> Workload:
    """Return the Deployment, ReplicaSet, StatefulSet or DaemonSet of an object.

    Before apps/v1 the selector's default is the template's labels.

    Raises:
        InputError: IPT051, a field is missing or wrong.
    """
    spec = fields.child("spec")
    template = spec.child("template") if spec else None
    if spec is None or template is None:
        raise fields.fault("spec.template", "it is missing")
    template_metadata = template.child("metadata")
    labels = template_metadata.strings("labels") if template_metadata else {}
    replicas = spec.integer("replicas", 0, MAX_REPLICAS)
    ordinals = spec.child("ordinals")
    return Workload(
        kind=fields.text("kind"),
        namespace=namespace,
        name=metadata.name("name"),
        replicas=1 if replicas is None else replicas,
        labels=labels,
        template=_pod_spec(template.child("spec")),
        selector=_selector(spec, labels, required=fields.text("apiVersion") == "apps/v1"),
        service_name=spec.text("serviceName"),
        first=(ordinals.integer("start", 0, MAX_REPLICAS) if ordinals else None) or 0,
        owner=_owner(metadata),
    )


def _selector(spec: Fields, labels: Mapping[str, str], *, required: bool) -> Selector:
    """Return a workload's selector; the API server refuses one that its own template does not fit."""
    fields = spec.child("selector")
    if fields is None:
        if required:
            raise spec.fault("selector", "it is missing, and apps/v1 has no default for it")
        return Selector(labels)
    selector = read_selector(fields)
    where = "which spec.template.metadata.labels does not have"
    for key, value in selector.labels.items():
        if labels.get(key) != value:
            raise spec.fault("selector", f"it asks for {key}={value}, {where}")
    for item in selector.requirements:
        if not item.fits(labels):
            raise spec.fault("selector", f"it asks for {item.text}, {where}")
    return selector


def read_node(fields: Fields, metadata: Fields, namespace: str) -> Node:  # noqa: ARG001 - readers share one form
    """Return the Node of an object.

    Raises:
        InputError: IPT051, a field is missing or wrong.
    """
    spec = fields.child("spec")
    status = fields.child("status")
    addresses: list[str] = []
    for item in status.children("addresses") if status else ():
        if item.text("type") == "InternalIP":
            item.check_address("address", item.text("address"))
            addresses.append(item.text("address"))
    ranges = (spec.ranges("podCIDRs") or _range(spec, "podCIDR")) if spec else ()
    conditions = status.children("conditions") if status else []
    return Node(
        name=metadata.name("name"),
        addresses=tuple(addresses),
        pod_cidrs=ranges,
        labels=metadata.strings("labels"),
        millicores=_millicores(status.child("allocatable") or status.child("capacity")) if status else 0,
        ready=all(item.text("status") == "True" for item in conditions if item.text("type") == "Ready"),
    )


def _millicores(resources: Fields | None) -> int:
    """Return thousandths of a CPU: ``4``, ``3.5`` and ``3920m`` are quantities."""
    value = resources.raw("cpu") if resources else None
    found = None if isinstance(value, bool) else _CPU.fullmatch(str(value))
    if not found:
        return 0
    whole, part, small = found.groups()
    return int(whole) if small else int(whole) * 1000 + int((part or "").ljust(3, "0"))


def _range(spec: Fields, key: str) -> tuple[str, ...]:
    value = spec.text(key)
    if not value:
        return ()
    # One value is read as a list of one, so that it is judged the same way.
    return Fields(spec.document, {key: [value]}, spec).ranges(key)


def _pod_ips(status: Fields) -> tuple[str, ...]:
    found: list[str] = []
    for item in status.children("podIPs"):
        if address := item.text("ip"):
            item.check_address("ip", address)
            found.append(address)
    if not found and (address := status.text("podIP")):
        status.check_address("podIP", address)
        found.append(address)
    return tuple(found)


def _pod_spec(spec: Fields | None) -> PodSpec:
    """Return what a pod is made from; ``dnsPolicy`` and ``enableServiceLinks`` have the API server's defaults."""
    if spec is None:
        return PodSpec()
    containers = spec.children("containers")
    return PodSpec(
        ports=tuple(port for container in containers for port in _container_ports(container)),
        node=spec.text("nodeName"),
        hostname=spec.label("hostname"),
        subdomain=spec.label("subdomain"),
        host_network=bool(spec.boolean("hostNetwork")),
        dns_policy=spec.choice("dnsPolicy", DNS_POLICIES, "ClusterFirst"),
        dns_config=_dns_config(spec),
        service_links=spec.boolean("enableServiceLinks") is not False,
        env={item.text("name"): tuple(one.text("name") for one in item.children("env")) for item in containers},
        node_selector=spec.strings("nodeSelector"),
    )


def _container_ports(container: Fields) -> list[ContainerPort]:
    found: list[ContainerPort] = []
    for item in container.children("ports"):
        number = item.integer("containerPort", 1, 65535)
        if number is None:
            raise item.fault("containerPort", "it is missing", "1 to 65535")
        found.append(ContainerPort(item.text("name"), item.choice("protocol", PROTOCOLS, "TCP"), number))
    return found


def _dns_config(spec: Fields) -> DnsConfig | None:
    config = spec.child("dnsConfig")
    if config is None:
        if spec.text("dnsPolicy") == "None":
            raise spec.fault("dnsConfig", "it is missing, and dnsPolicy None takes name servers from it")
        return None
    nameservers = config.addresses("nameservers")
    if not nameservers and spec.text("dnsPolicy") == "None":
        raise config.fault("nameservers", "there is none, and dnsPolicy None has no others")
    options = tuple((item.text("name"), item.text("value")) for item in config.children("options"))
    return DnsConfig(nameservers, config.texts("searches"), options)


def _owner(metadata: Fields) -> str:
    for item in metadata.children("ownerReferences"):
        return f"{item.text('kind')} {item.text('name')}".strip()
    return ""
