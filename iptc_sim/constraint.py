"""What a match asks, said so that it can be reasoned about for all packets at once.

A constraint is data. It speaks of the packet *as it is when the rule is asked*; who follows a packet through rewrites
puts the values of that moment in place of the fields.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from enum import IntEnum
from typing import Final

from iptc_sim.moment import Hook
from iptc_sim.records import dataclass
from iptc_sim.values import Family, Variant

#: A range of numbers, both ends in it.
Span = tuple[int, int]


class Field(IntEnum):
    """What conditions may look at, in the order in which decision diagrams ask for it.

    Addresses are numbers in host order, of 32 or 128 bits. ``CTSTATE`` is a place in :data:`STATES`. ``SNATTED`` and
    ``DNATTED`` are 1 where the connection's source or destination is translated. The ``ORIGINAL_`` fields are the
    connection's original tuple, and ``DIRECTION`` is 1 for the packets of its replies. Both ``_TYPE`` fields are a
    place in :data:`ADDRESS_TYPES`; of IPv6, where an address has a class too, that of its route, and UNICAST where the
    route is an ordinary one. ``ICMP`` is ``type << 8 | code``, ``FLAGS`` the flags byte of a TCP header, ``HOPS`` the
    TTL or hop limit, ``TOS`` the whole byte.
    """

    PROTOCOL = 0
    CTSTATE = 1
    IN_INTERFACE = 2
    OUT_INTERFACE = 3
    DESTINATION_TYPE = 4
    SOURCE_TYPE = 5
    DESTINATION = 6
    DPORT = 7
    SOURCE = 8
    SPORT = 9
    ICMP = 10
    FLAGS = 11
    LENGTH = 12
    HOPS = 13
    TOS = 14
    MARK = 15
    CTMARK = 16
    SNATTED = 17
    DNATTED = 18
    DIRECTION = 19
    ORIGINAL_DESTINATION = 20
    ORIGINAL_DPORT = 21
    ORIGINAL_SOURCE = 22
    ORIGINAL_SPORT = 23
    ORIGINAL_PROTOCOL = 24


STATES: Final = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
ADDRESS_TYPES: Final = (
    "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "UNSPEC", "NAT",
    "THROW", "XRESOLVE",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """Where the rule stands that a constraint is wanted of.

    Args:
        family: of the ruleset.
        table: the table.
        hook: the hook at which the chain is walked.
        variant: which iptables has loaded it.
        before_conntrack: the state that a packet counts as in raw: INVALID, or what a rule there has made of it,
            UNTRACKED (``--notrack``) or NEW (``-j CT`` with anything else).
    """

    family: Family
    table: str
    hook: Hook
    variant: Variant = Variant.NFT
    before_conntrack: str = "INVALID"


@dataclass(frozen=True, slots=True)
class Always:
    """Every packet fits."""


@dataclass(frozen=True, slots=True)
class Never:
    """No packet fits."""


@dataclass(frozen=True, slots=True)
class Within:
    """The field is a number within one of the spans (sorted, apart), or within none where ``negated``.

    A packet that has no such field (no port, no ICMP type) fits neither way; conditions on the protocol stand beside
    this one.
    """

    field: Field
    spans: tuple[Span, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Bits:
    """``field & mask == value``, or not where ``negated``: marks, TCP flags, addresses with a mask that has holes."""

    field: Field
    value: int
    mask: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class NamedInterface:
    """The interface has this name, or begins with it where ``prefix``; where there is none only a negated one fits."""

    field: Field
    name: str
    prefix: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of the parts holds."""

    parts: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class Free:
    """A condition that is not reasoned about; the same packet always gives the same answer to the same key.

    Args:
        key: what is asked: equal keys get equal answers as long as the fields that it reads stay as they are.
        reads: the fields on which the answer may depend beside what no rule changes (payload, sockets, the clock);
            None: it may look at anything.
        negated: whether the rule wants a no.
    """

    key: Hashable
    reads: frozenset[Field] | None = frozenset()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Own:
    """A condition whose answer hangs on what the rule itself, or a list that rules fill, has seen before.

    Args:
        key: what is asked and of which state; equal keys with the same packets asked before get equal answers.
        shared: whether the state has a name that other rules may use, so that the rule's place makes no difference.
        negated: whether the rule wants a no.
    """

    key: Hashable
    shared: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Draw:
    """The kernel draws 31 bits; fits where they are below ``threshold`` (xt_statistic.c), or not where ``negated``."""

    threshold: int
    negated: bool = False


