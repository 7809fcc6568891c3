"""Which ends of packets are ends at a destination."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Final

from iptc_sim.behaviour.described import WITH_PORTS
from iptc_sim.behaviour.reach_answer import Destination, Wanted
from iptc_sim.behaviour.reach_passing import stopped_by
from iptc_sim.constraint import Field
from iptc_sim.diagram.nodes import NOTHING
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import intersection, union
from iptc_sim.engine.session import ALIVE
from iptc_sim.node import Node
from iptc_sim.records import dataclass
from iptc_sim.steps import Fate
from iptc_sim.symbolic.conditions import Conditions
from iptc_sim.symbolic.odds import Distributions, reduced
from iptc_sim.symbolic.outcome import Outcome
from iptc_sim.symbolic.store import KEPT, Drawn, Kept, Moved, OneOf, Own, Shifted, Store, Term, Value
from iptc_sim.symbolic.variables import Space, interface_number
from iptc_sim.values import Odds, Prefix

#: Of more networks of its size NETMAP may move packets to one, and it is not told any more.
_MOST_BLOCKS: Final = 4096


@dataclass(frozen=True, slots=True)
class Arrival:
    """An end at the destination.

    Args:
        fate: what becomes of the packet; of one that is stopped, what would have.
        translated: whether the destination was rewritten.
        masqueraded: whether the source was.
        code: ``--reject-with`` of a packet that was rejected.
    """

    fate: Fate
    translated: bool
    masqueraded: bool = False
    code: str = ""


#: Ends at the destination, each with numerator and denominator of its odds.
Arrivals = tuple[tuple[Arrival, int, int], ...]


@dataclass(frozen=True, slots=True)
class Alike:
    """Packets that reach the destination in one way, whatever routing makes of them there.

    Args:
        numerator: of the odds that they do; ``denominator`` likewise.
        translated: whether a destination is rewritten.
        masqueraded: whether a source is.
        code: ``--reject-with`` of packets that are rejected.
    """

    numerator: int
    denominator: int
    translated: bool
    masqueraded: bool
    code: str


class Ends:
    """Makes behaviours into functions that tell :data:`Arrivals`, NOTHING where there are none.

    Args:
        space: of the behaviours.
        to: the destination.
        wanted: which packets.
        node: the machine, None where it is not known.
        moves: the networks that NETMAP moves packets to, each with those that they are of.

    Attributes:
        unclear: why it cannot be told of some packets whether they end there.
    """

    def __init__(
        self,
        space: Space,
        to: Destination,
        wanted: Wanted,
        node: Node | None,
        moves: Mapping[Prefix, Sequence[Prefix]] | None = None,
    ) -> None:
        self._moves = moves or {}
        self._space, self._made, self._to, self._wanted, self._node = space, space.diagrams, to, wanted, node
        self._conditions = Conditions(space)
        # Not the odds of the space: those keep what hangs on routing together in a draw. Here it is told apart, which
        # costs little, as ends elsewhere are one and the same.
        self._odds = Distributions(space.diagrams)
        self.unclear: dict[str, None] = {}

    def of(self, behaviour: Diagram) -> Diagram:
        """Return where packets of a behaviour end as wanted."""
        ends = self._odds.bind(behaviour, self._arrival)
        return self._made.map(self._arrivals, ends)

    def _arrivals(self, value: Hashable) -> Hashable:
        odds = self._odds.exact(value)
        found = [(leaf, *reduced(odds[leaf])) for leaf in odds if isinstance(leaf, Arrival)]
        return tuple(sorted(found, key=repr)) or NOTHING

    @staticmethod
    def without_fates(value: Hashable) -> Hashable:
        """Return what two ends have in common that differ only in what routing makes of a packet: :class:`Alike`."""
        if not isinstance(value, tuple):
            return value
        total, ends = Odds(0, 1), []
        for arrival, numerator, denominator in value:
            total = total + Odds(numerator, denominator)
            ends.append(arrival)
        return Alike(
            *reduced(total),
            any(end.translated for end in ends),
            any(end.masqueraded for end in ends),
            ends[0].code,
        )

    def _arrival(self, leaf: Hashable) -> Diagram:
        made = self._made
        if not isinstance(leaf, Outcome) or leaf.fate not in ALIVE:
            if isinstance(leaf, Outcome) and leaf.fate is Fate.STOLEN:
                self.unclear[f"what becomes of packets is not known: {leaf.code}"] = None
            return made.nothing
        stop = stopped_by(leaf.notes)
        masqueraded = (leaf.source, leaf.sport) != (KEPT, KEPT)
        if self._wanted.is_stopped:
            if stop is None or stop.rejected is not (self._wanted is Wanted.REJECTED):
                return made.nothing
            masqueraded = False
        elif self._wanted is Wanted.MASQUERADED and not masqueraded:
            return made.nothing
        translated = (leaf.destination, leaf.dport) != (KEPT, KEPT)
        code = "" if stop is None else stop.code
        end = made.terminal(Arrival(leaf.fate, translated, masqueraded, code))
        fits = self._port(leaf.dport)
        if fits is not made.no:
            fits = made.conjunction(fits, self._address(leaf.destination))
        return made.choose(fits, end, made.nothing)

    # ---- the address

    def _address(self, term: Term) -> Diagram:
        """Return the condition that an address is the destination's."""
        made, span = self._made, self._to.span
        low, high = span
        match term:
            case Kept():
                return self._space.within(Field.DESTINATION, (span,))
            case Value(number):
                return made.yes if low <= number <= high else made.no
            case OneOf(first, last):
                if first > high or last < low:
                    return made.no
                if low <= first and last <= high:
                    return made.yes
            case Moved(network):
                return self._moved(network)
            case Own(interface):
                return self._own(interface)
        return self._doubt(f"which address packets get is not known: {type(term).__name__.lower()}")

    def _moved(self, network: Prefix) -> Diagram:
        """Return the condition that the host part of the old address is one of the destination's, in a network.

        The old ones are looked for where rules send them to that network from.
        """
        inside = intersection((self._to.span,), (network.span,))
        if not inside:
            return self._made.no
        size = network.span[1] - network.network + 1
        low, high = (number - network.network for number in inside[0])
        found = []
        for origin in self._moves.get(network, ()):
            first, last = origin.span
            if (last - first) // size >= _MOST_BLOCKS:
                return self._doubt(f"NETMAP makes one of {network} of too many addresses")
            blocks = range(first // size, last // size + 1)
            found.append(
                intersection([(block * size + low, block * size + high) for block in blocks], ((first, last),))
            )
        return self._space.within(Field.DESTINATION, union(*found))

    def _own(self, interface: Term) -> Diagram:
        """Return the condition that the node's own address on an interface is the destination."""
        family = self._space.family
        if self._node is None:
            return self._doubt("REDIRECT sends packets to this node's own address, which is not told (--iface, --node)")
        numbers = []
        for name in dict.fromkeys([*(link.name for link in self._node.links), *self._interfaces()]):
            address = self._node.first_address(name, family)
            if address is not None and self._to.span[0] <= int(address) <= self._to.span[1]:
                numbers.append(interface_number(name))
        spans = tuple((number, number) for number in sorted(numbers))
        return self._conditions.within(Field.IN_INTERFACE, spans, Store(incoming=interface)) if spans else self._made.no

    def _interfaces(self) -> Iterator[str]:
        for item in self._node.addresses if self._node is not None else ():
            if item.interface:
                yield str(item.interface)

    # ---- the port

    def _port(self, term: Term) -> Diagram:
        """Return the condition that a packet has the destination's port."""
        made, port = self._made, self._to.port
        if port is None:
            return made.yes
        match term:
            case Kept() | Shifted():
                fits = self._conditions.within(Field.DPORT, ((port, port),), Store(dport=term))
            case Value(number):
                fits = made.yes if number == port else made.no
            case Drawn(first, last) if first is not None and last is not None and not first <= port <= last:
                fits = made.no
            case _:
                fits = self._doubt(f"port {port} is one of those that the kernel draws from; how likely is not known")
        return made.conjunction(fits, self._space.within(Field.PROTOCOL, WITH_PORTS))

    def _doubt(self, why: str) -> Diagram:
        """Note that it cannot be told; packets are not counted then."""
        self.unclear[why] = None
        return self._made.no
