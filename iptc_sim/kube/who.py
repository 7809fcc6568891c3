"""Who is it: chains, Services, addresses, each told from the objects or from a dump, in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Final

from iptc_sim.diagnostics import Diagnostic, Severity
from iptc_sim.kube.names import endpoint_chain, service_hash
from iptc_sim.kube.names_of import NUMBERED, ChainName, Names, names_of, object_names
from iptc_sim.kube.objects import Cluster, Service
from iptc_sim.kube.settings import Settings
from iptc_sim.match import Match
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Rule, Ruleset

#: Chains that kube-proxy and kubelet have whatever the Services are (kube-proxy.md, 2 and 5).
OWN_CHAINS: Final[Mapping[str, str]] = {
    "KUBE-SERVICES": "kube-proxy's: where packets for cluster IPs, external IPs and load balancers find their Service",
    "KUBE-NODEPORTS": "kube-proxy's: where packets for node ports find their Service; in filter health checks",
    "KUBE-EXTERNAL-SERVICES": "kube-proxy's: refuses what comes from outside for Services without endpoints",
    "KUBE-FORWARD": "kube-proxy's: lets packets of Services be forwarded",
    "KUBE-POSTROUTING": "kube-proxy's: masquerades what carries its mark",
    "KUBE-MARK-MASQ": "kube-proxy's: sets the mark that asks for masquerading",
    "KUBE-MARK-DROP": "kubelet's: sets the mark that asks for dropping; kube-proxy up to 1.24 jumps there",
    "KUBE-FIREWALL": "kubelet's, and kube-proxy's from 1.27 on: drops packets from outside for 127.0.0.0/8",
    "KUBE-PROXY-FIREWALL": "kube-proxy's from 1.25 on: drops what the source ranges of load balancers keep out",
    "KUBE-PROXY-CANARY": "kube-proxy's: empty; its loss shows that somebody flushed the tables",
    "KUBE-KUBELET-CANARY": "kubelet's: empty; its loss shows that somebody flushed the tables",
    "KUBE-IPTABLES-HINT": "kubelet's: empty; shows which iptables, nft or legacy, the node uses",
    "KUBE-PORTALS-CONTAINER": "kube-proxy's in userspace mode: packets of pods for Services",
    "KUBE-PORTALS-HOST": "kube-proxy's in userspace mode: packets of this node for Services",
    "KUBE-NODEPORT-CONTAINER": "kube-proxy's in userspace mode: packets of pods for node ports",
    "KUBE-NODEPORT-HOST": "kube-proxy's in userspace mode: packets of this node for node ports",
    "KUBE-NODEPORT-NON-LOCAL": "kube-proxy's in userspace mode: lets packets for its own ports in",
}

_KINDS: Final = {
    "SVC": "",
    "SVL": "local endpoints of ",
    "EXT": "external traffic of ",
    "FW": "source ranges of ",
    "XLB": "external traffic of ",
}
_ERAS: Final = {"SVL": ", of 1.24 and later", "EXT": ", of 1.24 and later", "XLB": ", of 1.23 and before"}
_HASH: Final = re.compile(r"[A-Z2-7]{16}")
_SERVICE: Final = re.compile(r"(?:svc/|service/)?(?P<name>[a-z0-9.-]+/[a-z0-9.-]+)(?::(?P<port>[a-z0-9-]+))?")
_ADDRESS: Final = re.compile(r"\[(?P<six>[0-9a-fA-F:.]+)\](?::(?P<port6>\d+))?|(?P<four>[0-9.]+)(?::(?P<port4>\d+))?")
_PROTOCOLS: Final = ("tcp", "udp", "sctp")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one name.

    Args:
        name: the name.
        text: what it stands for.
        about: a chain's Service and endpoint, None for what is no chain of a Service.
        note: what is odd about it.
    """

    name: str
    text: str
    about: ChainName | None = None
    note: Diagnostic | None = None


