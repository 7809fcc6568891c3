"""What the userspace proxy does with a connection that the rules led to it: the endpoint that it connects to.

kube-proxy shuffles the endpoints of a service port and takes one after the other, from the first one on; with session
affinity a client comes back to the endpoint that it had (kube-proxy.md 5; roundrobin.go). The order is not told by any
object: a history that says where connections went tells it little by little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Final

from iptc_sim.connection import Earlier
from iptc_sim.diagnostics import Diagnostic, UsageError
from iptc_sim.engine.outcomes import Outcome
from iptc_sim.engine.session import Session
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.proxy_ports import Key
from iptc_sim.kube.select import portals
from iptc_sim.kube.settings import Settings
from iptc_sim.kube.userspace import CONTAINER, HOST, NODE_CONTAINER, NODE_HOST
from iptc_sim.protocols import protocol_name
from iptc_sim.records import dataclass, field, replace
from iptc_sim.ruleset import Rule, Ruleset
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.target import Target
from iptc_sim.targets.dnat import DnatTarget
from iptc_sim.targets.redirect import RedirectTarget
from iptc_sim.values import Odds, PortRange

_WAYS: Final = "the pod sees the node's address, not the client's"


@dataclass(frozen=True, slots=True)
class RoundRobin:
    """The balancer of one service port.

    Args:
        endpoints: as ``ADDRESS:PORT``.
        order: as kube-proxy shuffled them, None where a place is not known.
        index: of the next one.
        seconds: how long a client keeps its endpoint, 0 for no affinity.
        clients: the place of each client's endpoint, and when it was used last.
    """

    endpoints: tuple[str, ...]
    order: tuple[str | None, ...]
    index: int = 0
    seconds: int = 0
    clients: Mapping[str, tuple[int, float]] = field(default_factory=dict)

    @classmethod
    def start(cls, endpoints: Iterable[str], seconds: int = 0, seed: int | None = None) -> RoundRobin:
        """Return a balancer that has served nobody.

        Args:
            endpoints: as ``ADDRESS:PORT``.
            seconds: how long a client keeps its endpoint, 0 for no affinity.
            seed: shuffle by it; None: the order is not known.
        """
        known = tuple(sorted(endpoints))
        order: list[str | None] = list(known)
        if seed is not None:
            Random(seed).shuffle(order)  # noqa: S311 - a repeatable draw, not a secret
        elif len(known) > 1:
            order = [None] * len(known)
        return cls(known, tuple(order), seconds=seconds)

    def place(self, client: str, now: float) -> tuple[int, bool]:
        """Return the place in the order that serves a client, and whether it is the one that it had."""
        had = self.clients.get(client) if self.seconds else None
        if had and int(now - had[1]) < self.seconds:
            return had[0], True
        return self.index, False

    def candidates(self, place: int) -> tuple[str, ...]:
        """Return the endpoint at a place, or those that it can be."""
        known = self.order[place]
        return (known,) if known else tuple(item for item in self.endpoints if item not in self.order)

    def serve(self, client: str, now: float, went: str | None = None) -> RoundRobin:
        """Return the balancer after it has served a client.

        Args:
            client: its address.
            now: seconds since 1970.
            went: the endpoint that it got, where that is told.

        Raises:
            UsageError: IPT044, it cannot have got that one.
        """
        place, had = self.place(client, now)
        possible = self.candidates(place)
        if went is not None and went not in possible:
            message = f"kube-proxy cannot have connected {client} to {went}"
            raise UsageError(Diagnostic("IPT044", message, subject="history", expected=", ".join(possible)))
        found = went or (possible[0] if len(possible) == 1 else None)
        order = (*self.order[:place], found, *self.order[place + 1 :])
        clients = {**self.clients, client: (place, now)} if self.seconds else self.clients
        index = self.index if had else (self.index + 1) % len(self.endpoints)
        return replace(self, order=order, index=index, clients=clients)


@dataclass(frozen=True, slots=True)
class HandOver:
    """A connection in kube-proxy's hands.

    Args:
        portal: the service port.
        at: where kube-proxy took it.
        endpoints: the endpoint that it connects to; several, where it may be any of them with the same chance; none,
            where it accepts the connection and closes it; None: not told.
        reason: why that one.
    """

    portal: str
    at: str
    endpoints: tuple[str, ...] | None
    reason: str

    def __str__(self) -> str:
        taken = f"kube-proxy takes it at {self.at} for {self.portal}"
        if self.endpoints is None:
            return f"{taken}; {self.reason}"
        if not self.endpoints:
            return f"{taken} and closes it: {self.reason}"
        one_of = "" if len(self.endpoints) == 1 else "one of "
        return f"{taken} and connects to {one_of}{', '.join(self.endpoints)} ({self.reason}); {_WAYS}"


class UserspaceProxy:
    """kube-proxy's own part of userspace mode on one node.

    Args:
        ruleset: the node's rules; its portals tell on which ports kube-proxy listens, and for which service ports.
        cluster: with Endpoints; only these are read, and of them the ready addresses. None: no objects are given.
        seed: shuffles the endpoints of every service port; None: their order is not known.
    """

    def __init__(self, ruleset: Ruleset, cluster: Cluster | None, seed: int | None = None) -> None:
        self._labels = _listening(ruleset)
        self._told = cluster is not None
        # Any release that reads Endpoints gives the same service ports.
        settings = Settings(release="1.11", family=ruleset.family)
        self._balancers: dict[Key, RoundRobin] = {}
        for portal in portals(cluster, settings) if cluster is not None else ():
            ready = (backend.text for backend in portal.backends if backend.ready)
            key = (portal.label, portal.protocol)
            self._balancers[key] = RoundRobin.start(ready, portal.affinity_seconds, seed)

    def __bool__(self) -> bool:
        """Whether the node has portals at all."""
        return bool(self._labels)

    def take(self, end: End, client: str, now: float | None = None) -> HandOver | None:
        """Return what kube-proxy does with a packet that ended on the node; None where it is not for kube-proxy.

        Args:
            end: of the packet.
            client: the address that it came from.
            now: seconds since 1970; None: not told.
        """
        key = self._key(end)
        if key is None:
            return None
        at, label, balancer = end.packet.destination_text, key[0], self._balancers.get(key)
        if balancer is None:
            reason = "there is no such service port among the objects" if self._told else "--objects tells where to"
            return HandOver(label, at, None, reason)
        if not balancer.endpoints:
            return HandOver(label, at, (), "there are no endpoints")
        place, had = balancer.place(client, now or 0)
        endpoints = balancer.candidates(place)
        if had:
            reason = "as before: session affinity"
        elif len(endpoints) > 1:
            reason = f"round robin, in an order that only kube-proxy knows: 1/{len(endpoints)} each"
        else:
            reason = f"round robin, {place + 1} of {len(balancer.endpoints)}"
        return HandOver(label, at, endpoints, reason)

    def remember(self, session: Session, history: Iterable[Earlier]) -> tuple[Earlier, ...]:
        """Send packets and let kube-proxy serve them; their ``pick`` says which endpoint it took.

        Args:
            session: with the node's rules.
            history: the packets.

        Returns:
            The same packets without the picks that were kube-proxy's: the rules know nothing of them.

        Raises:
            UsageError: IPT044, what became of one cannot be told, or is not possible.
        """
        left = []
        for sent in history:
            session.at(sent.now)
            found = session.send(sent.flow)
            key = self._key(found.ends[0]) if len(found.ends) == 1 else None
            session.pass_on(sent.flow, None if key else sent.pick)
            left.append(replace(sent, pick=None) if key else sent)
            balancer = self._balancers.get(key) if key else None
            if key and balancer and balancer.endpoints:
                client = str(sent.flow.packet.source)
                self._balancers[key] = balancer.serve(client, sent.now or 0, sent.pick)
        return tuple(left)

    def hand_overs(self, found: Trace, now: float | None = None) -> tuple[HandOver, ...]:
        """Return what kube-proxy does at the ends of a trace."""
        client = str(found.flow.packet.source)
        taken = (self.take(end, client, now) for end in found.ends)
        return tuple(dict.fromkeys(one for one in taken if one is not None))

    def annotate(self, found: Trace, now: float | None = None) -> Trace:
        """Return a trace with what kube-proxy does as the reason of its ends."""
        client = str(found.flow.packet.source)
        taken = [(end, self.take(end, client, now)) for end in found.ends]
        return replace(found, ends=tuple(replace(end, why=str(one)) if one else end for end, one in taken))

    def _key(self, end: End) -> Key | None:
        packet = end.packet
        if end.fate is not Fate.LOCAL or not isinstance(packet.dport, int):
            return None
        label = self._labels.get((packet.protocol_name, packet.dport))
        return None if label is None else (label, packet.protocol_name)


def shared_out(proxy: UserspaceProxy, found: Trace, item: Outcome, now: float | None = None) -> Iterator[Outcome]:
    """Yield an outcome of a trace once for each endpoint that the proxy may connect to; as it is without the proxy.

    Args:
        proxy: of the node.
        found: the trace.
        item: one of its outcomes.
        now: seconds since 1970; None: not told.
    """
    taken = proxy.take(found.ends[item.ends[0] - 1], str(found.flow.packet.source), now)
    if taken is None or not taken.endpoints:
        yield item
        return
    each = Odds(1, len(taken.endpoints))
    for endpoint in taken.endpoints:
        yield replace(item, odds=None if item.odds is None else item.odds * each, proxied_to=endpoint)


def found_settings(settings: Settings, cluster: Cluster, found: Ruleset) -> Settings:
    """Return settings of userspace mode with what kube-proxy chose on a node, as far as they leave it open.

    That are the ports on which it listens, and the address of the node that it found; both are read from most of the
    rules, so that a single one that is wrong stays a difference.

    Args:
        settings: kube-proxy's flags.
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        found: the node's dump.
    """
    ports: dict[str, Counter[int]] = {portal.label: Counter() for portal in portals(cluster, settings)}
    hosts: Counter[str] = Counter()
    for rule in _portal_rules(found):
        number, label = _ports(rule.target), rule.comment.removesuffix(":")
        if number is not None and label in ports:
            ports[label][number.first] += 1
            if isinstance(rule.target, DnatTarget) and rule.target.to.addresses is not None:
                hosts[str(rule.target.to.addresses.first)] += 1
    told = dict(settings.proxy_ports)
    chosen = {label: count.most_common(1)[0][0] for label, count in ports.items() if count and label not in told}
    settings = replace(settings, proxy_ports=tuple({**told, **chosen}.items()))
    if settings.own_addresses or settings.bind_address or not hosts:
        return settings
    return replace(settings, node_ip=(*settings.node_ip, hosts.most_common(1)[0][0]))


def _portal_rules(ruleset: Ruleset) -> Iterator[Rule]:
    for name in (CONTAINER, HOST, NODE_CONTAINER, NODE_HOST):
        chain = ruleset.chain("nat", name)
        yield from chain.rules if chain else ()


def _listening(ruleset: Ruleset) -> Mapping[tuple[str, int], str]:
    """Return the service port that each port of kube-proxy's is for, by protocol and number."""
    found: dict[tuple[str, int], str] = {}
    for rule in _portal_rules(ruleset):
        ports = _ports(rule.target)
        if rule.base.protocol is not None and ports is not None:
            key = (protocol_name(rule.base.protocol.value), ports.first)
            found[key] = rule.comment.removesuffix(":")
    return found


def _ports(target: Target | None) -> PortRange | None:
    match target:
        case RedirectTarget():
            return target.to_ports
        case DnatTarget():
            return target.to.ports
        case _:
            return None
