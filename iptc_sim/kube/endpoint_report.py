"""What ``kubectl get endpoints`` shows, and why a pod is or is not among a Service's endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

from iptc_sim.kube.controllers import selected, why_none
from iptc_sim.kube.make_endpoints import families_of, lost_node, pod_address, target_of
from iptc_sim.kube.names import endpoint_text
from iptc_sim.kube.near import selector_text
from iptc_sim.kube.objects import Cluster, Endpoints, Node, Pod, Service
from iptc_sim.kube.settings import Settings
from iptc_sim.records import dataclass

#: kubectl prints so many endpoints of a Service (printers: formatEndpoints).
SHOWN: Final = 3

State = Literal["ready", "not ready", "left out"]


@dataclass(frozen=True, slots=True)
class PodVerdict:
    """What becomes of a pod at a Service.

    Args:
        pod: the pod.
        state: whether it is a ready endpoint, one that is not ready, or none.
        reason: why it is not ready or left out; for a ready one what is odd about it, mostly nothing.
        ports: where it serves the Service's ports, ``10.244.1.5:8080``.
    """

    pod: Pod
    state: State
    reason: str = ""
    ports: tuple[str, ...] = ()


def explain_pods(service: Service, cluster: Cluster, settings: Settings) -> tuple[PodVerdict, ...]:
    """Return a verdict on every pod that is, or might be meant to be, an endpoint of a Service.

    Those are the pods of its namespace, and pods of other namespaces that its selector would fit. Whether Endpoints
    or EndpointSlices that are given say something else is another question: they win.

    Args:
        service: a Service.
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: the family of Services that tell none.
    """
    if not service.selector:
        return ()
    nodes = {node.name: node for node in cluster.nodes}
    found: list[PodVerdict] = []
    for pod in cluster.pods:
        if pod.namespace == service.namespace:
            found.append(_verdict(service, pod, nodes, settings))
        elif selected(service, [pod]):
            found.append(PodVerdict(pod, "left out", f"it is in namespace {pod.namespace}, not {service.namespace}"))
    return tuple(sorted(found, key=lambda item: (_ORDER[item.state], item.pod.namespace, item.pod.name)))


_ORDER: Final[Mapping[State, int]] = {"ready": 0, "not ready": 1, "left out": 2}


def _verdict(service: Service, pod: Pod, nodes: dict[str, Node], settings: Settings) -> PodVerdict:
    if not selected(service, [pod]):
        return PodVerdict(pod, "left out", _differs(service.selector, pod.labels))
    if pod.is_over:
        return PodVerdict(pod, "left out", f"it has ended: phase {pod.phase}")
    if not pod.addresses:
        return PodVerdict(pod, "left out", f"it has no address yet: phase {pod.phase}")
    address = next(filter(None, (pod_address(pod, family) for family in families_of(service, settings, [pod]))), "")
    if not address:
        family = families_of(service, settings, [pod])[0]
        return PodVerdict(pod, "left out", f"it has no IPv{int(family)} address, only {', '.join(pod.addresses)}")
    if lost_node(pod, nodes) and not service.publish_not_ready:
        # The Endpoints controller does not look at nodes, but kube-proxy of today does not look at Endpoints.
        message = f"its node {pod.node} is not among the Nodes given: no EndpointSlice has it, only Endpoints"
        return PodVerdict(pod, "left out", message)
    ports: list[str] = []
    missing: list[str] = []
    for port in service.ports:
        number = target_of(port, pod)
        if number is None:
            missing.append(f"{port.target_port}/{port.protocol}")
        else:
            ports.append(endpoint_text(address, number))
    lacks = f"no container has a port called {', '.join(missing)}" if missing else ""
    if missing and not ports:
        return PodVerdict(pod, "left out", lacks)
    served = tuple(ports) or (address,)
    why = "it is terminating" if pod.terminating else "" if pod.ready else "its condition Ready is not True"
    if why and not service.publish_not_ready:
        return PodVerdict(pod, "not ready", "; ".join(filter(None, (why, lacks))), served)
    published = f"{why}, but publishNotReadyAddresses is true" if why else ""
    return PodVerdict(pod, "ready", "; ".join(filter(None, (published, lacks))), served)


def _differs(selector: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Say which of the selector's labels a pod lacks."""
    parts: list[str] = []
    for key, value in selector.items():
        if key not in labels:
            parts.append(f"no label {key} (selector: {key}={value})")
        elif labels[key] != value:
            parts.append(f"label {key}={labels[key]} (selector: {key}={value})")
    return "it has " + ", ".join(parts)


def endpoints_text(endpoints: Endpoints, shown: int | None = SHOWN) -> str:
    """Return the ready addresses of an Endpoints object as kubectl prints them.

    Args:
        endpoints: the object.
        shown: how many are printed before the rest is counted; None: all.
    """
    texts: list[str] = []
    for subset in endpoints.subsets:
        if subset.ports:
            texts += [endpoint_text(item.address, port.port) for port in subset.ports for item in subset.ready]
        else:
            texts += [item.address for item in subset.ready]
    if not texts:
        return "<none>"
    more = len(texts) - shown if shown is not None else 0
    return f"{','.join(texts[:shown])} + {more} more..." if more > 0 else ",".join(texts)


def has_ready(endpoints: Iterable[Endpoints]) -> bool:
    """Whether there is a ready address in any of them."""
    return any(subset.ready for item in endpoints for subset in item.subsets)


def reasons(cluster: Cluster, endpoints: Sequence[Endpoints], chosen: Sequence[Service]) -> Iterator[str]:
    """Yield, for each chosen Service without ready endpoints, why it has none.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        endpoints: those of the chosen Services.
        chosen: Services.
    """
    known: dict[tuple[str, str], list[Endpoints]] = {}
    for item in endpoints:
        known.setdefault((item.namespace, item.name), []).append(item)
    for service in chosen:
        own = known.get((service.namespace, service.name), [])
        if not has_ready(own):
            yield f"{service.namespace}/{service.name}: {_reason(service, cluster, own)}"


def _reason(service: Service, cluster: Cluster, own: Sequence[Endpoints]) -> str:
    if service.type == "ExternalName":
        return f"an alias of {service.external_name}, which has no endpoints here"
    pods = [pod for pod in cluster.pods if pod.namespace == service.namespace]
    chosen = selected(service, pods)
    waiting = [item.address for entry in own for subset in entry.subsets for item in subset.not_ready]
    if waiting and not chosen:
        return f"{len(waiting)} not ready: {', '.join(waiting[:SHOWN])}"
    if not chosen and service.selector:
        elsewhere = sorted({pod.namespace for pod in cluster.pods if selected(service, [pod])})
        if elsewhere:
            text = selector_text(service.selector)
            return f"no pod of the namespace matches selector {text}; pods in {', '.join(elsewhere)} do"
    return why_none(service, pods, chosen)[0]
