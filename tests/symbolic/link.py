"""One packet through the engine and through the diagram: the link between both."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from fractions import Fraction
from ipaddress import ip_address
from typing import Any

from iptc_sim.connection import Flow
from iptc_sim.constraint import ADDRESS_TYPES, Field
from iptc_sim.diagnostics import UsageError
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.engine.explore import explore
from iptc_sim.engine.routing import route_in, route_out
from iptc_sim.engine.situation import Situation
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import ConntrackStep, End, Fate, RuleStep, Trace
from iptc_sim.symbolic.odds import Then
from iptc_sim.symbolic.outcome import Outcome
from iptc_sim.symbolic.pipeline import Entrance, Pipeline
from iptc_sim.symbolic.store import BitTerm, Drawn, Kept, Moved, OneOf, Own, Shifted, Value, Way
from iptc_sim.symbolic.variables import FRESH, ROUTE, Space, interface_number
from iptc_sim.tracking import State
from iptc_sim.values import UNKNOWN, Address, Family, Odds, Unknown
from iptc_sim.wire.fragments import is_fragment
from iptc_sim.wire.packets import packet_bytes

_NAMES = {
    Field.DESTINATION: "destination", Field.SOURCE: "source", Field.DPORT: "dport", Field.SPORT: "sport"
}  # fmt: skip
_ALIVE = {Fate.LOCAL, Fate.FORWARD, Fate.SENT}
#: Why a packet cannot be compared.
Skipped = str


class NotComparableError(Exception):
    """The engine knows something that the diagram leaves open, or the other way round."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Both answers: ends with their odds, or sets of ends where something is free."""

    engine: dict[object, object] | set[object]
    diagram: dict[object, object] | set[object]

    @property
    def agree(self) -> bool:
        """Whether they say the same; of what is free the engine may know more."""
        if isinstance(self.engine, set):
            return self.engine <= set(self.diagram)
        return self.engine == self.diagram

    @property
    def is_exact(self) -> bool:
        """Whether the odds were compared."""
        return isinstance(self.engine, dict)


class Link:
    """A ruleset on a node, both ways.

    Args:
        ruleset: the rules.
        node: where they are loaded.
        told: the fields that diagrams are cut down to the packet's value of; the others stay open.
    """

    def __init__(self, ruleset: Ruleset, node: Node, told: Collection[Field] = ()) -> None:
        self.ruleset, self.node, self.told = ruleset, node, told
        self.space = Space.of([ruleset], node)
        self.pipelines: dict[tuple[int, ...], Pipeline] = {}

    def pipeline(self, point: _Point) -> Pipeline:
        """Return the ways of packets that have the same value in the fields that are told."""
        values = tuple(point.told.get(self.space.level(field), 0) for field in self.told)
        if values not in self.pipelines:
            cell = {field: ((value, value),) for field, value in zip(self.told, values, strict=True)}
            self.pipelines[values] = Pipeline(self.space, self.ruleset, cell)
        return self.pipelines[values]

    def compare(self, flow: Flow) -> Compared | Skipped:
        """Send a packet both ways."""
        packet = flow.packet
        if is_fragment(packet) or packet.physical_in is not None:
            return "a fragment, or on a bridge"
        if packet.source is UNKNOWN or packet.destination is UNKNOWN or UNKNOWN in (packet.sport, packet.dport):
            return "not all told"
        try:
            trace = explore(self.ruleset, flow, Situation(self.node))
        except UsageError:
            return "too many branches"
        if any(end.fate is Fate.LOST for end in trace.ends):
            return "lost"
        if _forks_by_connection_mark(trace):
            return "the engine forks where the diagram has a variable for the connection's mark"
        if _meets_synproxy(trace):
            return "SYNPROXY"
        entrance = Entrance.LOCAL if packet.in_interface is None else Entrance.ARRIVING
        point = _Point(self, flow, _state(trace), entrance)
        pipeline = self.pipeline(point)
        diagram = pipeline.behaviour(entrance)
        try:
            found = self._ends(pipeline.summaries.odds.at(diagram, point), point)
        except NotComparableError as error:
            return str(error)
        engine: dict[object, object] = {}
        odds: dict[object, list[Odds | None]] = {}
        for end in trace.ends:
            odds.setdefault(_key_of(end), []).append(end.odds)
        for key, parts in odds.items():
            known = [part.fraction for part in parts if part is not None]
            engine[key] = sum(known) if len(known) == len(parts) else None
        if point.free or None in engine.values():
            try:
                reached = reachable(pipeline, diagram, point)
                return Compared(set(engine), {self._key(outcome, point) for outcome in reached})
            except NotComparableError as error:
                return str(error)
        return Compared(engine, found)

    def _ends(self, ours: Mapping[Hashable, Odds], point: _Point) -> dict[object, object]:
        found: dict[object, Fraction] = {}
        for outcome, odds in ours.items():
            key = self._key(outcome, point)
            found[key] = found.get(key, Fraction(0)) + odds.fraction
        return {**found}

    def _key(self, outcome: Hashable, point: _Point) -> tuple[object, ...]:
        assert isinstance(outcome, Outcome)
        if outcome.fate not in _ALIVE:
            return (outcome.fate, "" if outcome.fate is Fate.STOLEN else outcome.code)
        names = ("destination", "dport", "source", "sport")
        sides = [point.concrete(getattr(outcome, name), name) for name in names]
        if not isinstance(outcome.mark, BitTerm):
            raise NotComparableError("an opaque mark")
        mark, ctmark = outcome.mark.value(point.packet.mark, 0), None
        is_tracked = outcome.entry is not None and outcome.entry != ("untracked",)
        if is_tracked and point.state not in {State.INVALID, State.UNTRACKED}:
            if not isinstance(outcome.ctmark, BitTerm):
                raise NotComparableError("an opaque mark of the connection")
            ctmark = outcome.ctmark.value(point.packet.mark, 0)
        return (outcome.fate, "", *sides, mark, ctmark)


