"""The pods of workloads, and the addresses that the pod network would give them.

Everything is a function of the objects alone, so that the same files give the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from ipaddress import ip_network

from iptc_sim.diagnostics import Diagnostic, Severity, UsageError
from iptc_sim.kube.objects import Cluster, Node, Pod, Workload
from iptc_sim.kube.settings import Settings
from iptc_sim.records import replace
from iptc_sim.values import Family

_HINT = "give the Pods or EndpointSlices as the cluster stores them for the real ones"


def make_pods(cluster: Cluster, settings: Settings) -> tuple[tuple[Pod, ...], list[Diagnostic]]:
    """Return all pods of a cluster, each with an address, and notes about what was made (IPT053).

    A workload makes pods unless pods that its selector fits are given, or its owner is given, which makes them.

    Args:
        cluster: the objects as they were read.
        settings: the range that addresses come from.

    Raises:
        UsageError: IPT054, the range has no address left.
    """
    addresses = _Addresses(cluster, settings)
    notes: list[Diagnostic] = []
    pods: list[Pod] = []
    for pod in cluster.pods:
        if pod.is_plain:
            pods.append(addresses.give(pod))
            notes.append(_note(f"Pod {pod.namespace}/{pod.name} is", pods[-1:]))
        else:
            pods.append(pod)
    given: dict[str, list[Pod]] = {}
    for pod in cluster.pods:
        given.setdefault(pod.namespace, []).append(pod)
    owners = {(item.namespace, f"{item.kind} {item.name}") for item in cluster.workloads}
    for workload in cluster.workloads:
        others = given.get(workload.namespace, ())
        if (workload.namespace, workload.owner) in owners or any(workload.selector.fits(pod.labels) for pod in others):
            continue
        made = [addresses.give(pod) for pod in _pods_of(workload, cluster.nodes)]
        pods += made
        name = f"{workload.kind} {workload.namespace}/{workload.name}"
        if made:
            notes.append(
                _note(f"the {len(made)} pods of {name} are" if len(made) > 1 else f"the pod of {name} is", made)
            )
        elif workload.kind == "DaemonSet":
            message = f"{name} makes no pod: none of the nodes has the labels that it asks for"
            notes.append(Diagnostic("IPT053", message, Severity.NOTE))
    return tuple(pods), notes


class _Addresses:
    """The addresses of the pod range that no object uses, from .2 on; .1 is the bridge's.

    Args:
        cluster: for the addresses in use, and the nodes' own.
        settings: for the range.
    """

    def __init__(self, cluster: Cluster, settings: Settings) -> None:
        self._settings = settings
        self._nodes = {node.name: node for node in cluster.nodes}
        self._free = self._unused(cluster)

    def give(self, pod: Pod) -> Pod:
        """Return a pod with an address: the node's own on the host network."""
        own = self._nodes.get(pod.node, Node("")).addresses or (
            self._settings.own_addresses if pod.node == self._settings.hostname_override else ()
        )
        addresses = own if pod.spec.host_network and own else (self._next(),)
        return replace(pod, addresses=addresses, is_plain=False)

    def _next(self) -> str:
        for address in self._free:
            return address
        message = "the range has no address left for the pods"
        raise UsageError(Diagnostic("IPT054", message, subject="--pod-cidr", expected="a larger range"))

    def _unused(self, cluster: Cluster) -> Iterator[str]:
        used = _used(cluster)
        family = self._settings.family
        network = ip_network(self._settings.pod_range(family), strict=False)
        for offset in range(2, network.num_addresses - (1 if family is Family.IPV4 else 0)):
            text = str(network.network_address + offset)
            if text not in used:
                yield text


def _used(cluster: Cluster) -> set[str]:
    used = {address for pod in cluster.pods for address in pod.addresses}
    used |= {item.address for part in cluster.slices for item in part.endpoints}
    return used | {
        item.address for entry in cluster.endpoints for part in entry.subsets for item in (*part.ready, *part.not_ready)
    }


def _pods_of(workload: Workload, nodes: Iterable[Node]) -> Iterator[Pod]:
    mark = sha256(f"{workload.namespace}/{workload.name}".encode()).hexdigest()[:10]
    spec = workload.template
    plain = Pod(workload.namespace, "", workload.labels, spec, owner=f"{workload.kind} {workload.name}")
    if workload.kind == "StatefulSet":
        # Its pods alone have names of their own in the DNS (apps: StatefulSet, updateIdentity).
        for number in range(workload.first, workload.first + workload.replicas):
            name = f"{workload.name}-{number}"
            own = replace(spec, hostname=name, subdomain=workload.service_name or spec.subdomain)
            yield replace(plain, name=name, spec=own)
    elif workload.kind == "DaemonSet":
        wanted = spec.node_selector.items()
        places = [node.name for node in nodes if wanted <= node.labels.items()] if nodes else [spec.node]
        for number, place in enumerate(places, 1):
            yield replace(plain, name=f"{workload.name}-{mark}-{number}", spec=replace(spec, node=place))
    else:
        for number in range(1, workload.replicas + 1):
            yield replace(plain, name=f"{workload.name}-{mark}-{number}")


def _note(subject: str, pods: list[Pod]) -> Diagnostic:
    first, last = pods[0].addresses[0], pods[-1].addresses[0]
    where = first if first == last else f"{first} to {last}"
    return Diagnostic("IPT053", f"{subject} taken to have {where}", Severity.NOTE, hint=_HINT)
