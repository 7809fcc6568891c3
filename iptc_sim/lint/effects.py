"""What targets do, as far as the rules behind them have to know: which way packets go on, and what may have changed."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from iptc_sim.constraint import Bits, Constraint, Draw, Field, Free, NamedInterface, Own, Within, leaves
from iptc_sim.lint.space import EVERYTHING
from iptc_sim.target import (
    Accept,
    Change,
    CopyMark,
    Deed,
    Drop,
    EditMark,
    Effect,
    Goto,
    Jump,
    Prepare,
    Proxy,
    Reject,
    Return,
    Steal,
    Translate,
)

#: What hangs on the connection that a packet is given.
_OF_CONNECTION: Final = frozenset({Field.CTSTATE, *(field for field in Field if field >= Field.CTMARK)})


class Ending(StrEnum):
    """How a packet leaves a table."""

    ACCEPTED = "accepted"
    DROPPED = "dropped"
    REJECTED = "rejected"
    STOLEN = "stolen"
    TRANSLATED = "translated"


#: Those after which the packet is gone.
LOST: Final = frozenset({Ending.DROPPED, Ending.REJECTED, Ending.STOLEN})


def ending(deed: Deed) -> Ending | None:
    """Return how a deed ends the walk of its table; None where it surely does not, or may not."""
    match deed:
        case Accept() | Proxy():
            return Ending.ACCEPTED
        case Drop():
            return Ending.DROPPED
        case Reject():
            return Ending.REJECTED
        case Steal():
            return Ending.STOLEN
        case Translate():
            return Ending.TRANSLATED
    return None


def changed_by(deed: Deed) -> frozenset[Field]:
    """Return the fields that may have another value behind a deed that goes on."""
    match deed:
        case EditMark(field):
            return frozenset({field})
        case CopyMark(to):
            return frozenset({to})
        case Change(_, fields):
            return fields
        case Prepare():
            return _OF_CONNECTION
        case Effect():
            return EVERYTHING
    return frozenset()


def is_silent(deed: Deed) -> bool:
    """Whether nothing shows that a packet was given to it, but which way it goes."""
    return isinstance(deed, Accept | Drop | Reject | Return | Jump | Goto)


def is_pure(constraint: Constraint) -> bool:
    """Whether the same packet always gets the same answer, and asking leaves nothing behind."""
    return not any(isinstance(leaf, Own | Draw) for leaf in leaves(constraint))


def fields_read(constraint: Constraint) -> frozenset[Field]:
    """Return the fields that the answer may depend on."""
    found: set[Field] = set()
    for leaf in leaves(constraint):
        match leaf:
            case Within(field) | Bits(field) | NamedInterface(field):
                found.add(field)
            case Free(_, None, _) | Own():
                return EVERYTHING
            case Free(_, reads, _):
                found |= reads or frozenset()
    return frozenset(found)