def _key_of(end: End) -> tuple[object, ...]:
    """Return what is compared of an end of the engine's."""
    if end.fate not in _ALIVE:
        return (end.fate, end.code)
    now, entry = end.packet, end.connection
    ctmark = entry.mark if entry is not None and entry.is_tracked else None
    return (end.fate, "", now.destination, now.dport, now.source, now.sport, now.mark, ctmark)


def reachable(pipeline: Pipeline, diagram: Diagram, point: _Point) -> set[object]:
    """Return the outcomes at a point, whatever the answers to what is free."""
    waiting, seen, found = [diagram], {diagram}, set()
    while waiting:
        node = waiting.pop()
        if not node.children:
            following: tuple[Diagram, ...] = ()
            for leaf in pipeline.summaries.odds.exact(node.value):
                if isinstance(leaf, Then):
                    following = (*following, leaf.diagram)
                else:
                    found.add(leaf)
        else:
            before = len(point.free)
            value = point.get(node.level)
            following = node.children if len(point.free) > before else (node.part(node.level, value),)
        for child in following:
            if child not in seen:
                seen.add(child)
                waiting.append(child)
    return found


def _forks_by_connection_mark(trace: Trace) -> bool:
    """Whether the mark of a connection that was told to exist made a difference; the engine takes it as unknown."""
    unknown = "the mark of the connection is not known"
    if any(unknown in assumption for assumption in trace.assumptions):
        return True
    steps = (step for segment in trace.segments for step in segment.steps)
    return any(isinstance(step, RuleStep) and unknown in str(step.reason) for step in steps)


def _meets_synproxy(trace: Trace) -> bool:
    """Whether SYNPROXY gets the packet: the engine knows of three things that it may do, the diagram of two."""
    steps = (step for segment in trace.segments for step in segment.steps)
    return any(
        isinstance(step, RuleStep)
        and step.matched
        and step.rule.target is not None
        and step.rule.target.NAME == "SYNPROXY"
        for step in steps
    )


def _state(trace: Trace) -> State:
    """Return what conntrack says of the packet where no rule of raw keeps it away."""
    steps = (step for segment in trace.segments for step in segment.steps)
    states = [
        step.connection.state for step in steps if isinstance(step, ConntrackStep) and step.connection is not None
    ]
    tracked = [state for state in states if state is not State.UNTRACKED]
    return (tracked or states or [State.NEW])[0]


