"""Names of Services, pods and nodes as addresses in flows: ``svc/NS/NAME:PORT``, ``pod/NS/NAME``, DNS names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from typing import Final

from iptc_sim.diagnostics import Diagnostic, Severity, suggestion
from iptc_sim.flows.resolver import NotResolvedError, Resolved
from iptc_sim.kube.dns_records import Zone
from iptc_sim.kube.fields import family_of
from iptc_sim.kube.objects import Cluster, ContainerPort, Node, Pod, Service, ServicePort
from iptc_sim.kube.resolv import resolv_of, tries
from iptc_sim.kube.settings import Settings
from iptc_sim.protocols import protocol_name
from iptc_sim.values import Family

#: Looks a DNS name up from a namespace: the addresses of its first answer, none where there is no such name.
Lookup = Callable[[str, str], tuple[str, ...]]

DEFAULT_NAMESPACE: Final = "default"

_OBJECT = re.compile(r"(?P<kind>svc|service|pod|node|nodeport|lb)/(?P<rest>.+)")
_DNS = re.compile(r"(?P<name>(?!\d+(\.\d+){3}(:|$))[A-Za-z0-9_]([A-Za-z0-9_.-]*))(?::(?P<port>\w[\w-]*))?")
_SHAPES: Final = "svc/NS/NAME:PORT, nodeport/NS/NAME:PORT, lb/NS/NAME:PORT, pod/NS/NAME:PORT or node/NAME:PORT"


class ObjectResolver:
    """Turns names of objects into addresses.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: the family that is tried first.
        lookup: answers DNS names; None: they are not known.
        namespace: what names without one belong to.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        lookup: Lookup | None = None,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> None:
        self.cluster, self.settings, self.lookup, self.namespace = cluster, settings, lookup, namespace
        #: What was noticed: of several addresses one was taken.
        self.notes: list[Diagnostic] = []

    def resolve(self, word: str, protocol: int) -> Resolved | None:
        """Return what a word of a flow stands for; None where it is no name.

        Raises:
            NotResolvedError: it is a name, of nothing that is among the objects.
        """
        found = _OBJECT.fullmatch(word)
        if found is None:
            return self._dns(word)
        kind, rest = found["kind"], found["rest"]
        name, _, port = rest.partition(":")
        if kind == "node":
            return self._node(name, port)
        namespace, _, name = name.rpartition("/")
        namespace = namespace or self.namespace
        if "/" in namespace or not name:
            raise NotResolvedError(f"{word} is not a name", _SHAPES)
        if kind == "pod":
            return self._pod(namespace, name, port, protocol)
        service = self.find_service(namespace, name)
        if kind == "nodeport":
            return self._node_port(service, port, protocol)
        if kind == "lb":
            return self._balancer(service, port, protocol)
        return self._service(service, port, protocol)

    def find_service(self, namespace: str, name: str) -> Service:
        """Return a Service.

        Raises:
            NotResolvedError: there is none of that name; the hint names what is near.
        """
        for service in self.cluster.services:
            if (service.namespace, service.name) == (namespace, name):
                return service
        elsewhere = [item.namespace for item in self.cluster.services if item.name == name]
        known = [f"{item.namespace}/{item.name}" for item in self.cluster.services]
        hint = f"there is one in namespace {', '.join(elsewhere)}" if elsewhere else _near(f"{namespace}/{name}", known)
        raise NotResolvedError(f"there is no Service {namespace}/{name} among the objects", hint=hint)

    def find_port(self, service: Service, word: str, protocol: int) -> ServicePort | None:
        """Return a Service's port by number or name; None for a number that it has not.

        Raises:
            NotResolvedError: it has no port of that name, or none or several where none is named.
        """
        wanted = protocol_name(protocol).upper()
        ports = [port for port in service.ports if port.protocol == wanted]
        label = f"Service {service.namespace}/{service.name}"
        known = ", ".join(_port_text(port) for port in service.ports) or "no port"
        if not word:
            if len(ports) == 1:
                return ports[0]
            what = "several ports" if ports else f"no {wanted} port"
            raise NotResolvedError(f"{label} has {what}", f"a port: {known}")
        if word.isdecimal():
            return next((port for port in ports if port.port == int(word)), None)
        for port in ports:
            if port.name == word:
                return port
        raise NotResolvedError(
            f"{label} has no {wanted} port called {word}", known, suggestion(word, [port.name for port in ports])
        )

    def _service(self, service: Service, word: str, protocol: int) -> Resolved:
        label = f"Service {service.namespace}/{service.name}"
        if service.type == "ExternalName":
            target = service.external_name or "another name"
            raise NotResolvedError(f"{label} is of type ExternalName: it is an alias of {target}, without an address")
        port = self.find_port(service, word, protocol)
        if service.is_headless:
            return self._headless(service, port)
        address = service.address(self.settings.family) or service.address(_other(self.settings.family))
        if address is None:
            raise NotResolvedError(f"{label} has no cluster IP")
        return Resolved(ip_address(address), port.port if port else int(word))

    def _headless(self, service: Service, port: ServicePort | None) -> Resolved:
        """Return the first endpoint: that is what clients of a headless Service reach, by its A records."""
        label = f"Service {service.namespace}/{service.name}"
        ready: list[tuple[str, int | None]] = []
        for part in self.cluster.slices:
            if (part.namespace, part.service) == (service.namespace, service.name):
                number = next((item.port for item in part.ports if port and item.name == port.name), None)
                ready += [(item.address, number) for item in part.endpoints if item.ready]
        if not ready:
            raise NotResolvedError(f"{label} is headless and has no ready endpoint: its name has no address")
        ready.sort(key=lambda item: family_of(item[0]) != self.settings.family)
        self._taken(f"{label} is headless", [address for address, _ in ready])
        address, number = ready[0]
        return Resolved(ip_address(address), number)

    def _node_port(self, service: Service, word: str, protocol: int) -> Resolved:
        port = self.find_port(service, word, protocol)
        if port is None or not port.node_port:
            raise NotResolvedError(f"Service {service.namespace}/{service.name} has no node port for {word or 'it'}")
        own = [*self.settings.own_addresses, *self._own_node_addresses()]
        if not own:
            raise NotResolvedError("no address of the node is known", "--node-ip ADDR, or a Node among the objects")
        return Resolved(ip_address(own[0]), port.node_port)

    def _own_node_addresses(self) -> Iterator[str]:
        nodes = self.cluster.nodes
        for node in sorted(nodes, key=lambda item: item.name != self.settings.hostname_override):
            yield from (item for item in node.addresses if family_of(item) == self.settings.family)

    def _balancer(self, service: Service, word: str, protocol: int) -> Resolved:
        port = self.find_port(service, word, protocol)
        addresses = [item.address for item in service.ingress]
        if not addresses:
            raise NotResolvedError(f"Service {service.namespace}/{service.name} has no load balancer address")
        chosen = self._of_family(addresses)
        self._taken(f"the load balancer of {service.namespace}/{service.name}", addresses)
        return Resolved(ip_address(chosen), port.port if port else int(word))

    def _pod(self, namespace: str, name: str, word: str, protocol: int) -> Resolved:
        pod = next((item for item in self.cluster.pods if (item.namespace, item.name) == (namespace, name)), None)
        addresses = pod.addresses if pod else tuple(self._endpoint_addresses(namespace, name))
        if not addresses:
            known = [f"{item.namespace}/{item.name}" for item in self.cluster.pods]
            what = f"pod {namespace}/{name} has no address" if pod else f"there is no pod {namespace}/{name}"
            raise NotResolvedError(f"{what} among the objects", hint="" if pod else _near(f"{namespace}/{name}", known))
        return Resolved(ip_address(self._of_family(addresses)), _pod_port(pod, word, protocol))

    def _endpoint_addresses(self, namespace: str, pod: str) -> Iterator[str]:
        """Yield the addresses that slices say a pod has."""
        for part in self.cluster.slices:
            if part.namespace == namespace:
                yield from (item.address for item in part.endpoints if item.target == f"Pod {pod}")

    def _node(self, name: str, word: str) -> Resolved:
        node = next((item for item in self.cluster.nodes if item.name == name), Node(""))
        own = self.settings.own_addresses if name == self.settings.hostname_override else ()
        addresses = (*own, *node.addresses)
        if not addresses:
            known = [item.name for item in self.cluster.nodes]
            raise NotResolvedError(f"no address of a node {name} is known", "a Node object", suggestion(name, known))
        if word and not word.isdecimal():
            raise NotResolvedError(f"{word} is not a port number")
        return Resolved(ip_address(self._of_family(addresses)), int(word) if word else None)

    def _dns(self, word: str) -> Resolved | None:
        found = _DNS.fullmatch(word)
        if found is None or self.lookup is None or not re.search("[A-Za-z]", found["name"]):
            return None
        addresses = self.lookup(found["name"], self.namespace)
        if not addresses:
            message = f"there is no DNS name {found['name']} in namespace {self.namespace}"
            raise NotResolvedError(message, hint=f"iptc-sim dns {found['name']} shows each name that is tried")
        self._taken(f"the DNS name {found['name']}", addresses)
        port = found["port"] or ""
        if port and not port.isdecimal():
            raise NotResolvedError(f"{port} is not a port number; names of ports are for svc/NS/NAME:PORT")
        return Resolved(ip_address(self._of_family(addresses)), int(port) if port else None)

    def _of_family(self, addresses: Iterable[str]) -> str:
        return min(addresses, key=lambda text: family_of(text) != self.settings.family)

    def _taken(self, subject: str, addresses: Iterable[str]) -> None:
        """Note that one of several addresses was taken."""
        found = sorted(addresses, key=lambda text: family_of(text) != self.settings.family)
        if len(found) > 1:
            message = f"{subject} has {len(found)} addresses: {found[0]} was taken, not {', '.join(found[1:4])}"
            message += " ..." if len(found) > 4 else ""
            self.notes.append(Diagnostic("IPT092", message, Severity.NOTE))