class Who:
    """Answers about names.

    Args:
        cluster: the objects; None where none are given.
        settings: kube-proxy's flags.
        dump: a dump; None where none is given.
        dump_name: what to call it.
    """

    def __init__(self, cluster: Cluster | None, settings: Settings, dump: Ruleset | None, dump_name: str = "") -> None:
        self.cluster = cluster or Cluster()
        self.dump, self.dump_name = dump, dump_name
        self.objects = object_names(self.cluster, settings) if cluster else {}
        self.names: Names = names_of(dump or Ruleset({}), self.objects)

    def tell(self, word: str) -> list[Known]:
        """Return what a name stands for, one answer for each thing that bears it; empty where nothing is known."""
        name = word.strip()
        if name.upper() in OWN_CHAINS:
            return [Known(name.upper(), OWN_CHAINS[name.upper()])]
        if NUMBERED.fullmatch(name.upper()):
            return self._chain(name.upper())
        if _HASH.fullmatch(name):
            kinds = (*_KINDS, "SEP")
            return [known for kind in kinds for known in self._chain(f"KUBE-{kind}-{name}") if self._shown(known)]
        if name.isdecimal():
            return list(self._number(name))
        if service := _service_word(name):
            return list(self._service(*service))
        if found := _ADDRESS.fullmatch(name) or _ADDRESS.fullmatch(f"[{name}]"):
            return list(self._address(found["six"] or found["four"], found["port6"] or found["port4"] or ""))
        return []

    def near(self, word: str) -> str:
        """Return a hint for a name of which nothing is known."""
        known = [*self.names, *{about.service for about in self.objects.values()}]
        known += [f"{item.namespace}/{item.name}" for item in self.cluster.services]
        close = get_close_matches(word, known, n=1, cutoff=0.6)
        return (
            f"did you mean {close[0]} ({self.names[close[0]]})?"
            if close and close[0] in self.names
            else (f"did you mean {close[0]}?" if close else "")
        )

    def _shown(self, known: Known) -> bool:
        """Whether to tell of a chain when only its hash was asked for: those that the dump has, if there is one."""
        return self.dump is None or self.dump.chain("nat", known.name) is not None

    def _chain(self, name: str) -> list[Known]:
        about = self.names.about(name)
        if about is None:
            return []
        note = self._odd(name, about)
        if name not in self.objects:
            about = _checked(name, about) or about
        text = _text(about)
        if name not in self.objects:
            how = "its comments" if about.told_by == "comments" else "the rules that lead to it"
            text += f", as {how} in {self.dump_name} say"
        elif self.dump is not None and self.dump.chain("nat", name) is None:
            text += f"; {self.dump_name} does not have it"
        return [Known(name, text, about, note)]

    def _odd(self, name: str, about: ChainName) -> Diagnostic | None:
        """Return a note where the name of a chain and its comments tell of two Services."""
        said = names_of(self.dump).about(name) if self.dump is not None else None
        if said is None:
            return None
        if name in self.objects and said.service != about.service:
            message = f"{name} is the chain of {about.service}, but its rules speak of {said.service}"
        elif name not in self.objects and (said.kind != "SEP" or said.endpoint) and _checked(name, said) is None:
            what = f"{said.service} and {said.endpoint}" if said.endpoint else said.service
            message = f"the name {name} is not the hash of {what}, of which its rules speak"
        else:
            return None
        return Diagnostic("IPT091", message, Severity.NOTE, subject=self.dump_name)

    def _service(self, name: str, port: str) -> Iterator[Known]:
        """Yield the chains of a Service or service port: those of the dump, else those that a release may make."""
        wanted = f"{name}:{port}" if port else name
        for service in self.cluster.services:
            if f"{service.namespace}/{service.name}" == name:
                yield Known(name, _service_text(service))
        for chain in self.names if self.dump is not None else self.objects:
            about = self.names.about(chain)
            if about is None or not _is_of(about.service, wanted, named=bool(port)):
                continue
            if self.dump is None or self.dump.chain("nat", chain) is not None:
                yield Known(chain, _text(about), about)

    def _address(self, address: str, port: str) -> Iterator[Known]:
        try:
            wanted = str(ip_address(address))
        except ValueError:
            return
        name = f"[{address}]:{port}" if ":" in address and port else f"{address}:{port}" if port else address
        for service in self.cluster.services:
            yield from (Known(name, text) for text in _roles(service, wanted, port))
        for pod in self.cluster.pods:
            if wanted in pod.addresses:
                where = f" on node {pod.node}" if pod.node else ""
                yield Known(name, f"pod {pod.namespace}/{pod.name}{where}")
        for node in self.cluster.nodes:
            if wanted in node.addresses:
                yield Known(name, f"node {node.name}")
        endpoints: dict[str, None] = {}
        for chain in self.names:
            about = self.names.about(chain)
            if about is not None and about.kind == "SEP" and _has_address(about.endpoint, wanted, port):
                endpoints[f"endpoint {about.endpoint} of {about.service}"] = None
        yield from (Known(name, text) for text in endpoints)
        if not self.cluster.services and self.dump is not None:
            yield from self._in_rules(name, wanted, port)

    def _in_rules(self, name: str, address: str, port: str) -> Iterator[Known]:
        """Yield what a dump's KUBE-SERVICES says of an address, where there are no objects."""
        chain = self.dump.chain("nat", "KUBE-SERVICES") if self.dump else None
        for rule in chain.rules if chain else ():
            words = rule.base.words()
            destination = words[words.index("-d") + 1].partition("/")[0] if "-d" in words else ""
            ports = _ports(rule)
            if destination == address and (not port or port in ports) and rule.comment:
                yield Known(name, f"{rule.comment} (port {', '.join(ports)}), as {self.dump_name} says")

    def _number(self, port: str) -> Iterator[Known]:
        """Yield what a number is as a port of nodes."""
        for service in self.cluster.services:
            name = f"{service.namespace}/{service.name}"
            for item in service.ports:
                if str(item.node_port) == port:
                    yield Known(
                        port, f"node port of {name}, port {item.port}/{item.protocol.lower()} {item.name}".rstrip()
                    )
            if str(service.health_check_node_port) == port:
                yield Known(port, f"health check node port of {name}")
        for table in ("nat", "filter") if self.dump and not self.cluster.services else ():
            chain = self.dump.chain(table, "KUBE-NODEPORTS") if self.dump else None
            for rule in chain.rules if chain else ():
                if port in _ports(rule):
                    what = "" if "health check" in rule.comment else "node port of "
                    yield Known(port, f"{what}{rule.comment}, as {self.dump_name} says")


