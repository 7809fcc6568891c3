"""First stage: is there such a Service, with such a port, and what kind is it?"""

from __future__ import annotations

from iptc_sim.diagnostics import Diagnostic
from iptc_sim.doctor.report import Check, Verdict
from iptc_sim.flows.resolver import NotResolvedError
from iptc_sim.kube.addresses import ObjectResolver
from iptc_sim.kube.objects import PROXY_NAME_LABEL, Service, ServicePort
from iptc_sim.protocols import protocol_number
from iptc_sim.records import dataclass

_STAGE = "objects"


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked about.

    Args:
        word: as it was typed.
        via: ``svc``, ``nodeport`` or ``lb``: which of its addresses.
        service: the Service.
        port: its port.
        address: where a packet is sent.
        number: and to which port.
        assigned: whether addresses of it were made up here, because the objects are no stored ones.
    """

    word: str
    via: str
    service: Service
    port: ServicePort
    address: str
    number: int
    assigned: bool = False

    @property
    def label(self) -> str:
        """The service port as chains and comments name it."""
        service = f"{self.service.namespace}/{self.service.name}"
        return f"{service}:{self.port.name}" if self.port.name else service

    @property
    def protocol(self) -> str:
        """Its protocol in lower case."""
        return self.port.protocol.lower()


def check_objects(word: str, protocol: str, resolver: ObjectResolver) -> tuple[Check, Target | None]:
    """Return what is found about a Service, and what to go on with; None where there is nothing to go on with.

    Args:
        word: ``svc/NS/NAME[:PORT]``, ``nodeport/...``, ``lb/...``, ``NS/NAME[:PORT]``, a DNS name, or an address of a
            Service.
        protocol: empty: that of the port.
        resolver: knows the objects.
    """
    try:
        return _found(word, protocol, resolver)
    except NotResolvedError as error:
        look_at = ". ".join(filter(None, (error.expected and f"it has {error.expected}", error.hint)))
        return Check(
            _STAGE, Verdict.WRONG, str(error), look_at=look_at or "the spelling, the namespace, the files"
        ), None


def _found(word: str, protocol: str, resolver: ObjectResolver) -> tuple[Check, Target | None]:
    via, service, port_word = _service(word, resolver)
    name = f"Service {service.namespace}/{service.name}"
    if service.type == "ExternalName":
        said = f"{name} is of type ExternalName: clients are sent to {service.external_name} by DNS, no rule takes part"
        return Check(
            _STAGE, Verdict.UNCLEAR, said, look_at=f"whether {service.external_name} resolves and answers"
        ), None
    port = _port(service, port_word, protocol, resolver)
    if port is None:
        return _no_port(service, port_word), None
    details = _remarks(service, resolver)
    if service.is_headless:
        return _headless(service, port, port_word, details), None
    number = protocol_number(port.protocol.lower())
    found = resolver.resolve(f"{via}/{service.namespace}/{service.name}:{port.name or port.port}", number)
    if found is None:
        raise NotResolvedError(f"{word} stands for no address")
    where = {"svc": "", "nodeport": " by its node port", "lb": " by its load balancer"}[via]
    ports = f"port {port.port}/{port.protocol.lower()} -> {port.target_port}"
    said = f"{name}, {service.type} {service.address(resolver.settings.family) or found.address}, {ports}{where}"
    assigned = any(note.code == "IPT053" and _is_about(note, service) for note in resolver.cluster.notes)
    target = Target(word, via, service, port, str(found.address), found.port or port.port, assigned)
    return Check(_STAGE, Verdict.OK, said, details), target


def _is_about(note: Diagnostic, service: Service) -> bool:
    """Whether a note on made up addresses is about a Service, or about pods of its namespace."""
    return (note.subject == service.label and bool(note.subject)) or f" {service.namespace}/" in note.message


def _service(word: str, resolver: ObjectResolver) -> tuple[str, Service, str]:
    """Return which kind of address is meant, the Service, and the port as it was typed."""
    kind, slash, rest = word.partition("/")
    if slash and kind in {"svc", "service", "nodeport", "lb"}:
        name, _, port = rest.partition(":")
        namespace, _, name = name.rpartition("/")
        return "svc" if kind == "service" else kind, resolver.find_service(namespace or resolver.namespace, name), port
    if slash:
        name, _, port = word.partition(":")
        namespace, _, name = name.rpartition("/")
        return "svc", resolver.find_service(namespace, name), port
    found = resolver.resolve(word, 6)
    host, _, port = (word, "", "") if word.count(":") > 1 and "[" not in word else word.rpartition(":")
    address = str(found.address) if found else (host or word).strip("[]")
    for service in resolver.cluster.services:
        if address in {service.cluster_ip, *service.cluster_ips}:
            return "svc", service, port
        if address in {item.address for item in service.ingress}:
            return "lb", service, port
    expected = "svc/NS/NAME:PORT, nodeport/NS/NAME:PORT, lb/NS/NAME:PORT, a DNS name or an address of a Service"
    raise NotResolvedError(f"{word} is no Service among the objects", expected)


def _port(service: Service, word: str, protocol: str, resolver: ObjectResolver) -> ServicePort | None:
    """Return the port, of whatever protocol where none is asked for."""
    wanted = [protocol] if protocol else list(dict.fromkeys(port.protocol.lower() for port in service.ports))
    if len(service.ports) == 1 and not word:
        return service.ports[0]
    errors: list[NotResolvedError] = []
    for name in wanted:
        try:
            found = resolver.find_port(service, word, protocol_number(name))
        except NotResolvedError as error:
            errors.append(error)
            continue
        if found is not None:
            return found
    if errors and not word.isdecimal():
        raise errors[0]
    return None


def _no_port(service: Service, word: str) -> Check:
    name = f"Service {service.namespace}/{service.name}"
    known = ", ".join(
        f"{port.port}/{port.protocol.lower()}{f' ({port.name})' * bool(port.name)}" for port in service.ports
    )
    look_at = f"it has {known or 'no port'}"
    for port in service.ports:
        if word == str(port.target_port):
            look_at = f"{word} is the pods' port; clients ask for the Service's port {port.port}"
        elif word == str(port.node_port):
            look_at = f"{word} is its node port: nodeport/{service.namespace}/{service.name}:{port.port}"
    return Check(_STAGE, Verdict.WRONG, f"{name} has no port {word}", look_at=look_at)


def _headless(service: Service, port: ServicePort, word: str, details: tuple[str, ...]) -> Check:
    """A headless Service has no address: clients reach pods, at the pods' port."""
    name = f"Service {service.namespace}/{service.name}"
    said = f"{name} is headless: DNS gives clients the addresses of its pods, no rule takes part"
    if word.isdecimal() and word != str(port.target_port):
        said += f", and port {word} is not translated"
        look_at = f"the pods listen on {port.target_port}: clients have to ask for that port"
        return Check(_STAGE, Verdict.WRONG, said, details, look_at)
    look_at = f"iptc-sim dns {service.name}.{service.namespace}, and whether the pods answer on {port.target_port}"
    return Check(_STAGE, Verdict.UNCLEAR, said, details, look_at)


def _remarks(service: Service, resolver: ObjectResolver) -> tuple[str, ...]:
    """Return what is to be known about a Service."""
    found: list[str] = []
    if service.has_other_proxy:
        label = f"{PROXY_NAME_LABEL}={service.labels[PROXY_NAME_LABEL]}"
        found.append(f"its label {label} leaves it to another proxy: a whole kube-proxy writes no rules for it")
    if any(note.code == "IPT053" and note.subject == service.label for note in resolver.cluster.notes):
        found.append("the object has no clusterIP: one was assigned here, the cluster's own is another")
    if service.internal_traffic_policy == "Local":
        found.append("internalTrafficPolicy Local: clients of the cluster IP reach endpoints of their own node only")
    if service.external_traffic_policy == "Local":
        found.append("externalTrafficPolicy Local: clients from outside reach endpoints of the node they come to only")
    return tuple(found)
