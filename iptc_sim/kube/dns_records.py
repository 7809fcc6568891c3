"""The records that a cluster's DNS has for its Services (kubernetes/dns: specification 1.1.0)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from iptc_sim.kube.fields import family_of
from iptc_sim.kube.objects import Cluster, Endpoint, EndpointPort, Service
from iptc_sim.kube.resolv import CLUSTER_DOMAIN, Resolv, tries
from iptc_sim.records import dataclass
from iptc_sim.values import Family

VERSION: Final = "1.1.0"

TYPES: Final = ("A", "AAAA", "SRV", "CNAME", "PTR", "TXT")

#: The specification leaves both to the server.
_PRIORITY: Final = 0
_WEIGHT: Final = 100

#: A longer chain of aliases is given up, as resolvers do.
_LONGEST_CHAIN: Final = 8


@dataclass(frozen=True, slots=True)
class Record:
    """A DNS record; names end in a dot."""

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the cluster's DNS says to one question.

    Args:
        name: the name asked for.
        records: what it has of the types asked for, aliases in front.
        exists: whether there is the name at all; with no records it has others, or names below it.
        inside: whether the cluster's DNS answers for the name; other servers know about names outside.
    """

    name: str
    records: tuple[Record, ...] = ()
    exists: bool = False
    inside: bool = True

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses in it."""
        return tuple(item.value for item in self.records if item.type in {"A", "AAAA"})


class Zone:
    """All records of a cluster.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        domain: the cluster's domain.
    """

    def __init__(self, cluster: Cluster, domain: str = CLUSTER_DOMAIN) -> None:
        self.domain = domain.strip(".").lower()
        self._records: dict[str, list[Record]] = {}
        self._above: set[str] = set()
        self._add(Record(f"dns-version.{self.domain}.", "TXT", f'"{VERSION}"'))
        endpoints: dict[tuple[str, str], list[tuple[Endpoint, tuple[EndpointPort, ...]]]] = {}
        for part in cluster.slices:
            found = endpoints.setdefault((part.namespace, part.service), [])
            found += [(endpoint, part.ports) for endpoint in part.endpoints]
        for service in cluster.services:
            for record in self._of_service(service, endpoints.get((service.namespace, service.name), [])):
                self._add(record)

    def ask(self, name: str, types: tuple[str, ...] = ("A", "AAAA")) -> Answer:
        """Return the answer to a question; names compare without case.

        Args:
            name: a whole name, with or without the final dot.
            types: what is asked for.
        """
        key = name.lower().removesuffix(".") + "."
        chain: list[Record] = []
        while len(chain) < _LONGEST_CHAIN:
            records = self._records.get(key, [])
            found = [item for item in records if item.type in types]
            alias = next((item for item in records if item.type == "CNAME"), None)
            if found or alias is None:
                exists = bool(chain) or bool(records) or key in self._above
                return Answer(name, (*chain, *found), exists, bool(chain) or self._answers(key))
            chain.append(alias)
            key = alias.value.lower()
        return Answer(name, tuple(chain), exists=True)

    def _answers(self, key: str) -> bool:
        inside = key == f"{self.domain}." or key.endswith(f".{self.domain}.")
        return inside or key in self._records or key in self._above

    def _add(self, record: Record) -> None:
        known = self._records.setdefault(record.name, [])
        if record not in known:
            known.append(record)
        above = record.name
        while (above := above.partition(".")[2]) and above not in self._above:
            self._above.add(above)

    def _of_service(
        self, service: Service, endpoints: list[tuple[Endpoint, tuple[EndpointPort, ...]]]
    ) -> Iterator[Record]:
        host = f"{service.name}.{service.namespace}.svc.{self.domain}."
        if service.type == "ExternalName":
            yield Record(host, "CNAME", f"{service.external_name.removesuffix('.')}.")
        elif service.is_headless:
            for endpoint, ports in endpoints:
                if endpoint.ready or service.publish_not_ready:
                    yield from _of_endpoint(host, endpoint, ports)
        else:
            for address in service.cluster_ips or filter(None, (service.cluster_ip,)):
                yield _address(host, address)
                yield Record(_reverse(address), "PTR", host)
            for port in service.ports:
                if port.name:
                    yield _service_record(port.name, port.protocol, host, port.port, host)


def _of_endpoint(host: str, endpoint: Endpoint, ports: tuple[EndpointPort, ...]) -> Iterator[Record]:
    """Yield what a headless Service has for one endpoint, whose name without a hostname is its address with dashes."""
    label = endpoint.hostname or endpoint.address.replace(".", "-").replace(":", "-")
    own = f"{label}.{host}"
    yield _address(host, endpoint.address)
    yield _address(own, endpoint.address)
    yield Record(_reverse(endpoint.address), "PTR", own)
    for port in ports:
        if port.name:
            yield _service_record(port.name, port.protocol, host, port.port, own)


def _address(name: str, address: str) -> Record:
    return Record(name, "A" if family_of(address) is Family.IPV4 else "AAAA", address)


def _service_record(name: str, protocol: str, host: str, port: int, target: str) -> Record:
    return Record(f"_{name}._{protocol.lower()}.{host}", "SRV", f"{_PRIORITY} {_WEIGHT} {port} {target}")


def _reverse(address: str) -> str:
    return f"{ip_address(address).reverse_pointer}."


def lookup(zone: Zone, name: str, resolv: Resolv, types: tuple[str, ...] = ("A", "AAAA")) -> Iterator[Answer]:
    """Yield the answer to each try of a resolver; the last one is the first with records, if any.

    Args:
        zone: what the cluster's DNS knows.
        name: as an application says it.
        resolv: the pod's resolv.conf.
        types: what is asked for.
    """
    for attempt in tries(name, resolv):
        answer = zone.ask(attempt, types)
        yield answer
        if answer.records:
            return
