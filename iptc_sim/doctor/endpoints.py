"""Second stage: does the Service lead anywhere?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iptc_sim.doctor.objects import Target
from iptc_sim.doctor.report import Check, Verdict
from iptc_sim.kube.endpoint_report import explain_pods, reasons
from iptc_sim.kube.node_view import view_node
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.select import Backend, Portal, choose, portals
from iptc_sim.kube.settings import Settings

_STAGE = "endpoints"
_SHOWN = 6


def check_endpoints(target: Target, cluster: Cluster, settings: Settings) -> tuple[Check, tuple[str, ...]]:
    """Return what is found about the endpoints of a service port, and those that packets may be sent to.

    Args:
        target: the service port.
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags and release.
    """
    portal = find_portal(target, cluster, settings)
    if portal is None:
        said = f"Service {target.service.namespace}/{target.service.name} has no address of this family"
        look_at = "spec.ipFamilies and spec.clusterIPs; --ipv6 looks at the IPv6 proxier"
        return Check(_STAGE, Verdict.WRONG, said, look_at=look_at), ()
    if not portal.backends:
        return _none(target, cluster, settings), ()
    view = view_node(cluster, settings, len(portal.backends))
    choice = choose(portal, settings.kube_proxy, view.zone, settings.hostname_override)
    local = portal.internal_local if target.via == "svc" else portal.external_local
    usable = choice.local if local else choice.cluster
    details = tuple(_details(target, portal, cluster, settings, usable))
    if usable:
        texts = [item.text + " (this node)" * item.local for item in usable]
        more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
        ending = "" if any(item.ready for item in usable) else ", all of them terminating"
        return (
            Check(_STAGE, Verdict.OK, f"{len(texts)} ready: {', '.join(texts[:_SHOWN])}{more}{ending}", details),
            tuple(item.text for item in (*choice.cluster, *choice.local)),
        )
    if local and any(item.ready for item in portal.backends):
        return _none_here(target, portal, settings, details), ()
    count = len(portal.backends)
    said = f"{count} endpoint{'s' * (count > 1)}, none of them ready: {_texts(portal.backends)}"
    return Check(_STAGE, Verdict.WRONG, said, details, "the pods' readiness probes: kubectl describe pod"), ()


def find_portal(target: Target, cluster: Cluster, settings: Settings) -> Portal | None:
    """Return everything that decides about the rules of a service port; None where the family has none."""
    for portal in portals(cluster, settings):
        if (portal.label, portal.protocol) == (target.label, target.protocol):
            return portal
    return None


def _none(target: Target, cluster: Cluster, settings: Settings) -> Check:
    """Say why there is no endpoint at all."""
    service = target.service
    own = [item for item in cluster.slices if (item.namespace, item.service) == (service.namespace, service.name)]
    names = sorted({port.name for item in own for port in item.ports if item.endpoints})
    if names and target.port.name not in names:
        known = ", ".join(name or "(unnamed)" for name in names)
        called = f"called {target.port.name}" if target.port.name else "without a name"
        said = f"the endpoints of {target.label} have no port {called}, only {known}"
        look_at = "names of ports have to be the same in Service and Endpoints or EndpointSlice"
        return Check(_STAGE, Verdict.WRONG, said, look_at=look_at)
    entries = [item for item in cluster.endpoints if (item.namespace, item.name) == (service.namespace, service.name)]
    why = next((text.partition(": ")[2] for text in reasons(cluster, entries, [service])), "")
    details = tuple(_pods(target, cluster, settings))
    look_at = (
        "kubectl get pods --show-labels, and the Service's selector" if service.selector else "the Endpoints object"
    )
    if own or entries:
        why = why or "the Endpoints and EndpointSlices that were given hold none for this port"
    return Check(_STAGE, Verdict.WRONG, f"none: {why}", details, look_at)


def _none_here(target: Target, portal: Portal, settings: Settings, details: tuple[str, ...]) -> Check:
    policy = "internalTrafficPolicy" if target.via == "svc" else "externalTrafficPolicy"
    node = settings.hostname_override
    said = (
        f"{policy} is Local, and no endpoint is on {f'node {node}' if node else 'this node'}: {_texts(portal.backends)}"
    )
    hint = "" if node else "--hostname-override NAME says which node this is; "
    return Check(_STAGE, Verdict.WRONG, said, details, f"{hint}a node without a pod of the Service drops its packets")


def _texts(backends: Sequence[Backend]) -> str:
    texts = ", ".join(item.text for item in backends[:_SHOWN])
    return texts + " ..." * (len(backends) > _SHOWN)


def _details(
    target: Target, portal: Portal, cluster: Cluster, settings: Settings, usable: Sequence[Backend]
) -> Iterator[str]:
    waiting = [item for item in portal.backends if not item.ready]
    if waiting and len(waiting) < len(portal.backends):
        yield f"{len(waiting)} not ready: {_texts(waiting)}"
    ready = sum(item.ready for item in portal.backends)
    if usable and len(usable) < ready and not (portal.internal_local or portal.external_local):
        yield f"topology hints leave {len(usable)} of the {ready} that are ready to this node"
    yield from _pods(target, cluster, settings)


def _pods(target: Target, cluster: Cluster, settings: Settings) -> Iterator[str]:
    """Yield which pods of the Service are not ready, or left out although its selector fits."""
    shown = 0
    for item in explain_pods(target.service, cluster, settings):
        matches = "selector" not in item.reason
        if item.state != "ready" and item.reason and matches and shown < _SHOWN:
            shown += 1
            yield f"pod {item.pod.namespace}/{item.pod.name} is {item.state}: {item.reason}"
