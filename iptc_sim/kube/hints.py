"""Topology hints that the EndpointSlice controller writes (endpointslice/trafficdist, endpointslice/topologycache)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final

from iptc_sim.kube.objects import Endpoint, Node, Service

#: How much more than its share of the traffic an endpoint may get.
_OVERLOAD: Final = 1.2

_MODES: Final = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints")
_CONTROL_PLANE: Final = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


def add_hints(service: Service, endpoints: Sequence[Endpoint], nodes: Sequence[Node]) -> list[Endpoint]:
    """Return the endpoints of a Service and family with the hints that its settings ask for.

    The annotation ``Auto`` wins over ``trafficDistribution``. How many endpoints each zone gets follows the shares
    of CPU; which ones move to another zone is not laid down anywhere: here it is the last ones.

    Args:
        service: whose annotation and ``trafficDistribution`` count.
        endpoints: its endpoints, with zones.
        nodes: for the CPU of each zone.
    """
    mode = next((service.annotations[key] for key in _MODES if key in service.annotations), "")
    if mode in {"Auto", "auto"}:
        return _by_cpu(endpoints, _shares(nodes))
    if not service.traffic_distribution:
        return list(endpoints)
    same_node = service.traffic_distribution == "PreferSameNode"
    return [
        item._replace(
            zones=(item.zone,) if item.ready and item.zone else (),
            nodes=(item.node,) if item.ready and item.node and same_node else (),
        )
        for item in endpoints
    ]


def _shares(nodes: Sequence[Node]) -> Mapping[str, float]:
    """Return each zone's share of the CPU; none where a node that takes pods tells no zone or no CPU."""
    workers = [item for item in nodes if item.ready and not any(key in item.labels for key in _CONTROL_PLANE)]
    if not all(item.zone and item.millicores for item in workers):
        return {}
    found: Counter[str] = Counter()
    for item in workers:
        found[item.zone] += item.millicores
    return {zone: count / found.total() for zone, count in sorted(found.items())}


def _by_cpu(endpoints: Sequence[Endpoint], shares: Mapping[str, float]) -> list[Endpoint]:
    ready = [item for item in endpoints if item.ready]
    wanted = {zone: share * len(ready) for zone, share in shares.items()}
    least = sum(ceil(count / _OVERLOAD) for count in wanted.values())
    if not 2 <= len(wanted) <= len(ready) or least > len(ready) or any(item.zone not in wanted for item in ready):
        return list(endpoints)  # kube-proxy then takes them all
    has = Counter(item.zone for item in ready)
    given: dict[str, list[str]] = {zone: [] for zone in wanted}
    for giver, share in wanted.items():
        for _ in range(int(has[giver] - share)):
            taker = max(wanted, key=lambda zone: wanted[zone] - has[zone])
            given[giver].append(taker)
            has[giver] -= 1
            has[taker] += 1
    found: list[Endpoint] = []
    for item in reversed(endpoints):
        zone = (given[item.zone].pop() if given[item.zone] else item.zone) if item.ready else ""
        found.append(item._replace(zones=(zone,) if zone else ()))
    return found[::-1]
