"""How a packet flow case is written down, and what a trace says in the same words.

The words are those of kube-proxy's own tests: ``pod -> 172.30.0.41:80 => 10.180.0.1:80 -m`` says that a connection of a
pod to the cluster IP reaches that endpoint and is not masqueraded (``+m``: it is; told for each endpoint where they differ); ``REJECT``, ``DROP`` and ``ACCEPT``
are verdicts, ``-`` says that the packet passes untouched.

kube-proxy's tests look the packet up in nat/PREROUTING and then, whatever its way is, in four chains of filter; they know
no routing, no conntrack state and no other hook. Where the whole way ends elsewhere, the case tells so after ``~``, with
the reason.

Where releases differ, the line tells it from which one on: ``=> 1.14+ REJECT | 1.20+ -``. ``MARKED`` says that the packet
leaves the node for where it was sent to, with the mark of KUBE-MARK-DROP: kubelet's KUBE-FIREWALL, which drops such packets, is not
called from FORWARD.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from iptc_sim.api import trace
from iptc_sim.kube import Cluster, Settings, compile_services
from iptc_sim.node import Node, Route
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, Fate, RuleStep, Trace, TranslateStep
from iptc_sim.syntax import parse
from iptc_sim.target import Accept
from iptc_sim.values import Family, Prefix
from tests.kube.builders import cluster

#: Pods and endpoints are behind cni0, everybody else is behind eth0.
INTERFACES: Final = {"eth0": ("192.168.0.2/24",), "cni0": ("10.0.0.1/8",)}
INTERFACES6: Final = {
    "eth0": ("2001:db8::1/64", "2001:db8:1::2/64"),
    "cni0": ("fd00::1/64", "fd00:10:180::ffff/64"),
}
ROUTES: Final = (
    Route(Prefix.parse("0.0.0.0/0"), "eth0", ip_address("192.168.0.1")),
    Route(Prefix.parse("::/0"), "eth0", ip_address("2001:db8::ffff")),
)
#: kube-proxy sets it where 127.0.0.1 is to serve node ports.
LOCALNET: Final = {"net/ipv4/conf/all/route_localnet": "1"}

#: Who sends: address and, for those outside of the node, the interface by which it comes.
CLIENTS: Final = {
    "pod": "10.0.0.2 in cni0",
    "ext": "203.0.113.2 in eth0",
    "extB": "203.0.113.130 in eth0",
    "node": "192.168.0.2 from host",
    "localhost": "127.0.0.1 from host",
    "lb1": "1.2.3.4 from host",
    "lb2": "5.6.7.8 from host",
}
CLIENTS6: Final = {
    "pod": "[fd00::2] in cni0",
    "ext": "[2600:5200::1] in eth0",
    "node": "[2001:db8::1] from host",
    "localhost": "[::1] from host",
}
SERVERS: Final = {"node": "192.168.0.2", "node2": "192.168.1.2", "localhost": "127.0.0.1"}
SERVERS6: Final = {"node": "[2001:db8::1]", "node2": "[2001:db8:1::2]", "localhost": "[::1]"}

_LINE: Final = re.compile(
    r"(?P<client>\S+) -> (?P<to>\S+?)(?P<protocol>/\w+)? => (?P<stated>[^~]+?)(?: ~ (?P<full>.+?): (?P<why>.+))?"
)


#: The mark of KUBE-MARK-DROP.
_DROP_BIT: Final = 0x8000


#: The last release whose rules leave the dropping to kubelet.
_KUBELET_DROPS: Final = 24
#: The first release that has --iptables-localhost-nodeports.
_LOCALHOST_FLAG: Final = 26
_SINCE: Final = re.compile(r"1\.(\d+)\+ ")


@dataclass(frozen=True)
class Flow:
    """A packet, and what becomes of it.

    Args:
        name: the line that says all of it.
        text: the packet as flow text.
        stated: what kube-proxy's tests say.
        full: what becomes of it on its whole way, where that is something else; empty: the same.
        why: the reason for the difference.
    """

    name: str
    text: str
    stated: str
    full: str = ""
    why: str = ""


@dataclass(frozen=True)
class Case:
    """A cluster and its flows.

    Args:
        name: kube-proxy's name of the test, or that of the corpus file.
        objects: the manifests; empty where ``rules`` tells the rules themselves.
        lines: the flows, one a line.
        settings: kube-proxy's flags.
        interfaces: of the node.
        sysctls: of the node.
        rules: text of iptables-save.
        clients: who sends.
        servers: short names of addresses.
    """

    name: str
    objects: tuple[str, ...]
    lines: str
    settings: Settings
    interfaces: Mapping[str, Sequence[str]] = field(default_factory=lambda: INTERFACES)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    rules: str = ""
    clients: Mapping[str, str] = field(default_factory=lambda: CLIENTS)
    servers: Mapping[str, str] = field(default_factory=lambda: SERVERS)

    @property
    def ruleset(self) -> Ruleset:
        if self.rules:
            return _parsed(self.rules, self.settings.family)
        return _compiled(self.objects, self.settings)

    @property
    def routes(self) -> tuple[Route, ...]:
        return tuple(route for route in ROUTES if route.destination.family is self.settings.family)

    @property
    def node(self) -> Node:
        return Node.of(self.interfaces, self.routes, sysctls=self.sysctls)

    def at(self, minor: int) -> Case:
        """Return the case as it is in release 1.``minor``; flows of which nothing is told for it are left out.

        Up to 1.24 kubelet's rules are there too: kube-proxy relies on them where packets are to be dropped.
        """
        lines = (_at(line, minor) for line in filter(None, map(str.strip, self.lines.splitlines())))
        flag = self.settings.iptables_localhost_nodeports or minor < _LOCALHOST_FLAG
        settings = replace(
            self.settings, release=f"1.{minor}", kubelet=minor <= _KUBELET_DROPS, iptables_localhost_nodeports=flag
        )
        return replace(self, name=f"1.{minor} {self.name}", lines="\n".join(filter(None, lines)), settings=settings)

    def flows(self) -> Iterator[Flow]:
        for line in filter(None, map(str.strip, self.lines.splitlines())):
            found = _LINE.fullmatch(line)
            assert found is not None, line
            yield Flow(line, self._text(found["client"], found["to"], found["protocol"] or "/tcp"),
                       found["stated"], found["full"] or "", found["why"] or "")  # fmt: skip

    def _text(self, client: str, to: str, protocol: str) -> str:
        # An address of its own is a pod's.
        source, _, by = self.clients.get(client, f"{client} in cni0").partition(" ")
        address, _, port = to.rpartition(":")
        return f"{protocol[1:]} {source}:33000 -> {self.servers.get(address, address)}:{port} {by}"


def _at(line: str, minor: int) -> str:
    """Return the line of a release; empty where its text begins with a later one."""
    flow, _, rest = line.partition(" => ")
    found = rest
    for alternative in rest.split(" | "):
        since = _SINCE.match(alternative)
        if since is None:
            return line
        if minor < int(since[1]):
            return f"{flow} => {found}" if found is not rest else ""
        found = alternative[since.end() :]
    return f"{flow} => {found}"


@lru_cache(maxsize=4)
def _parsed(rules: str, family: Family) -> Ruleset:
    return parse(rules, family=family)


@lru_cache(maxsize=4)
def _compiled(objects: tuple[str, ...], settings: Settings) -> Ruleset:
    return compile_services(_loaded(objects, settings.family), settings)


@lru_cache(maxsize=64)
def _loaded(objects: tuple[str, ...], family: Family) -> Cluster:
    return cluster(*objects, settings=Settings(family=family))


def said_of(found: Trace) -> str:
    """Return what a trace says, in the words of the cases."""
    said = dict.fromkeys((end.packet.destination_text, _end_in_words(found, end)) for end in found.ends)
    words = {word for _, word in said}
    if not words <= {"+m", "-m"}:
        assert len(words) == 1, words
        return words.pop()
    if len(words) == 1:
        return f"{', '.join(destination for destination, _ in said)} {words.pop()}"
    return ", ".join(f"{destination} {word}" for destination, word in said)


def _end_in_words(found: Trace, end: End) -> str:
    steps = list(found.steps(end))
    if end.fate in {Fate.REJECT, Fate.DROP, Fate.LOST}:
        return str(end.fate).upper()
    if any(step.by == "DNAT" for step in steps if isinstance(step, TranslateStep)):
        assert end.fate in {Fate.FORWARD, Fate.SENT}, end
        return "+m" if any(isinstance(step, TranslateStep) and step.by == "MASQUERADE" for step in steps) else "-m"
    assert end.packet.destination_text == found.flow.packet.destination_text
    if end.packet.mark & _DROP_BIT:
        return "MARKED"  # up to 1.23 with the node's address: KUBE-FW has marked it for masquerading before
    assert end.packet.source_text == found.flow.packet.source_text
    accepted = (
        step for step in steps if isinstance(step, RuleStep) and step.matched and isinstance(step.action, Accept)
    )
    if any(step.table == "filter" and step.chain == "KUBE-NODEPORTS" for step in accepted):
        assert end.fate is Fate.LOCAL, end
        return "ACCEPT"
    return "-"


def shares(found: Trace) -> dict[str, Fraction | None]:
    """Return the odds of each destination, summed over the ends; None where one has none."""
    total: dict[str, Fraction | None] = {}
    for end in found.ends:
        name, odds = end.packet.destination_text, end.odds
        known = total.get(name, Fraction(0))
        total[name] = None if odds is None or known is None else known + odds.fraction
    return total


def follow(case: Case, flow: Flow, *, fresh: bool = True) -> Trace:
    """Return the trace of a flow; ``fresh``: the rules were just loaded, so nobody is remembered by affinity."""
    return trace(case.ruleset, flow.text, case.node, as_is=True, history=() if fresh else None)


def endpoint_slice(service: str, ports: str, *endpoints: str, family: str = "IPv4") -> str:
    """Return an EndpointSlice.

    Args:
        service: ``NAMESPACE/NAME``.
        ports: ``p80 80, https 8443 SCTP``; no name: ``- 80``.
        endpoints: ``10.180.0.1 RL``: ready, (T) serving and terminating or (U) terminating and not serving; local to the
            node or (X) on another one.
        family: ``IPv4`` or ``IPv6``.
    """
    namespace, name = service.split("/")
    listed = ", ".join(map(_port, ports.split(", ")))
    return (
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, "
        f"metadata: {{name: {name}-1, namespace: {namespace}, labels: {{kubernetes.io/service-name: {name}}}}}, "
        f"addressType: {family}, ports: [{listed}], endpoints: [{', '.join(map(_endpoint, endpoints))}]}}"
    )


def service(name: str, spec: str, *load_balancers: str, annotations: str = "{}") -> str:
    """Return a Service ``NAMESPACE/NAME``, with the addresses that load balancers have given it (``1.2.3.4 Proxy``)."""
    namespace, own = name.split("/")
    modes = (text.partition(" ") for text in load_balancers)
    ingress = ", ".join(f"{{ip: '{address}'{f', ipMode: {mode}' if mode else ''}}}" for address, _, mode in modes)
    return (
        f"{{apiVersion: v1, kind: Service, metadata: {{name: {own}, namespace: {namespace}, annotations: {annotations}}}, "
        f"spec: {{{spec}}}, status: {{loadBalancer: {{ingress: [{ingress}]}}}}}}"
    )


def _port(text: str) -> str:
    name, number, protocol = (*text.split(), "TCP")[:3]
    return f"{{name: '{'' if name == '-' else name}', port: {number}, protocol: {protocol}}}"


def _endpoint(text: str) -> str:
    address, flags, *hint = text.split()
    conditions = {
        "R": "ready: true, serving: true, terminating: false",
        "T": "ready: false, serving: true, terminating: true",
        "U": "ready: false, serving: false, terminating: true",
        "N": "ready: false, serving: false, terminating: false",
    }[flags[0]]
    more = f", hints: {{forZones: [{', '.join(f'{{name: {zone}}}' for zone in hint)}]}}" if hint else ""
    node = ", nodeName: test-hostname" if flags[1] == "L" else ", nodeName: host2"
    return f"{{addresses: ['{address}'], conditions: {{{conditions}}}{node}{more}}}"