Constraint = Always | Never | Within | Bits | NamedInterface | All | AnyOf | Free | Own | Draw

ALWAYS: Final = Always()
NEVER: Final = Never()


def within(field: Field, spans: Iterable[Span], *, negated: bool = False) -> Constraint:
    """Return that a field is in one of the spans, which may overlap, touch, or end before they begin (and be empty)."""
    joined: list[Span] = []
    for first, last in sorted(span for span in spans if span[0] <= span[1]):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    if not joined:
        return ALWAYS if negated else NEVER
    return Within(field, tuple(joined), negated)


def bits(field: Field, value: int, mask: int, *, negated: bool = False) -> Constraint:
    """Return ``field & mask == value``; the value is not masked, so that it may be one that no field has."""
    if not mask or value & ~mask:
        return ALWAYS if bool(value) == negated else NEVER
    return Bits(field, value, mask, negated)


def noting(constraint: Constraint, state: Own) -> Constraint:
    """Return the constraint, in which it shows that whoever asks it also writes a state; what fits stays the same."""
    return AnyOf((constraint, All((constraint, state))))


def both(constraints: Iterable[Constraint]) -> Constraint:
    """Return what holds where all of them hold, as flat as can be."""
    return _joined(constraints, All, ALWAYS, NEVER)


def one_of(constraints: Iterable[Constraint]) -> Constraint:
    """Return what holds where one of them holds, as flat as can be."""
    return _joined(constraints, AnyOf, NEVER, ALWAYS)


def _joined(
    constraints: Iterable[Constraint], kind: type[All | AnyOf], neutral: Constraint, decides: Constraint
) -> Constraint:
    """Join constraints: ``neutral`` ones are left out, and one that ``decides`` is all there is."""
    parts: list[Constraint] = []
    for constraint in constraints:
        if constraint == decides:
            return decides
        if isinstance(constraint, kind):
            parts += constraint.parts
        elif constraint != neutral:
            parts.append(constraint)
    return kind(tuple(parts)) if len(parts) > 1 else parts[0] if parts else neutral


def conjuncts(constraint: Constraint) -> tuple[Constraint, ...]:
    """Return the parts all of which have to hold; a constraint that is not put together of such is its only part."""
    return constraint.parts if isinstance(constraint, All) else (constraint,)


def leaves(constraint: Constraint) -> Iterator[Constraint]:
    """Yield the conditions that a constraint is put together of."""
    if isinstance(constraint, All | AnyOf):
        for part in constraint.parts:
            yield from leaves(part)
    else:
        yield constraint


def opposite(constraint: Constraint) -> Constraint:
    """Return what holds where the other does not."""
    match constraint:
        case Always():
            return NEVER
        case Never():
            return ALWAYS
        case All(parts):
            return one_of(opposite(part) for part in parts)
        case AnyOf(parts):
            return both(opposite(part) for part in parts)
        case Within(field, spans, negated):
            return Within(field, spans, not negated)
        case Bits(field, value, mask, negated):
            return Bits(field, value, mask, not negated)
        case NamedInterface(field, name, prefix, negated):
            return NamedInterface(field, name, prefix, not negated)
        case Free(key, reads, negated):
            return Free(key, reads, not negated)
        case Own(key, shared, negated):
            return Own(key, shared, not negated)
        case Draw(threshold, negated):
            return Draw(threshold, not negated)