def dns_lookup(cluster: Cluster) -> Lookup:
    """Return what looks DNS names up as the resolver of a pod does: along the search list of its namespace.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
    """
    zone = Zone(cluster)

    def lookup(name: str, namespace: str) -> tuple[str, ...]:
        for full in tries(name, resolv_of(None, namespace)):
            answer = zone.ask(full)
            if answer.addresses:
                return answer.addresses
            if answer.records:
                target = answer.records[-1].value.removesuffix(".")
                raise NotResolvedError(f"the DNS name {name} is an alias of {target}, whose address no object tells")
        return ()

    return lookup


def _other(family: Family) -> Family:
    return Family.IPV6 if family is Family.IPV4 else Family.IPV4


def _port_text(port: ServicePort) -> str:
    return f"{port.port}/{port.protocol.lower()}" + (f" ({port.name})" if port.name else "")


def _pod_port(pod: Pod | None, word: str, protocol: int) -> int | None:
    if word.isdecimal():
        return int(word)
    ports: list[ContainerPort] = [] if pod is None else list(pod.ports)
    if not word:
        return None
    wanted = protocol_name(protocol).upper()
    for port in ports:
        if (port.name, port.protocol) == (word, wanted):
            return port.port
    raise NotResolvedError(
        f"the pod has no container port called {word}", hint=suggestion(word, [p.name for p in ports])
    )


def _near(word: str, known: Iterable[str]) -> str:
    return suggestion(word, known)
