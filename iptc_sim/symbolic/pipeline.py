"""The whole way of all packets through a node, as one function: every stop of :mod:`iptc_sim.engine.hooks` in order.

What routing decides is a variable for each destination that packets may have then, the same one wherever it is asked:
whether it is this node's, and by which interface it is reached.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum
from typing import Final

from iptc_sim.constraint import STATES, Field
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import union
from iptc_sim.engine.hooks import ARRIVE, FORWARD, INPUT, OUTPUT, Enter, Exit, Stage, Stop, Walk
from iptc_sim.moment import Hook
from iptc_sim.protocols import ICMP, ICMPV6
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import Fate
from iptc_sim.symbolic.leaves import Accepted
from iptc_sim.symbolic.outcome import Outcome
from iptc_sim.symbolic.store import ENTRY_CTMARK, KEPT, NONE, Entry, Own, Store, Term, Value, Way
from iptc_sim.symbolic.summaries import Summaries, Undecided
from iptc_sim.symbolic.variables import FRESH, ROUTE, Cell, Space, interface_number

_NEW: Final = ((STATES.index("NEW"), STATES.index("NEW")),)
_RELATED: Final = ((STATES.index("RELATED"), STATES.index("RELATED")),)
_INVALID: Final = ((STATES.index("INVALID"), STATES.index("INVALID")),)
_LO: Final = Value(interface_number("lo"))
#: Messages about other packets, which nat translates by the entry of those (see ``engine.conntrack.is_error``).
_ERRORS: Final = {ICMP: (3, 4, 5, 11, 12), ICMPV6: (1, 2, 3, 4, 137)}


class Entrance(StrEnum):
    """Where packets come from."""

    ARRIVING = "arriving"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class _Way:
    """Stops that lie ahead; the same stops are the same way."""

    stops: tuple[Stop, ...]


_ARRIVE: Final = _Way(ARRIVE)
_FORWARD: Final = _Way(FORWARD)
_OUTPUT: Final = _Way(OUTPUT)
_INPUTS: Final = {variant: _Way(stops) for variant, stops in INPUT.items()}


class Pipeline:
    """The ways through one ruleset.

    Args:
        space: of the variables.
        ruleset: the rules.
        cell: within which packets enter; outside of it the diagrams say anything.
    """

    def __init__(self, space: Space, ruleset: Ruleset, cell: Cell | None = None) -> None:
        self.space, self.ruleset = space, ruleset
        self.summaries = Summaries(space, ruleset, cell)
        self._conditions, self._odds, self._diagrams = self.summaries.conditions, self.summaries.odds, space.diagrams
        self._tracked = self.summaries.reading.uses_conntrack
        self._entrance = Entrance.ARRIVING
        self._memo: dict[tuple[Entrance, int, int, Store], Diagram] = {}

    @property
    def undecided(self) -> tuple[Undecided, ...]:
        """What was met on the ways asked for so far that is not reasoned about."""
        return tuple(self.summaries.undecided)

    def behaviour(self, entrance: Entrance) -> Diagram:
        """Return how packets end: values are :class:`Outcome`, certain or drawn (:mod:`iptc_sim.symbolic.odds`).

        Packets that arrive have an in interface, those made here have none, and OUT_INTERFACE is by which routing would
        send them as they enter.

        Raises:
            InputError: IPT033, the chains are such that the kernel refuses them.
            TooLargeError: the diagram has too many nodes.
        """
        self._entrance = entrance
        if entrance is Entrance.LOCAL:
            return self._follow(_OUTPUT, 0, Store(incoming=NONE))
        return self._follow(_ARRIVE, 0, Store())

    def walk(self, hook: Hook, table: str) -> Diagram:
        """Return what one table does at a hook, as a function of the fields that packets have *then*.

        Values are :class:`Accepted` with the store of what was changed there, and :class:`Outcome`. In nat the packets
        are those whose connection is not settled yet.
        """
        incoming = NONE if hook is Hook.OUTPUT else KEPT
        outgoing = NONE if hook in {Hook.PREROUTING, Hook.INPUT} else Way(KEPT)
        store = Store(incoming=incoming, outgoing=outgoing, entry=Entry.ANY)
        return self.summaries.table(table, hook, store)

    def _follow(self, way: _Way, at: int, store: Store) -> Diagram:
        """Return the ends of packets of a store that have come to a stop of a way."""
        key = (self._entrance, id(way), at, store)
        found = self._memo.get(key)
        if found is None:
            stop = way.stops[at]
            if isinstance(stop, Walk):
                found = self._walk(way, at, stop, store)
            elif isinstance(stop, Stage):
                found = self._stage(way, at, stop, store)
            else:
                found = self._follow(way, at + 1, self._border(stop, store))
            self._memo[key] = found
        return found

    @staticmethod
    def _border(stop: Enter | Exit, store: Store) -> Store:
        if isinstance(stop, Enter) and stop.hook is Hook.POSTROUTING and store.next_way is not None:
            return replace(store, outgoing=store.next_way, next_way=None)
        return store

    # ---- tables

    def _walk(self, way: _Way, at: int, stop: Walk, store: Store) -> Diagram:
        done = self._table(stop, store)

        def passed(leaf: Hashable) -> Diagram:
            if not isinstance(leaf, Accepted):
                return self._diagrams.terminal(leaf)
            return self._follow(way, at + 1, self._routed_again(stop, store, leaf.store))

        return self._odds.bind(done, passed)

    def _table(self, stop: Walk, store: Store) -> Diagram:
        """Return what a table does; nat is walked for connections only whose side of the hook is not settled."""
        if stop.table != "nat":
            return self.summaries.table(stop.table, stop.hook, store)
        untouched = self._diagrams.terminal(Accepted(store))
        before_routing = stop.hook in {Hook.PREROUTING, Hook.OUTPUT}
        settled = store.destination_settled if before_routing else store.source_settled
        if store.entry is not Entry.BEGINS or settled:
            return untouched
        return self._diagrams.choose(self._is_error(store), untouched, self.summaries.table("nat", stop.hook, store))

    def _is_error(self, store: Store) -> Diagram:
        protocol = ICMP if self.space.family == 4 else ICMPV6
        types = union((kind << 8, kind << 8 | 0xFF) for kind in _ERRORS[protocol])
        is_icmp = self._conditions.within(Field.PROTOCOL, ((protocol, protocol),), store)
        return self._diagrams.conjunction(is_icmp, self._conditions.within(Field.ICMP, types, store))

    def _routed_again(self, stop: Walk, before: Store, now: Store) -> Store:
        """Look the route up once more where a packet made here was changed (``ip_route_me_harder``)."""
        if stop.hook is not Hook.OUTPUT:
            return now
        changed = before.destination != now.destination
        if stop.table == "mangle":
            changed = changed or before.source != now.source or before.mark != now.mark
        if stop.table not in {"mangle", "nat"} or not changed:
            return now
        return replace(now, next_way=self._way(now))

    def _way(self, store: Store) -> Term:
        """Return the interface by which packets of a store leave."""
        if isinstance(store.destination, Value) and self.space.is_loopback(store.destination.number):
            return _LO
        return Way(store.destination, self._read_by_routing(store))

    def _read_by_routing(self, store: Store) -> Hashable:
        """Return what routing looks at beside the destination, where that is not what packets entered with."""
        if not self.space.routing_reads_marks or store.mark == Store().mark:
            return None
        return store.mark

    # ---- what stands between the tables

    def _stage(self, way: _Way, at: int, stage: Stage, store: Store) -> Diagram:
        match stage:
            case Stage.CONNTRACK:
                return self._track(way, at, store)
            case Stage.ROUTE_IN:
                return self._come_in(store)
            case Stage.ROUTE_OUT:
                return self._follow(way, at + 1, replace(store, outgoing=self._way(store)))
            case Stage.LEAVE:
                return self._leave(store)
            case Stage.DELIVER:
                return self._passed(Fate.LOCAL, store)

    def _track(self, way: _Way, at: int, store: Store) -> Diagram:
        """Let connection tracking look at packets: connections begin, or are there and settled."""
        if store.entry in {Entry.BEGINS, Entry.SETTLED, Entry.UNTRACKED} or not self._tracked:
            return self._follow(way, at + 1, store)
        behind = replace(store, entry=Entry.SETTLED, ctmark=ENTRY_CTMARK)
        is_expected = self._diagrams.conjunction(
            self._conditions.within(Field.CTSTATE, _RELATED, behind),
            self.space.flag(FRESH),
            self._diagrams.negation(self._is_error(store)),
        )
        is_new = self._conditions.within(Field.CTSTATE, _NEW, behind)
        is_begun = self._diagrams.disjunction(is_new, is_expected)
        settled = begun = self._diagrams.no
        if is_begun is not self._diagrams.no:
            begun = self._follow(way, at + 1, replace(behind, entry=Entry.BEGINS))
        if is_begun is not self._diagrams.yes:
            settled = self._follow(way, at + 1, behind)
        return self._diagrams.choose(is_begun, begun, settled)

    def _come_in(self, store: Store) -> Diagram:
        """Decide whether packets are for this node, or for others."""
        variant = self.ruleset.variant
        is_local = self._is_local(store)
        local = forwarded = self._diagrams.no
        if is_local is not self._diagrams.no:
            local = self._follow(_INPUTS[variant], 0, store)
        if is_local is not self._diagrams.yes:
            sent = replace(store, outgoing=self._way(store), hops=store.hops + 1)
            forwarded = self._follow(_FORWARD, 0, sent)
        return self._diagrams.choose(is_local, local, forwarded)

    def _is_local(self, store: Store) -> Diagram:
        destination = store.destination
        if store.home or isinstance(destination, Own):
            return self._diagrams.yes
        if isinstance(destination, Value) and self.space.is_loopback(destination.number):
            return self._diagrams.yes
        read = self._read_by_routing(store)
        if destination == KEPT and read is None:
            return self.space.flag(ROUTE)
        return self.space.flag(("route", destination, read))

    def _leave(self, store: Store) -> Diagram:
        """Let packets go; what goes to lo comes back."""
        if self._entrance is Entrance.ARRIVING:
            return self._passed(Fate.FORWARD, store)
        sent = self._passed(Fate.SENT, store)
        if store.home:
            return sent
        span = (_LO.number, _LO.number)
        by_lo = self._conditions.within(Field.OUT_INTERFACE, (span,), store)
        if by_lo is self._diagrams.no:
            return sent
        back = replace(store, home=True, incoming=_LO, outgoing=NONE, next_way=None)
        forgotten = replace(back, entry=Entry.NONE)
        came = self._follow(_ARRIVE, 0, back if self._tracked else forgotten)
        if store.entry is Entry.SETTLED:  # INVALID packets have no entry that they could keep
            invalid = self._conditions.within(Field.CTSTATE, _INVALID, store)
            came = self._diagrams.choose(invalid, self._follow(_ARRIVE, 0, forgotten), came)
        return self._diagrams.choose(by_lo, came, sent)

    def _passed(self, fate: Fate, store: Store) -> Diagram:
        return self._diagrams.terminal(Outcome.passed(fate, store, tracked=self._tracked))


def behaviour(space: Space, ruleset: Ruleset, entrance: Entrance, cell: Cell | None = None) -> Diagram:
    """Return how packets of an entrance end, see :meth:`Pipeline.behaviour`."""
    return Pipeline(space, ruleset, cell).behaviour(entrance)


def walk(space: Space, ruleset: Ruleset, hook: Hook, table: str, cell: Cell | None = None) -> Diagram:
    """Return what one table does at a hook, see :meth:`Pipeline.walk`."""
    return Pipeline(space, ruleset, cell).walk(hook, table)
