"""The objects of a cluster with many Services, as ``kubectl get services,endpointslices -A -o json`` prints them.

A cluster is named SxE: S Services with E endpoints each. Of 100 Services 5 are UDP, 10 have a NodePort, 2 a load balancer
address, 2 session affinity and 1 has no endpoints, as in :mod:`tests.bench.dumps`. ``python -m tests.bench.objects SxE``
prints one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

_UID = "0e1d2c3b-4a59-4687-9182-736455647382"


def cluster(services: int, endpoints: int) -> dict[str, object]:
    """Return a List of Services and EndpointSlices."""
    items = [item for index in range(services) for item in _objects(index, endpoints)]
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}


def _objects(index: int, endpoints: int) -> Iterator[dict[str, object]]:
    name, namespace, kind = f"service-{index}", f"team-{index % 50}", index % 100
    yield _service(index, name, namespace, kind)
    yield {
        "addressType": "IPv4",
        "apiVersion": "discovery.k8s.io/v1",
        "endpoints": [_endpoint(index, number, namespace) for number in range(0 if kind == 99 else endpoints)],
        "kind": "EndpointSlice",
        "metadata": _metadata(f"{name}-x7k2p", namespace, {"kubernetes.io/service-name": name}),
        "ports": [{"name": "http", "port": 8080, "protocol": _protocol(kind)}],
    }


def _service(index: int, name: str, namespace: str, kind: int) -> dict[str, object]:
    address = _address(10, 96, index)
    spec: dict[str, object] = {
        "clusterIP": address,
        "clusterIPs": [address],
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [_port(index, kind)],
        "selector": {"app": name},
        "sessionAffinity": "ClientIP" if kind in {20, 21} else "None",
        "type": "LoadBalancer" if kind in {30, 31} else "NodePort" if kind < 10 else "ClusterIP",
    }
    if kind in {20, 21}:
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}
    ingress = {"ingress": [{"ip": _address(198, 18, index)}]} if kind in {30, 31} else {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(name, namespace, {"app": name}),
        "spec": spec,
        "status": {"loadBalancer": ingress},
    }


def _port(index: int, kind: int) -> dict[str, object]:
    found: dict[str, object] = {"name": "http", "port": 80, "protocol": _protocol(kind), "targetPort": 8080}
    if kind < 10:
        found["nodePort"] = 30000 + index % 30000
    return found


def _endpoint(index: int, number: int, namespace: str) -> dict[str, object]:
    return {
        "addresses": [_address(11, 0, index * 8 + number)],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": f"node-{(index + number) % 100}",
        "targetRef": {"kind": "Pod", "name": f"service-{index}-{number}", "namespace": namespace, "uid": _UID},
    }


def _metadata(name: str, namespace: str, labels: dict[str, str]) -> dict[str, object]:
    return {
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": labels,
        "name": name,
        "namespace": namespace,
        "resourceVersion": "48151623",
        "uid": _UID,
    }


def _protocol(kind: int) -> str:
    return "UDP" if 10 <= kind < 15 else "TCP"


def _address(first: int, second: int, number: int) -> str:
    return f"{first}.{second + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def main() -> None:
    """Print the cluster of that name."""
    services, _, endpoints = sys.argv[1].partition("x")
    json.dump(cluster(int(services), int(endpoints)), sys.stdout)


if __name__ == "__main__":
    main()
