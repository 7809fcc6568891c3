"""Pod, Deployment and Node objects: what endpoints are made of."""

from __future__ import annotations

from iptc_sim.kube.fields import Fields
from iptc_sim.kube.objects import ContainerPort, Deployment, Node, Pod, PodTemplate
from iptc_sim.kube.read_service import PROTOCOLS

#: A Deployment of more pods than this is refused: its addresses would not fit into a node's range anyway.
MAX_REPLICAS = 100_000


def read_pod(fields: Fields, metadata: Fields, namespace: str) -> Pod:
    """Return the Pod of an object; one without any status counts as just created and running.

    Raises:
        InputError: IPT051, a field is missing or wrong.
    """
    spec = fields.child("spec")
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
        ports=_container_ports(spec),
        addresses=addresses,
        phase=phase or "Running",
        ready=ready or is_plain,
        terminating=bool(metadata.text("deletionTimestamp")),
        node=spec.text("nodeName") if spec else "",
        is_plain=is_plain,
        owner=_owner(metadata),
    )


def read_deployment(fields: Fields, metadata: Fields, namespace: str) -> Deployment:
    """Return the Deployment of an object; before apps/v1 the selector's default is the template's labels.

    Raises:
        InputError: IPT051, a field is missing or wrong.
    """
    spec = fields.child("spec")
    template = spec.child("template") if spec else None
    if spec is None or template is None:
        raise fields.fault("spec.template", "it is missing")
    template_metadata = template.child("metadata")
    labels = template_metadata.strings("labels") if template_metadata else {}
    selector = spec.child("selector")
    if selector is None and fields.text("apiVersion") == "apps/v1":
        raise spec.fault("selector", "it is missing, and apps/v1 has no default for it")
    for key, value in selector.strings("matchLabels").items() if selector else ():
        if labels.get(key) != value:
            raise spec.fault(
                "selector", f"it asks for {key}={value}, which spec.template.metadata.labels does not have"
            )
    replicas = spec.integer("replicas", 0, MAX_REPLICAS)
    pod = template.child("spec")
    made = PodTemplate(labels, _container_ports(pod), pod.text("nodeName") if pod else "")
    return Deployment(namespace, metadata.name("name"), 1 if replicas is None else replicas, made)


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
    zone = metadata.strings("labels").get("topology.kubernetes.io/zone", "")
    return Node(metadata.name("name"), tuple(addresses), ranges, zone)


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


def _container_ports(spec: Fields | None) -> tuple[ContainerPort, ...]:
    found: list[ContainerPort] = []
    for container in spec.children("containers") if spec else ():
        for item in container.children("ports"):
            number = item.integer("containerPort", 1, 65535)
            if number is None:
                raise item.fault("containerPort", "it is missing", "1 to 65535")
            found.append(ContainerPort(item.text("name"), item.choice("protocol", PROTOCOLS, "TCP"), number))
    return tuple(found)


def _owner(metadata: Fields) -> str:
    for item in metadata.children("ownerReferences"):
        return f"{item.text('kind')} {item.text('name')}".strip()
    return ""
