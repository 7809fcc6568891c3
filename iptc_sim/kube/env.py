"""The variables about Services that kubelet gives to a container (pkg/kubelet/envvars, getServiceEnvVarMap)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iptc_sim.kube.objects import Cluster, Service


def service_variables(
    namespace: str, cluster: Cluster, *, links: bool = True, own: Iterable[str] = ()
) -> dict[str, str]:
    """Return the variables of the Services that a container started now in a namespace would get.

    Those are the Services of the namespace, and in any case ``kubernetes`` of the namespace default, unless the
    namespace has one of that name. Only Services with a cluster IP count.

    Args:
        namespace: the pod's.
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        links: the pod's ``enableServiceLinks``.
        own: the names of variables that the container sets by itself, which stay as they are.

    Returns:
        Names and values; Services by name, the order between which is random in kubelet.
    """
    chosen: dict[str, Service] = {}
    for service in cluster.services:
        if not service.cluster_ip or service.is_headless or not service.ports:
            continue
        if links and service.namespace == namespace:
            chosen[service.name] = service
        elif service.namespace == "default" and service.name == "kubernetes":
            chosen.setdefault(service.name, service)
    found = {name: value for key in sorted(chosen) for name, value in _variables(chosen[key])}
    for name in own:
        found.pop(name, None)
    return found


def _variables(service: Service) -> Iterator[tuple[str, str]]:
    prefix, address, first = _upper(service.name), service.cluster_ip or "", service.ports[0]
    host = f"[{address}]" if ":" in address else address
    yield f"{prefix}_SERVICE_HOST", address
    yield f"{prefix}_SERVICE_PORT", str(first.port)
    for port in service.ports:
        if port.name:
            yield f"{prefix}_SERVICE_PORT_{_upper(port.name)}", str(port.port)
    yield f"{prefix}_PORT", f"{first.protocol.lower()}://{host}:{first.port}"
    for port in service.ports:
        name = f"{prefix}_PORT_{port.port}_{port.protocol}"
        yield name, f"{port.protocol.lower()}://{host}:{port.port}"
        yield f"{name}_PROTO", port.protocol.lower()
        yield f"{name}_PORT", str(port.port)
        yield f"{name}_ADDR", address


def _upper(name: str) -> str:
    return name.upper().replace("-", "_")
