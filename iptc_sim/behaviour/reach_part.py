"""What is asked of one slice of the rules: the classes of packets that reach a destination, and their examples."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import partial
from typing import Final

from iptc_sim.behaviour.answer import Undecided
from iptc_sim.behaviour.described import size_of
from iptc_sim.behaviour.differ import interfaces_of
from iptc_sim.behaviour.reach_answer import Destination, Example, ReachClass, Wanted
from iptc_sim.behaviour.reach_conditions import conditions, facts
from iptc_sim.behaviour.reach_confirm import Confirmer
from iptc_sim.behaviour.reach_cover import Box, Cover, fixed
from iptc_sim.behaviour.reach_ends import Alike, Ends
from iptc_sim.behaviour.reach_facts import Facts
from iptc_sim.behaviour.reach_keys import Given, condition_of
from iptc_sim.behaviour.reach_passing import outer, without_stops
from iptc_sim.behaviour.slices import Slice
from iptc_sim.constraint import ADDRESS_TYPES, STATES, Field
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import Spans, union
from iptc_sim.node import Node
from iptc_sim.records import dataclass
from iptc_sim.steps import Fate
from iptc_sim.symbolic.pipeline import Entrance, Pipeline
from iptc_sim.symbolic.store import Moved, OneOf, Value
from iptc_sim.symbolic.variables import FRESH, ROUTE, Space
from iptc_sim.values import Odds, Prefix

#: Nodes of the diagrams of one part.
BUDGET: Final = 200_000
#: The in interface of packets that are made on the node: none.
_NONE: Final = ((0, 0),)
_UNICAST: Final = ADDRESS_TYPES.index("UNICAST")
_FATES: Final = (Fate.FORWARD, Fate.LOCAL, Fate.SENT)

#: What classes are sorted by: those without new connections last, then large ones first, then simple ones.
Order = tuple[bool, int, int, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """The question: see :func:`reach`."""

    to: Destination
    source: Prefix | None
    wanted: Wanted
    states: frozenset[str]
    marked: bool

    def condition(self, space: Space) -> Diagram:
        """Return the condition that packets are of those asked about, wherever they go."""
        made = space.diagrams
        spans = union((number, number) for number in map(STATES.index, self.states))
        parts = [space.within(Field.CTSTATE, spans)]
        if self.source is not None:
            parts.append(space.within(Field.SOURCE, (self.source.span,)))
        return made.conjunction(*parts)

    def known(self, space: Space) -> dict[int, int]:
        """Return the levels of which all packets that are asked about have one value; it is 0."""
        levels = [space.variable(FRESH), space.level(Field.SNATTED), space.level(Field.DNATTED)]
        if self.states == {"NEW"}:
            levels.append(space.level(Field.CTSTATE))
        if not self.marked:
            levels += [space.level(field, bit) for field in (Field.MARK, Field.CTMARK) for bit in range(32)]
        return dict.fromkeys(levels, 0)


@dataclass(frozen=True, slots=True)
class Found:
    """A class before it is confirmed.

    Args:
        alike: how its packets end.
        box: what they have in common.
        region: which packets these are.
        size: how many they are.
    """

    alike: Alike
    box: Box
    region: Diagram
    size: int

    def order(self, new: Diagram, space: Space) -> Order:
        """Return what classes are sorted by: packets of new connections, then large ones, then simple ones."""
        is_old = space.diagrams.conjunction(new, self.region) is space.diagrams.no
        return is_old, -self.size, len(self.box), repr((self.box, self.alike))


class Part:
    """One slice of the rules, and the packets that it is for.

    Args:
        asked: the question.
        node: the machine; None: any.
        part: the rules that these packets can meet.
        given: which packets these are, beside those to the destination itself.
        own: whether the latter are among them.
    """

    def __init__(
        self,
        asked: Asked,
        node: Node | None,
        part: Slice,
        given: Given,
        *,
        own: bool,
    ) -> None:
        self.asked, self.node, self.part, self.given, self.own = asked, node, part, given, own
        self.rules = without_stops(part.ruleset) if asked.wanted.is_stopped else part.ruleset
        self.space = Space.of([self.rules], node, budget=BUDGET)
        links = () if node is None else (link.name for link in node.links if link.name != "lo")
        self.names = tuple(dict.fromkeys((*interfaces_of(part.ruleset), *links)))
        known = node if node is not None and node.known else None
        self.confirmer = Confirmer(self.space, part, asked.to, asked.wanted, known, self.names)
        self.full = self.space.diagrams.nothing
        self.undecided: dict[Undecided, None] = {}
        self.is_elsewhere = is_elsewhere(asked, node, given)

    # ---- which packets

    def classes(self) -> list[tuple[Order, Found]]:
        """Return the classes of packets, not confirmed yet, each with what they are sorted by.

        Raises:
            TooLargeError: there are too many ways to end there.
        """
        space, made = self.space, self.space.diagrams
        self.full, care = self._ends()
        plain = made.map(Ends.without_fates, self.full)
        outside = made.negation(care)
        cover = Cover(made, self._names_of_interfaces())
        found = []
        for alike in made.values(plain):
            if isinstance(alike, Alike):
                inside = made.map(partial(_same, alike), plain)
                lower, upper = made.conjunction(inside, care), made.disjunction(inside, outside)
                for box, region in self._regions(cover, lower, cover.boxes(lower, upper)):
                    found.append(Found(alike, box, region, size_of(space, region)))
        new = STATES.index("NEW")
        is_new = space.within(Field.CTSTATE, ((new, new),))
        return [(item.order(is_new, space), item) for item in found]

    def _names_of_interfaces(self) -> list[int]:
        """Return the levels that tell interfaces."""
        space = self.space
        ways = [level for level, key in space.variables() if isinstance(key, tuple) and key[0] == "way"]
        return [space.level(Field.IN_INTERFACE), space.level(Field.OUT_INTERFACE), *ways]

    def _regions(self, cover: Cover, lower: Diagram, boxes: Sequence[Box]) -> Iterator[tuple[Box, Diagram]]:
        """Yield boxes with the packets in them, without those of an entrance that other boxes have all of."""
        made = self.space.diagrams
        here = self.space.within(Field.IN_INTERFACE, _NONE)
        parts = {box: made.conjunction(lower, cover.condition(box)) for box in boxes}
        for box in sorted(boxes, key=len, reverse=True):
            others = made.negation(made.disjunction(*(part for one, part in parts.items() if one is not box)))
            for entrance in (here, made.negation(here)):
                mine = made.conjunction(parts[box], entrance)
                if made.conjunction(mine, others) is made.no:
                    parts[box] = made.conjunction(parts[box], made.negation(mine))
        yield from ((box, part) for box, part in parts.items() if part is not made.no)

    def _ends(self) -> tuple[Diagram, Diagram]:
        """Return where packets end as wanted, and which points are packets that are asked about."""
        space, made, asked_for = self.space, self.space.diagrams, self.asked
        pipeline = Pipeline(space, self.rules, self._cell())
        node = Node.of({}) if self.is_elsewhere else self.node
        ends = Ends(space, asked_for.to, asked_for.wanted, node, self.given.moves)
        entering = condition_of(space, self.given.keys, asked_for.to, own=self.own)
        both = (Entrance.LOCAL, Entrance.ARRIVING)
        behaviours = [pipeline.behaviour(entrance) for entrance in both]
        known = Facts(space, self.node, asked_for.to)
        asked = made.conjunction(asked_for.condition(space), self._elsewhere())
        cares = [made.conjunction(known.of(entrance), asked) for entrance in both]
        # Simplified only when the draws are put together: these may hang on anything once more.
        whole = [
            self._simpler(ends.of(made.narrow(one, made.conjunction(entering, care))))
            for one, care in zip(behaviours, cares, strict=True)
        ]
        made_here = space.within(Field.IN_INTERFACE, _NONE)
        care = made.choose(made_here, *(self._simpler(one) for one in cares))
        for item in pipeline.undecided:
            places = tuple(self.part.place(table, outer(chain), number) for table, chain, number in item.places)
            self.undecided[Undecided(item.why, places)] = None
        for why in ends.unclear:
            self.undecided[Undecided(why)] = None
        return made.choose(made_here, *whole), care

    def _simpler(self, f: Diagram) -> Diagram:
        """Return a diagram without what is known of all packets, or follows from the type of their destination."""
        space, made, route = self.space, self.space.diagrams, self.space.variable(ROUTE)
        values = self.asked.known(space)
        away, here = (fixed(made, f, {**values, route: number}) for number in (0, 1))
        return made.choose(space.within(Field.DESTINATION_TYPE, ((_UNICAST, _UNICAST),)), away, here)

    def _cell(self) -> dict[Field, Spans]:
        """Return within which destinations packets enter, as far as that is known of all of them."""
        if any(not key[0] for key in self.given.keys):
            return {}
        spans = [Prefix.parse(key[0]).span for key in self.given.keys]
        return {Field.DESTINATION: union(spans, [self.asked.to.span] if self.own else [])}

    def _elsewhere(self) -> Diagram:
        """Return the condition that the destination is not on this node, where that is taken for granted."""
        space, made = self.space, self.space.diagrams
        if not self.is_elsewhere:
            return made.yes
        low, high = self.asked.to.span
        flags = []
        for _, key in list(space.variables()):
            match key:
                case ("route", Value(number), _) if low <= number <= high:
                    flags.append(space.flag(key))
                case ("route", Moved() | OneOf(), _):
                    flags.append(space.flag(key))
        away = space.within(Field.DESTINATION_TYPE, ((_UNICAST, _UNICAST),))
        own = made.conjunction(space.within(Field.DESTINATION, (self.asked.to.span,)), made.negation(away))
        return made.negation(made.disjunction(own, *flags))

    # ---- one class

    def told(self, item: Found) -> ReachClass | None:
        """Return a class with its examples; None where none could be confirmed, which is noted."""
        space, made, names = self.space, self.space.diagrams, self.names
        here = space.within(Field.IN_INTERFACE, _NONE)
        examples: list[Example] = []
        for entrance in (Entrance.ARRIVING, Entrance.LOCAL):
            part = made.conjunction(item.region, here if entrance is Entrance.LOCAL else made.negation(here))
            if part is made.no:
                continue
            told = self.confirmer.example(part, item.alike, entrance, dict(item.box))
            if isinstance(told, Example):
                examples.append(told)
            else:
                about = [f"{one.field} {one.text}" for one in conditions(space, dict(item.box), entrance, names)]
                about += [f"where {fact}" for fact in facts(space, dict(item.box), names)]
                why = f"packets may end so that no trace shows: {told}"
                self.undecided[Undecided(why, (f"{entrance}: {', '.join(about) or 'any packet'}",))] = None
        if not examples:
            return None
        box = dict(item.box)
        entrance = Entrance(examples[0].entry)
        alike = item.alike
        return ReachClass(
            tuple(example.entry for example in examples),
            conditions(space, box, entrance, names),
            tuple(facts(space, box, names)),
            item.size,
            Odds(alike.numerator, alike.denominator),
            alike.translated,
            alike.masqueraded,
            alike.code,
            tuple(self._fates(item.region)),
            tuple(examples),
            item.box,
            space,
        )

    def _fates(self, region: Diagram) -> Iterator[Fate]:
        """Yield what may become of packets of a region."""
        made = self.space.diagrams
        values = made.values(made.narrow(self.full, region))
        found = {arrival.fate for value in values if isinstance(value, tuple) for arrival, *_ in value}
        yield from (fate for fate in _FATES if fate in found)


def is_elsewhere(asked: Asked, node: Node | None, given: Given) -> bool:
    """Whether the destination is taken to be a container rather than the node itself: rules send packets on to it."""
    return node is None and asked.to.prefix.is_host and given.sends_on


def _same(alike: Alike, value: Hashable) -> bool:
    return value == alike
