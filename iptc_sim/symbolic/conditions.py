"""What rules ask, as diagrams over the packet as it entered: a rewritten value decides a test, a kept one leaves it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from iptc_sim.constraint import (
    ADDRESS_TYPES,
    STATES,
    All,
    Always,
    AnyOf,
    Bits,
    Constraint,
    Draw,
    Field,
    Free,
    NamedInterface,
    Never,
    Own,
    Within,
)
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import Span, Spans, of_mask
from iptc_sim.symbolic.own import own_key
from iptc_sim.symbolic.store import KEPT, BitTerm, Entry, Kept, Moved, OneOf, Opaque, Shifted, Store, Value, Way
from iptc_sim.symbolic.store import Own as OwnAddress
from iptc_sim.symbolic.variables import Cell, Space, interface_spans
from iptc_sim.values import RANDOM_STEPS

_UNTRACKED: Final = STATES.index("UNTRACKED")
_LOCAL: Final = ADDRESS_TYPES.index("LOCAL")
_INTERFACES: Final = frozenset({Field.IN_INTERFACE, Field.OUT_INTERFACE})
_TYPES: Final = frozenset({Field.DESTINATION_TYPE, Field.SOURCE_TYPE})
_MARKS: Final = frozenset({Field.MARK, Field.CTMARK})
#: The connection's tuple is that of the packet that begins it.
_ORIGINAL: Final = {
    Field.ORIGINAL_DESTINATION: Field.DESTINATION, Field.ORIGINAL_DPORT: Field.DPORT,
    Field.ORIGINAL_SOURCE: Field.SOURCE, Field.ORIGINAL_SPORT: Field.SPORT, Field.ORIGINAL_PROTOCOL: Field.PROTOCOL,
}  # fmt: skip
_SIDES: Final = {Field.DNATTED: ("destination", "dport"), Field.SNATTED: ("source", "sport")}


class Conditions:
    """Constraints as diagrams.

    Args:
        space: of the variables.
        cell: within which the packets enter; outside of it the diagrams say anything.
    """

    def __init__(self, space: Space, cell: Cell | None = None) -> None:
        self.space = space
        self._diagrams = space.diagrams
        self._cell = {} if cell is None else dict(cell)
        self._memo: dict[tuple[Field, tuple[Span, ...]], Diagram] = {}

    def of(self, constraint: Constraint, store: Store, place: Hashable = None) -> Diagram:
        """Return the condition that packets of a store fit; True or False everywhere.

        Args:
            constraint: without draws.
            store: what was done to the packets.
            place: the rule that asks, for conditions that have a state of their own.

        Raises:
            ValueError: something is drawn inside of other conditions.
        """
        made = self._diagrams
        match constraint:
            case Always():
                return made.yes
            case Never():
                return made.no
            case All(parts):
                return made.conjunction(*[self.of(part, store, place) for part in parts])
            case AnyOf(parts):
                return made.disjunction(*[self.of(part, store, place) for part in parts])
            case Within(field, spans, negated):
                return self._negated(self.within(field, spans, store), negated)
            case Bits(field, value, mask, negated):
                return self._negated(self._bits(field, value, mask, store), negated)
            case NamedInterface(field, name, prefix, negated):
                spans = interface_spans(name, prefix=prefix)
                return self._negated(self.within(field, spans, store), negated)
            case Free(key, reads, negated):
                free = self.space.flag(("free", key, store.values(reads)))
                return self._negated(free, negated)
            case Own(negated=negated):
                return self._negated(self.space.flag(("own", own_key(constraint, place, store))), negated)
            case Draw(threshold, negated) if threshold in {0, RANDOM_STEPS}:
                return made.yes if (threshold > 0) != negated else made.no
            case Draw():
                raise ValueError("a draw is not a condition of the packet")

    def within(self, field: Field, spans: Spans, store: Store) -> Diagram:
        """Return the condition that a field lies within some spans (sorted, apart)."""
        if field in _MARKS:
            return self._mark_within(field, spans, store)
        if field in _SIDES or field is Field.DIRECTION or field in _ORIGINAL:
            return self._of_entry(field, spans, store)
        if field is Field.CTSTATE:
            if store.entry is Entry.UNTRACKED:
                return self._known(_UNTRACKED, spans)
            if store.zone is not None and store.entry not in {Entry.NONE, Entry.PREPARED}:
                return self._variable(("ctstate", store.zone), spans, len(STATES) - 1)
            return self._entered(field, spans)
        return self._of_term(field, store.term(field), spans)

    def _negated(self, condition: Diagram, negated: bool) -> Diagram:
        return self._diagrams.negation(condition) if negated else condition

    def _known(self, number: int, spans: Spans) -> Diagram:
        inside = any(low <= number <= high for low, high in spans)
        return self._diagrams.yes if inside else self._diagrams.no

    def _entered(self, field: Field, spans: Spans) -> Diagram:
        """Test the value that the packet entered with."""
        key = (field, spans)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = self._tested(field, spans)
        return found

    def _tested(self, field: Field, spans: Spans) -> Diagram:
        limits = self._cell.get(field)
        if limits is not None:
            if all(_covers(spans, low, high) for low, high in limits):
                return self._diagrams.yes
            if not any(_meets(spans, low, high) for low, high in limits):
                return self._diagrams.no
        highest = self._diagrams.highest[self.space.level(field)]
        if spans and spans[-1][1] > highest:
            spans = tuple((low, min(high, highest)) for low, high in spans if low <= highest)
        return self.space.within(field, spans)

    def _variable(self, key: Hashable, spans: Spans, highest: int) -> Diagram:
        """Test a variable beside the fields."""
        level = self.space.variable(key, highest)
        return self._diagrams.test(level, spans, self._diagrams.yes, self._diagrams.no)

    def _of_term(self, field: Field, term: object, spans: Spans) -> Diagram:
        """Test what stands for a field; what cannot be reckoned is a condition of its own, the same for equal terms."""
        if isinstance(term, Kept):
            return self._entered(field, spans)
        if field in _TYPES:
            return self._type(term, spans)
        if isinstance(term, Value):
            return self._known(term.number, spans)
        if isinstance(term, Way):
            return self._way(term, spans)
        if isinstance(term, OneOf):
            if _covers(spans, term.first, term.last):
                return self._diagrams.yes
            if not _meets(spans, term.first, term.last):
                return self._diagrams.no
        if isinstance(term, Moved):
            low = term.network.network
            high = low | ~term.network.mask & (1 << term.network.family.bits) - 1
            if _covers(spans, low, high):
                return self._diagrams.yes
            if not _meets(spans, low, high):
                return self._diagrams.no
        if isinstance(term, Shifted) and (found := _before_shift(term, spans)) is not None:
            return self._entered(field, found)
        if isinstance(term, Opaque) and isinstance(term.key, tuple) and term.key[:1] == ("lowered",):
            lowered = term.key[1]
            raised = tuple((low + lowered, high + lowered) for low, high in spans)
            return self._of_term(field, term.before, raised)
        return self.space.flag(("within", field, term, tuple(spans)))

    def _way(self, way: Way, spans: Spans) -> Diagram:
        """Test the interface that routing has chosen; the first choice for the packet as it entered is a field."""
        if way == Way(KEPT):
            return self._entered(Field.OUT_INTERFACE, spans)
        highest = self._diagrams.highest[self.space.level(Field.OUT_INTERFACE)]
        return self._variable(("way", way), spans, highest)

    def _type(self, term: object, spans: Spans) -> Diagram:
        """Test the type of a rewritten address."""
        if isinstance(term, OwnAddress):
            return self._known(_LOCAL, spans)
        if isinstance(term, Value) and self.space.is_loopback(term.number):
            return self._known(_LOCAL, spans)
        return self._variable(("type", term), spans, len(ADDRESS_TYPES) - 1)

    def _of_entry(self, field: Field, spans: Spans, store: Store) -> Diagram:
        """Test a field of the connection."""
        if store.entry in {Entry.SETTLED, Entry.ANY}:
            return self._entered(field, spans)
        if store.entry is not Entry.BEGINS:
            return self._known(0, spans)
        if field is Field.DIRECTION:
            return self._known(0, spans)
        if field in _ORIGINAL:
            return self._entered(_ORIGINAL[field], spans)
        terms = [getattr(store, name) for name in _SIDES[field]]
        if terms == [KEPT, KEPT]:
            return self._known(0, spans)
        if any(isinstance(term, Value) for term in terms):  # see translate: one that changes nothing is KEPT
            return self._known(1, spans)
        return self._variable(("translated", field, *terms), spans, 1)

    # ---- bits

    def _bits(self, field: Field, value: int, mask: int, store: Store) -> Diagram:
        if field in _MARKS:
            return self.mark_is(store.term(field), value, mask)
        width = self.space.width(field)
        found = of_mask(value, mask, width)
        if found is None:
            return self.space.flag(("bits", field, store.term(field), value, mask))
        return self.within(field, found, store) if found else self._diagrams.no

    def mark_is(self, term: object, value: int, mask: int) -> Diagram:
        """Return the condition that a mark has these values in the bits of the mask."""
        made = self._diagrams
        if not isinstance(term, BitTerm):
            return self.space.flag(("mark", term, value, mask))
        wrong = (term.xor ^ value) & mask
        both = (term.keep_mark | term.keep_ctmark) & mask
        if wrong & ~both:
            return made.no
        parts = []
        for bit in _set_bits(both):
            want = wrong >> bit & 1
            parts.append(self._bit(term, bit, want))
        return made.conjunction(*parts) if parts else made.yes

    def _bit(self, term: BitTerm, bit: int, want: int) -> Diagram:
        """Return the condition that the kept bits of a mark add up to a bit."""
        made, space = self._diagrams, self.space
        levels = []
        if term.keep_mark >> bit & 1:
            levels.append(space.level(Field.MARK, bit))
        if term.keep_ctmark >> bit & 1:
            levels.append(space.level(Field.CTMARK, bit))
        conditions = [made.test(level, ((1, 1),), made.yes, made.no) for level in levels]
        found = conditions[0]
        for other in conditions[1:]:
            found = made.choose(other, made.negation(found), found)
        return found if want else made.negation(found)

    def _mark_within(self, field: Field, spans: Spans, store: Store) -> Diagram:
        """Test a mark as a number, block by block of numbers that differ in their last bits only."""
        term = store.term(field)
        blocks = [self.mark_is(term, low, mask) for span in spans for low, mask in _blocks(*span)]
        return self._diagrams.disjunction(*blocks) if blocks else self._diagrams.no


def _covers(spans: Sequence[Span], low: int, high: int) -> bool:
    return any(first <= low and high <= last for first, last in spans)


def _meets(spans: Sequence[Span], low: int, high: int) -> bool:
    return any(first <= high and low <= last for first, last in spans)


def _set_bits(number: int) -> Iterator[int]:
    while number:
        yield (number & -number).bit_length() - 1
        number &= number - 1


def _blocks(low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield value and mask of the aligned blocks that a range of 32 bit numbers is made of."""
    while low <= high:
        size = low & -low or 1 << 32
        while low + size - 1 > high:
            size >>= 1
        yield low, 0xFFFFFFFF & ~(size - 1)
        low += size


def _before_shift(shift: Shifted, spans: Spans, limit: int = 4096) -> Spans | None:
    """Return the ports that a shift turns into some of the spans; None where these are too many ranges."""
    if 0x10000 // shift.size > limit:
        return None
    inside: list[Span] = []
    for old in range(0x10000):
        new = shift.first + (old - shift.base) % shift.size
        if _covers(spans, new, new):
            if inside and inside[-1][1] == old - 1:
                inside[-1] = (inside[-1][0], old)
            else:
                inside.append((old, old))
    return tuple(inside) if len(inside) <= limit else None
