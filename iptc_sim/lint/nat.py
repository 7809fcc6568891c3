"""Published ports: what DNAT in PREROUTING sends on, and what filter makes of it (IPT113 to IPT116)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from iptc_sim.constraint import ADDRESS_TYPES, STATES, Constraint, Field, Within, conjuncts
from iptc_sim.diagnostics import Severity
from iptc_sim.diagram.nodes import Node
from iptc_sim.diagram.spans import Spans, intersection
from iptc_sim.kube.names import endpoint_text
from iptc_sim.kube.names_of import NUMBERED
from iptc_sim.lint.effects import LOST, Ending
from iptc_sim.lint.finding import Finding, Spot, about, rules_named
from iptc_sim.lint.managed import owner_of
from iptc_sim.lint.registry import check
from iptc_sim.lint.view import View
from iptc_sim.lint.walk import Walked
from iptc_sim.moment import Hook
from iptc_sim.protocols import TCP
from iptc_sim.records import dataclass
from iptc_sim.target import Accept, Drop, Reject, Translate
from iptc_sim.tracking import Manip
from iptc_sim.values import Address, Family, address_text

#: With more DNAT rules than this nobody reads what is said of each.
_MOST: Final = 500
#: What stays true of a packet from PREROUTING on, whatever rules do to it there but nat.
_LASTING: Final = frozenset({Field.PROTOCOL, Field.SOURCE, Field.SPORT, Field.IN_INTERFACE, Field.ICMP, Field.FLAGS})
#: How the bridges of containers are called: their own networks are kept from each other.
_BRIDGES: Final = ("docker", "br-", "podman", "cni")
_NEW: Final = STATES.index("NEW")
_LOCAL: Final = ADDRESS_TYPES.index("LOCAL")


@dataclass(frozen=True, slots=True)
class Published:
    """A DNAT rule with one address, or a REDIRECT.

    Args:
        spot: the rule.
        address: where it sends packets; None: to this node.
        ports: to which; None: the port stays.
        packets: those that may meet it, as they come.
    """

    spot: Spot
    address: Address | None
    ports: tuple[int, int] | None
    packets: Node

    @property
    def text(self) -> str:
        """Where it sends packets."""
        address = "this node" if self.address is None else address_text(self.address)
        if self.ports is None:
            return address
        first, last = self.ports
        return endpoint_text(address, first if first == last else f"{first}-{last}")


class Nat:
    """The DNAT rules of PREROUTING, and walks of what they send on.

    Args:
        view: the rules.
    """

    def __init__(self, view: View) -> None:
        self.view, self.machine, self.space = view, view.machine, view.machine.space
        self._made = self.space.diagrams
        self._walked: dict[tuple[Hook, Node], Walked | None] = {}
        #: The rules of PREROUTING that only packets for loopback addresses meet; filled by :meth:`published`.
        self.for_loopback: list[Spot] = []

    def published(self) -> list[Published]:
        """Return the rules that some packet meets and that send it to one address, or to this node itself.

        Those of kube-proxy are its own.
        """
        found: dict[tuple[str, int], tuple[Spot, Translate]] = {}
        for name in self.view.ruleset.tables["nat"].chains:
            if NUMBERED.fullmatch(name) or Hook.PREROUTING not in self.view.hooks("nat", name):
                continue
            for spot, rule in self.view.rules("nat", name):
                deed = self.machine.judged(rule).deed
                if isinstance(deed, Translate) and deed.manip is Manip.DESTINATION and _is_single(deed):
                    found[name, spot.number] = spot, deed
        if not 0 < len(found) <= _MOST:
            return []
        packets = self.machine.observed("nat", Hook.PREROUTING, found)
        made = []
        for place, (spot, deed) in found.items():
            known = packets.get(place, self._made.no)
            met = self._made.conjunction(known, self.not_loopback())
            if met is self._made.no and known is not self._made.no:
                self.for_loopback.append(spot)
            elif met is not self._made.no:
                ports = (deed.ports.first, deed.ports.last) if deed.ports else None
                address = None if deed.redirect or deed.addresses is None else deed.addresses.first
                made.append(Published(spot, address, ports, met))
        return made

    def arriving(self, packets: Node, *, also: Node | None = None) -> Node:
        """Return what is known behind nat of packets that begin connections: what lasts, and what is ``also`` so."""
        known = self.space.known_of(packets, _LASTING)
        parts = [known, self.space.within(Field.CTSTATE, _NEW, _NEW), self.space.not_lo()]
        return self._made.conjunction(*parts, *([also] if also is not None else []))

    def sent_on(self, one: Published, address: Address) -> Node:
        """Return the packets that a rule has sent on."""
        number = int(address)
        parts = [self.space.within(Field.DESTINATION, number, number), self.space.within(Field.DNATTED, 1, 1)]
        if one.ports is not None:
            parts.append(self.space.within(Field.DPORT, *one.ports))
        else:
            parts.append(self.space.known_of(one.packets, {Field.DPORT, Field.PROTOCOL}))
        return self.arriving(one.packets, also=self._made.conjunction(*parts))

    def from_outside(self) -> Node:
        """Return the packets that FORWARD sees, those left out that come by the bridges of containers."""
        bridges = [self.space.interface(Field.IN_INTERFACE, name, prefix=True) for name in _BRIDGES]
        inside = self._made.disjunction(*bridges)
        return self._made.conjunction(self.space.start("filter", Hook.FORWARD), self._made.negation(inside))

    @cached_property
    def closing(self) -> list[tuple[Spot, Spans]]:
        """The rules on the way of INPUT that drop or reject ports that they name, each with these."""
        found = []
        for name in self.view.ruleset.tables["filter"].chains:
            if Hook.INPUT in self.view.hooks("filter", name):
                for spot, rule in self.view.rules("filter", name):
                    judged = self.machine.judged(rule)
                    if isinstance(judged.deed, Drop | Reject) and (ports := _ports(judged.constraint)):
                        found.append((spot, ports))
        return found

    @cached_property
    def forwarded_to(self) -> frozenset[int]:
        """The addresses that rules on the way of FORWARD alone name as the destination."""
        return frozenset(
            part.spans[0][0]
            for name, chain in self.view.ruleset.tables["filter"].chains.items()
            if self.view.hooks("filter", name) == {Hook.FORWARD}
            for rule in chain.rules
            for part in _ranges(self.machine.judged(rule).constraint)
            if part.field is Field.DESTINATION and len(part.spans) == 1 and part.spans[0][0] == part.spans[0][1]
        )

    def not_loopback(self) -> Node:
        """Return the packets for no loopback address: others are martians where they come from outside."""
        four = self.view.ruleset.family is Family.IPV4
        first, last = (127 << 24, (128 << 24) - 1) if four else (1, 1)
        return self._made.negation(self.space.within(Field.DESTINATION, first, last))

    def at(self, hook: Hook, start: Node) -> Walked | None:
        """Return what filter makes of packets."""
        key = (hook, start)
        if key not in self._walked:
            self._walked[key] = self.machine.walked("filter", hook, start)
        return self._walked[key]

    def may(self, walked: Walked | None, *endings: Ending) -> bool:
        """Whether packets may end so; also where that cannot be told."""
        return walked is None or any(walked.ends.get(one, self._made.no) is not self._made.no for one in endings)

    def surely(self, walked: Walked, start: Node, hook: Hook) -> Node:
        """Return the packets that are accepted, whatever else is not known of them."""
        lost = [walked.ends.get(one, self._made.no) for one in LOST]
        begin = self._made.conjunction(start, self.space.start("filter", hook))
        return self._made.conjunction(begin, self._made.negation(self._made.disjunction(*lost)))


def _is_single(deed: Translate) -> bool:
    addresses = deed.addresses
    return deed.redirect or (addresses is not None and addresses.first == addresses.last and deed.network is None)


def _to_loopback(nat: Nat) -> Iterator[Finding]:
    """IPT112: rules of PREROUTING for packets to loopback addresses, which do not come there."""
    for spot in nat.for_loopback:
        if nat.view.hooks("nat", spot.chain) == {Hook.PREROUTING} and not owner_of(spot.chain):
            message = f"{spot} is for packets to this node's loopback: its own pass OUTPUT, and others send none"
            hint = "put the rule into OUTPUT, too"
            yield about("IPT112", spot, message, hint=hint, severity=Severity.NOTE)


@check("IPT112", "IPT113", "IPT114", "IPT115", "IPT116")
def published(view: View) -> Iterator[Finding]:
    """Yield the ports that are published and not reached, or reached although they seem closed."""
    if not view.whole("nat") or view.script:
        return
    nat = Nat(view)
    rules = nat.published()
    yield from _to_loopback(nat)
    if not view.whole("filter") or not rules:
        return
    for one in rules:
        if one.address is not None:
            yield from _never_let_through(nat, one, one.address)
            yield from _hairpin(nat, one, one.address)
            yield from _past_input(nat, one, one.address)
    yield from _never_seen(nat, rules)


def _never_let_through(nat: Nat, one: Published, address: Address) -> Iterator[Finding]:
    """IPT113: neither FORWARD nor INPUT accepts a new connection that the rule has sent on."""
    start = nat.sent_on(one, address)
    forwarded = nat.at(Hook.FORWARD, start)
    if nat.may(forwarded, Ending.ACCEPTED):
        return
    message = f"{one.spot} sends new connections to {one.text}, and FORWARD accepts none of them"
    severity = None
    if nat.may(nat.at(Hook.INPUT, start), Ending.ACCEPTED):
        if address.is_loopback:
            return
        message += f" (unless {address_text(address)} is an address of this node)"
        severity = Severity.NOTE
    hint = "add a rule to FORWARD that accepts them: filter sees the new destination"
    yield about("IPT113", one.spot, message, hint=hint, severity=severity)


def _hairpin(nat: Nat, one: Published, address: Address) -> Iterator[Finding]:
    """IPT114: the machine that is published calls itself by the public address, and its source stays."""
    if owner_of(one.spot.chain) or address.is_loopback:
        return
    space, made = nat.space, nat.space.diagrams
    number = int(address)
    calls = made.conjunction(one.packets, space.within(Field.SOURCE, number, number))
    by_every_way = made.conjunction(space.in_every_way_in(calls), space.start("nat", Hook.PREROUTING))
    if by_every_way is made.no or not _names_destination(nat, one):
        return
    start = made.conjunction(nat.sent_on(one, address), space.within(Field.SOURCE, number, number))
    start = space.known_of(start, _LASTING - {Field.IN_INTERFACE} | {Field.DESTINATION, Field.DPORT, Field.CTSTATE})
    walked = nat.machine.walked("nat", Hook.POSTROUTING, start)
    if start is made.no or nat.may(walked, Ending.TRANSLATED):
        return
    if not nat.may(nat.at(Hook.FORWARD, nat.sent_on(one, address)), Ending.ACCEPTED):
        return
    name = address_text(address)
    message = f"{one.spot}: if {name} calls itself by the public address, the packet comes back with its own source"
    hint = f"a MASQUERADE for -s {name} -d {name} in POSTROUTING lets such connections work"
    yield about("IPT114", one.spot, message, hint=hint)


def _names_destination(nat: Nat, one: Published) -> bool:
    """Whether only packets for some destinations meet the rule: else it is a transparent proxy."""
    wanted = {Field.DESTINATION, Field.DESTINATION_TYPE}
    return nat.space.known_of(one.packets, wanted) is not nat.not_loopback()


def _past_input(nat: Nat, one: Published, address: Address) -> Iterator[Finding]:
    """IPT115: INPUT lets nobody to the port, but FORWARD lets everybody through to where it was sent on."""
    spans = _ports(nat.machine.judged(one.spot.rule).constraint) if one.spot.rule else ()
    closed = [spot for spot, ports in nat.closing if intersection(ports, spans)]
    if not spans or not (owner_of(one.spot.chain) or closed):
        return
    space, made = nat.space, nat.space.diagrams
    kept = space.known_of(one.packets, {Field.DESTINATION, Field.DPORT, Field.PROTOCOL})
    local = space.within(Field.DESTINATION_TYPE, _LOCAL, _LOCAL)
    untouched = nat.arriving(one.packets, also=made.conjunction(kept, local))
    if untouched is made.no or nat.may(nat.at(Hook.INPUT, untouched), Ending.ACCEPTED):
        return
    start = nat.sent_on(one, address)
    forwarded = nat.at(Hook.FORWARD, start)
    if forwarded is None or not nat.may(forwarded, Ending.ACCEPTED):
        return
    accepted = space.known_of(nat.surely(forwarded, start, Hook.FORWARD), {Field.IN_INTERFACE})
    asked = space.known_of(made.conjunction(start, nat.from_outside()), {Field.IN_INTERFACE})
    if made.conjunction(asked, made.negation(accepted)) is not made.no:
        return
    port = ",".join(str(low) if low == high else f"{low}:{high}" for low, high in spans)
    message = (
        f"port {port} is open to other machines although INPUT drops it: {one.spot} sends them to {one.text}, "
        "which FORWARD accepts"
    )
    hint = "what is sent on passes FORWARD, not INPUT: close it there (Docker: in DOCKER-USER), or publish on 127.0.0.1"
    yield about("IPT115", one.spot, message, closed, hint)


def _never_seen(nat: Nat, rules: list[Published]) -> Iterator[Finding]:
    """IPT116: rules of INPUT that accept a port all new connections to which are sent on before."""
    space, made = nat.space, nat.space.diagrams
    for spot, rule in nat.view.rules("filter", Hook.INPUT):
        judged = nat.machine.judged(rule)
        if not isinstance(judged.deed, Accept) or not (spans := _ports(judged.constraint)):
            continue
        asked = space.fit(judged.constraint, Hook.INPUT).may
        known = space.known_of(asked, _LASTING | {Field.DESTINATION, Field.DPORT})
        if made.conjunction(known, made.negation(space.within(Field.PROTOCOL, TCP, TCP))) is made.no:
            known = made.conjunction(known, space.within(Field.DESTINATION_TYPE, _LOCAL, _LOCAL))
        start = nat.arriving(known, also=made.conjunction(known, nat.not_loopback()))
        start = made.conjunction(start, space.start("nat", Hook.PREROUTING))
        walked = nat.machine.walked("nat", Hook.PREROUTING, start)
        left = (Ending.ACCEPTED, Ending.DROPPED, Ending.REJECTED, Ending.STOLEN)
        if start is made.no or walked is None or nat.may(walked, *left):
            continue
        takers = [one for one in rules if made.conjunction(one.packets, start) is not made.no]
        taken = made.disjunction(*(one.packets for one in takers)) if takers else made.no
        whole = made.conjunction(start, made.negation(taken)) is made.no
        if whole and not any(_comes_back(nat, one, spans) for one in takers):
            because = [one.spot for one in takers]
            message = f"{spot} never sees new connections of other machines: {rules_named(because, places=True)} "
            message += f"{'sends' if len(because) == 1 else 'send'} them on before"
            yield about("IPT116", spot, message, because, "what is sent on to another machine passes FORWARD")


def _comes_back(nat: Nat, one: Published, spans: Spans) -> bool:
    """Whether what a rule sends on may be for this node, and fit the ports again."""
    ports = (one.ports,) if one.ports is not None else spans
    return bool(intersection(ports, spans)) and not _is_elsewhere(nat, one)


def _is_elsewhere(nat: Nat, one: Published) -> bool:
    """Whether the address is surely that of another machine: a container's, or one that FORWARD names."""
    if one.address is None or owner_of(one.spot.chain) == "Docker":
        return one.address is not None
    return int(one.address) in nat.forwarded_to


def _ranges(constraint: Constraint) -> Iterator[Within]:
    """Yield the ranges of fields in which every packet that fits lies."""
    return (part for part in conjuncts(constraint) if isinstance(part, Within) and not part.negated)


def _ports(constraint: Constraint) -> Spans:
    """Return the destination ports that a rule names; nothing where it names none."""
    return next((part.spans for part in _ranges(constraint) if part.field is Field.DPORT), ())