class _Point(Mapping[int, int]):
    """The point of a packet; what is not a field of it is asked of the node when it is needed."""

    def __init__(self, link: Link, flow: Flow, state: State, entrance: Entrance) -> None:
        self.link, self.packet, self.entrance = link, flow.packet, entrance
        self.node, self.space = link.node, link.space
        self.free: list[tuple[object, ...]] = []
        self.state = state
        packet = flow.packet
        if packet.in_interface is None:
            out = route_out(packet, self.node).interface
        else:
            out = route_in(packet, self.node).interface
        fields = {
            Field.DESTINATION_TYPE: self._type(packet.destination),
            Field.SOURCE_TYPE: self._type(packet.source),
            Field.LENGTH: len(packet_bytes(packet)),
            Field.OUT_INTERFACE: interface_number(out if isinstance(out, str) else None),
        }
        self.told = self.space.point(packet, state, fields=fields)

    def _type(self, address: Address | Unknown) -> int:
        assert not isinstance(address, Unknown)
        if self.space.family is Family.IPV6:
            kind, route = self.node.address_types6(address)
            return ADDRESS_TYPES.index(route or kind)
        return ADDRESS_TYPES.index(self.node.address_type(address))

    def __getitem__(self, level: int) -> int:
        return self.get(level)

    def __iter__(self) -> Iterator[int]:
        return iter(self.told)

    def __len__(self) -> int:
        return len(self.told)

    def get(self, level: int, default: Any = 0) -> int:
        key = self.space.key(level)
        return self.told.get(level, default) if key is None else self._answer(key)

    def _answer(self, key: object) -> int:
        assert isinstance(key, tuple)
        if key == FRESH:
            return 0
        if key == ROUTE:
            return int(route_in(self.packet, self.node).kind == "local")
        if key[0] == "route":
            return int(route_in(self._moved(key[1], key[2]), self.node).kind == "local")
        if key[0] == "way":
            moved = self._moved(key[1].destination, key[1].mark)
            verdict = route_out(moved, self.node) if moved.in_interface is None else route_in(moved, self.node)
            return interface_number(verdict.interface if isinstance(verdict.interface, str) else None)
        if key[0] == "type":
            return self._type(self.concrete(key[1], "destination"))
        if key[0] == "within" and key[1] in _NAMES:
            number = self.concrete(key[2], _NAMES[key[1]])
            if number is not UNKNOWN:
                return int(any(low <= int(number) <= high for low, high in key[3]))
        if key[0] == "bits" and key[1] in _NAMES:
            return int(int(self.concrete(key[2], _NAMES[key[1]])) & key[4] == key[3])
        if key[0] == "ctstate":
            return self.told[self.space.level(Field.CTSTATE)]
        self.free.append(key)
        return 0

    def _moved(self, destination: object, mark: object) -> Packet:
        packet = replace(self.packet, destination=self.concrete(destination, "destination"))
        if isinstance(mark, BitTerm):
            packet = replace(packet, mark=mark.value(self.packet.mark, 0))
        return packet

    def concrete(self, term: object, name: str) -> Any:
        """Return what a term is for this packet."""
        old = getattr(self.packet, name)
        is_address = name in {"destination", "source"}
        if isinstance(term, Kept):
            return old
        if isinstance(term, Value | OneOf):
            number = term.number if isinstance(term, Value) else term.first
            return self._address(number) if is_address else number
        if isinstance(term, Moved):
            low = int(old) & ~term.network.mask & ((1 << self.space.family.bits) - 1)
            return self._address(term.network.network | low)
        if isinstance(term, Drawn):
            return UNKNOWN
        if isinstance(term, Shifted):
            return term.first + (old - term.base) % term.size
        if isinstance(term, Own):
            return self._own(term, name)
        raise NotComparableError(f"{type(term).__name__} of {name}")

    def _own(self, term: Own, name: str) -> Address:
        interface = term.interface
        out: str | None
        if name == "destination":
            assert isinstance(self.packet.in_interface, str)
            found = self.node.first_address(self.packet.in_interface, self.space.family, self.packet.destination)
        else:
            moved = replace(self.packet, destination=self.concrete(term.towards, "destination"))
            if isinstance(interface, Value):
                out = "lo"
            elif interface == Way(Kept()):
                out = self._name(self.told[self.space.level(Field.OUT_INTERFACE)])
            else:
                out = self._name(self._answer(("way", interface)))
            found = self.node.masquerade_address(replace(moved, out_interface=out))
        if found is None:
            raise NotComparableError("no address of its own")
        return found

    @staticmethod
    def _name(number: int) -> str | None:
        return number.to_bytes(16).rstrip(b"\0").decode() or None

    def _address(self, number: int) -> Address:
        return ip_address(number) if self.space.family is Family.IPV4 else ip_address(number.to_bytes(16))
