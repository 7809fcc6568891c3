"""A class of packets is told only where a trace shows one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from iptc_sim.behaviour.confirm import answers_of
from iptc_sim.behaviour.described import cube_of, free_conditions
from iptc_sim.behaviour.reach_answer import Destination, Example, Wanted
from iptc_sim.behaviour.reach_ends import Alike
from iptc_sim.behaviour.reach_passing import first_stop, without_stops
from iptc_sim.behaviour.slices import Slice
from iptc_sim.behaviour.witness import Maker, Witness, wishes
from iptc_sim.constraint import Field
from iptc_sim.diagnostics import InputError, UsageError
from iptc_sim.diagram.counting import pick
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import Span, Spans
from iptc_sim.engine import explore
from iptc_sim.engine.session import ALIVE
from iptc_sim.engine.situation import Situation
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.protocols import PORT_PROTOCOLS
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.symbolic.pipeline import Entrance
from iptc_sim.symbolic.variables import Space
from iptc_sim.values import UNKNOWN, Odds

#: How many packets of a class are tried, and how many branches their traces may have.
_TRIES: Final = 8
_MOST_ENDS: Final = 12_000
#: So far from the first address of a range an example is chosen.
_EDGE: Final = 9


def is_there(packet: Packet, to: Destination) -> bool:
    """Whether a packet goes to a destination."""
    if packet.destination is UNKNOWN or not to.span[0] <= int(packet.destination) <= to.span[1]:
        return False
    return to.port is None or (packet.protocol in PORT_PROTOCOLS and packet.dport == to.port)


class Confirmer:
    """Finds packets of classes and sends them.

    Args:
        space: of the classes.
        part: the rules that packets are sent through.
        to: the destination.
        wanted: which packets.
        node: the machine; None: one is made for every packet.
        names: of interfaces that rules name.
    """

    def __init__(
        self,
        space: Space,
        part: Slice,
        to: Destination,
        wanted: Wanted,
        node: Node | None,
        names: Sequence[str],
    ) -> None:
        self._space, self._part, self._to, self._wanted = space, part, to, wanted
        self._makers = {entrance: Maker(space, entrance, node) for entrance in Entrance}
        self._names = names
        self._passing: Ruleset | None = None  # the same without what stops packets, once it is asked for

    def example(
        self, region: Diagram, alike: Alike, entrance: Entrance, box: Mapping[int, Spans] | None = None
    ) -> Example | str:
        """Return a packet of a region that ends as all of it should, or why none was found.

        Args:
            region: which packets there are.
            alike: how they end.
            entrance: where the packet is to come from.
            box: what they have in common, where that is known.
        """
        made, left, why = self._space.diagrams, region, ""
        hopes = wishes(self._space, entrance, self._names)
        hopes |= dict(self._inside(box or {}, hopes))
        for _ in range(_TRIES):
            point = pick(made, left, bool, hopes)
            if point is None:
                break
            for real in self._makers[entrance].realistic(point):
                if made.value(region, real) is not True:
                    why = why or "its connection would have to be another one than the packet's"
                    continue
                try:
                    witness = self._makers[entrance].make(real)
                except ValueError as error:
                    why = str(error)
                    continue
                told = self._send(witness, alike, entrance)
                if isinstance(told, Example):
                    return told
                why = f"{witness.flow.packet}: {told}"
            left = made.conjunction(left, made.negation(made.cell(cube_of(made, left, point))))
        return why or "none could be made"

    def _inside(self, box: Mapping[int, Spans], known: Mapping[int, list[Span]]) -> Iterator[tuple[int, list[Span]]]:
        """Yield wishes for addresses inside of the ranges of a box rather than at their edges."""
        for level in (self._space.level(Field.SOURCE), self._space.level(Field.DESTINATION)):
            spans = box.get(level, ())
            single = [(low, high) for low, high in spans if low == high]
            inner = [(low + _EDGE, high) for low, high in spans if high - low > 2 * _EDGE]
            hopes = known[level]
            yield level, [*(hope for hope in hopes if hope[0] == hope[1]), *single, *inner, *hopes]

    def _send(self, witness: Witness, alike: Alike, entrance: Entrance) -> Example | str:
        try:
            trace = self._part.numbered(_trace(self._part.ruleset, witness))
            ends = self._stopped(trace, witness) if self._wanted.is_stopped else self._arriving(trace)
        except (UsageError, InputError) as error:
            return f"it cannot be traced: {error.diagnostics[0].message}"
        if not ends:
            return f"it does not end so: {', '.join(dict.fromkeys(end.fate for end in trace.ends))}"
        total = Odds(0, 1)
        for _, odds in ends:
            if odds is None:
                return "it hangs on conditions that cannot be told"
            total = total + odds
        if total.fraction != Odds(alike.numerator, alike.denominator).fraction:
            return f"its odds are {total}, not {alike.numerator}/{alike.denominator}"
        answers = free_conditions(self._space, self._answers(witness))
        return Example(str(entrance), witness.flow, witness.node, trace, ends[0][0], total, answers)

    def _answers(self, witness: Witness) -> Mapping[int, tuple[tuple[int, int], ...]]:
        return {self._space.variable(key): ((value, value),) for key, value in witness.answers.items()}

    def _arriving(self, trace: Trace) -> list[tuple[End, Odds | None]]:
        """Return the ends at the destination."""
        found = [end for end in trace.ends if end.fate in ALIVE and is_there(end.packet, self._to)]
        if self._wanted is Wanted.MASQUERADED:
            found = [end for end in found if end.packet.source_text != trace.flow.packet.source_text]
        return [(end, end.odds) for end in found]

    def _stopped(self, trace: Trace, witness: Witness) -> list[tuple[End, Odds | None]]:
        """Return the ends by a rule without which the packet would have come to the destination, with those odds."""
        if self._passing is None:
            self._passing = without_stops(self._part.ruleset)
        fate = Fate.DROP if self._wanted is Wanted.DROPPED else Fate.REJECT
        by_place = {end.decided_by: end for end in trace.ends if end.fate is fate}
        found = []
        free = _trace(self._passing, witness)
        for end in free.ends:
            place = first_stop(free, end)
            if end.fate in ALIVE and is_there(end.packet, self._to) and place is not None:
                stopped = by_place.get((*place[:2], self._part.number(*place)))
                if stopped is not None:
                    found.append((stopped, end.odds))
        return found


def _trace(ruleset: Ruleset, witness: Witness) -> Trace:
    situation = Situation(witness.node, answers=answers_of(witness.answers))
    return explore(ruleset, witness.flow, situation, connection=witness.connection, max_ends=_MOST_ENDS)
