"""What a walk has changed of a packet so far, said of all packets at once."""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum
from typing import Any, Final

from iptc_sim.constraint import Field
from iptc_sim.records import dataclass, field, hash_of, replace
from iptc_sim.values import Prefix

_ALL: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Kept:
    """As the packet entered with it."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value for all packets."""

    number: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a range that the kernel's hash chooses out of: the same one for the same packet."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The host part of the old address, in a network (NETMAP)."""

    network: Prefix


@dataclass(frozen=True, slots=True)
class Own:
    """The node's address on an interface: of the way out (MASQUERADE) or of the way in (REDIRECT).

    Args:
        interface: by which.
        towards: what the address is chosen for, where that matters: the destination then.
    """

    interface: Term
    towards: Term


@dataclass(frozen=True, slots=True)
class Drawn:
    """A port of a range that is free, drawn by the kernel; None: of the class that the old one is in."""

    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Shifted:
    """``first + (old - base) % size``: the n-th port of one range for the n-th of another."""

    first: int
    size: int
    base: int


@dataclass(frozen=True, slots=True)
class Opaque:
    """What ``key`` makes of the value before: equal keys make equal values of equal ones."""

    key: Hashable
    before: Hashable


@dataclass(frozen=True, slots=True)
class Way:
    """The interface that routing chooses for a packet with this destination (and mark, where routing reads marks)."""

    destination: Term
    mark: Hashable = None


Term = Kept | Value | OneOf | Moved | Own | Drawn | Shifted | Opaque | Way

KEPT: Final = Kept()
#: No interface.
NONE: Final = Value(0)


@dataclass(frozen=True, slots=True)
class BitTerm:
    """A mark: ``(mark & keep_mark) ^ (ctmark & keep_ctmark) ^ xor``, of the marks that the packet entered with."""

    keep_mark: int
    keep_ctmark: int
    xor: int

    def edited(self, keep: int, xor: int) -> BitTerm:
        """Return ``(this & keep) ^ xor``."""
        return BitTerm(self.keep_mark & keep, self.keep_ctmark & keep, self.xor & keep ^ xor)

    def joined(self, other: BitTerm) -> BitTerm:
        """Return ``this ^ other``."""
        return BitTerm(self.keep_mark ^ other.keep_mark, self.keep_ctmark ^ other.keep_ctmark, self.xor ^ other.xor)

    @property
    def is_constant(self) -> bool:
        """Whether it hangs on nothing."""
        return not self.keep_mark and not self.keep_ctmark

    def value(self, mark: int, ctmark: int) -> int:
        """Return the mark of a packet that entered with these."""
        return mark & self.keep_mark ^ ctmark & self.keep_ctmark ^ self.xor


Mark = BitTerm | Opaque

ENTRY_MARK: Final = BitTerm(_ALL, 0, 0)
ENTRY_CTMARK: Final = BitTerm(0, _ALL, 0)
NO_MARK: Final = BitTerm(0, 0, 0)


class Entry(StrEnum):
    """What stands for the packet's conntrack entry."""

    NONE = "none"
    UNTRACKED = "untracked"
    PREPARED = "prepared"
    BEGINS = "begins"
    SETTLED = "settled"
    ANY = "any"


#: Which of the fields a term of the store stands for.
_PLACES: Final = {
    Field.DESTINATION: "destination", Field.DPORT: "dport", Field.SOURCE: "source", Field.SPORT: "sport",
    Field.MARK: "mark", Field.CTMARK: "ctmark", Field.IN_INTERFACE: "incoming", Field.OUT_INTERFACE: "outgoing",
}  # fmt: skip
_TYPES: Final = {Field.DESTINATION_TYPE: Field.DESTINATION, Field.SOURCE_TYPE: Field.SOURCE}


@dataclass(frozen=True, slots=True)
class HashedOnce:
    """What is looked up more often than anything: its hash is reckoned once.

    Args:
        hashed: the hash, once it was asked for.
    """

    hashed: list[int] = field(default_factory=list, compare=False, repr=False, init=False)

    def __hash__(self) -> int:
        """Return the hash."""
        if not self.hashed:
            self.hashed.append(hash_of(self))
        return self.hashed[0]


@dataclass(frozen=True, slots=True)
class Store(HashedOnce):
    """What was done to a packet, and where its entry stands. Equal stores are equal states of the walk.

    Args:
        destination: what it is now; ``dport``, ``source`` and ``sport`` likewise.
        mark: of the packet.
        ctmark: of its connection.
        incoming: the interface that it came in by; ``outgoing`` by which it will leave.
        next_way: the out interface from POSTROUTING on, after a second route lookup; None: there was none.
        entry: of connection tracking. ``BEGINS``: nat is walked. ``SETTLED``: its translation is settled. ``ANY``: not
            said.
        zone: the conntrack zone, where a rule of raw has told one.
        source_settled: whether nat has decided about the source; ``destination_settled`` about the destination.
        hops: by how much its TTL was lowered.
        home: whether it came back by lo.
        changed: further fields that are not what they were, each with what was done.
        notes: what was done beside that, in words.
        asked: the conditions with a state of their own that were asked.
    """

    destination: Term = KEPT
    dport: Term = KEPT
    source: Term = KEPT
    sport: Term = KEPT
    mark: Mark = ENTRY_MARK
    ctmark: Mark = ENTRY_CTMARK
    incoming: Term = KEPT
    outgoing: Term = NONE
    next_way: Term | None = None
    entry: Entry = Entry.NONE
    zone: Hashable = None
    source_settled: bool = False
    destination_settled: bool = False
    hops: int = 0
    home: bool = False
    changed: tuple[tuple[Field, Opaque], ...] = ()
    notes: tuple[str, ...] = ()
    asked: tuple[Hashable, ...] = ()

    __hash__ = HashedOnce.__hash__

    def term(self, field: Field) -> Term | Mark:
        """Return what stands for a field now; for a type, what stands for its address."""
        place = _PLACES.get(_TYPES.get(field, field))
        if place is not None:
            term: Term | Mark = getattr(self, place)
            return term
        if field is Field.HOPS and self.hops:
            return Opaque(("lowered", self.hops), self.change(field))
        return self.change(field)

    def change(self, field: Field) -> Kept | Opaque:
        """Return what was done to a field that has no place of its own."""
        for known, done in self.changed:
            if known is field:
                return done
        return KEPT

    def with_change(self, field: Field, key: Hashable) -> Store:
        """Return the store after a field was changed in a way that is not reasoned about."""
        place = _PLACES.get(field)
        if place is not None:
            change: dict[str, Any] = {place: Opaque(key, getattr(self, place))}
            return replace(self, **change)
        kept = tuple(pair for pair in self.changed if pair[0] is not field)
        done = Opaque(key, self.change(field))
        return replace(self, changed=tuple(sorted((*kept, (field, done)), key=lambda pair: pair[0])))

    def values(self, fields: frozenset[Field] | None) -> tuple[tuple[str, Hashable], ...]:
        """Return what some fields (None: all) have become, as far as they are not what they were on entering.

        The marks are reckoned as changed where they are not the packet's own.
        """
        found: list[tuple[str, Hashable]] = []
        for name in Field if fields is None else sorted(fields):
            term = self.term(name)
            if term != KEPT and term != _ENTERED.get(name):
                found.append((name.name, term))
        return tuple(found)


_ENTERED: Final = {Field.MARK: ENTRY_MARK, Field.CTMARK: ENTRY_CTMARK}