def _ports(rule: Rule) -> list[str]:
    return [text.split()[-1] for match in rule.matches if (text := _dport(match))]


def _dport(match: Match) -> str:
    return match.option_text("dport") if getattr(match, "dport", None) is not None else ""


def _service_word(word: str) -> tuple[str, str] | None:
    found = _SERVICE.fullmatch(word.removesuffix(":"))
    if found is None or _is_prefix(found["name"]):
        return None
    return found["name"], found["port"] or ""


def _is_prefix(text: str) -> bool:
    return re.fullmatch(r"[0-9.]+/\d+", text) is not None


def _is_of(service: str, wanted: str, *, named: bool) -> bool:
    return service == wanted or (not named and service.partition(":")[0] == wanted)


def _checked(name: str, about: ChainName) -> ChainName | None:
    """Return what a dump tells of a chain, with the protocol whose hash its name is; None where it is no hash of it."""
    for with_colon in (False,) if ":" in about.service else (False, True):
        service = about.service + ":" * with_colon
        for protocol in _PROTOCOLS:
            if about.kind == "SEP":
                made = endpoint_chain(service, protocol, about.endpoint)
            else:
                made = f"KUBE-{about.kind}-{service_hash(service, protocol)}"
            if made == name:
                return replace(about, port=protocol, with_colon=with_colon)
    return None


def _text(about: ChainName) -> str:
    port = f" ({about.port if about.port in _PROTOCOLS else f'port {about.port}'})" if about.port else ""
    if about.kind == "SEP":
        text = (
            f"endpoint {about.endpoint} of {about.service}{port}" if about.endpoint else f"endpoint of {about.service}"
        )
    else:
        to = " to local endpoints" if about.kind == "XLB" else ""
        text = f"{_KINDS[about.kind]}{about.service}{to}{port}{_ERAS.get(about.kind, '')}"
    if about.with_colon:
        return f"{text}, named as up to release 1.18"
    if ":" not in about.service and about.port:
        return f"{text}, named as from release 1.20 on"
    return text


def _service_text(service: Service) -> str:
    ports = ", ".join(
        f"{port.name + ' ' if port.name else ''}{port.port}/{port.protocol.lower()} -> {port.target_port}"
        + (f", node port {port.node_port}" if port.node_port else "")
        for port in service.ports
    )
    address = ", ".join(service.cluster_ips) or service.cluster_ip or "no cluster IP"
    if service.is_headless:
        address = "headless"
    return f"Service of type {service.type}, {address}, {ports or 'no port'}"


def _roles(service: Service, address: str, port: str) -> Iterator[str]:
    """Yield what an address is to a Service."""
    name = f"{service.namespace}/{service.name}"
    roles: list[tuple[str, Sequence[str]]] = [
        ("cluster IP", (*service.cluster_ips, service.cluster_ip or "")),
        ("external IP", service.external_ips),
        ("load balancer IP", [item.address for item in service.ingress]),
    ]
    for role, addresses in roles:
        if address in addresses:
            ports = [item for item in service.ports if not port or str(item.port) == port]
            told = ", ".join(
                f"{item.port}/{item.protocol.lower()}{f' {item.name}' * bool(item.name)}" for item in ports
            )
            known = ", ".join(str(item.port) for item in service.ports)
            yield (
                f"{role} of {name}, port {told}" if told else f"{role} of {name}, which has no port {port} but {known}"
            )


def _has_address(endpoint: str, address: str, port: str) -> bool:
    host, _, own = endpoint.rpartition(":")
    return host.strip("[]") == address and (not port or own == port)
