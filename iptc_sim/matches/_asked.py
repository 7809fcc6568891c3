"""What the constraints of several matches have in common: state, addresses, ports."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from iptc_sim.constraint import (
    ALWAYS,
    NEVER,
    STATES,
    Asked,
    Constraint,
    Field,
    NamedInterface,
    both,
    one_of,
    opposite,
    within,
)
from iptc_sim.moment import Hook
from iptc_sim.values import AddressRange, Negatable, NumberRange, PortRange

#: The states of packets that have a conntrack entry.
TRACKED: Final = ("NEW", "ESTABLISHED", "RELATED")

#: What rules may rewrite of the two ends of a packet.
ENDS: Final = frozenset({Field.SOURCE, Field.DESTINATION, Field.SPORT, Field.DPORT})

_ONLY_REPEATED: Final = NamedInterface(Field.IN_INTERFACE, "lo")


def protocol_is(*numbers: int) -> Constraint:
    """Return that the packet has one of these protocols."""
    return within(Field.PROTOCOL, [(number, number) for number in numbers])


def number_in(field: Field, wanted: Negatable[NumberRange] | Negatable[PortRange] | None) -> Constraint:
    """Return the test of a field that an option with a range asks for; an absent one always holds."""
    if wanted is None:
        return ALWAYS
    return within(field, [(wanted.value.first, wanted.value.last)], negated=wanted.negated)


def address_in(field: Field, wanted: Negatable[AddressRange] | None) -> Constraint:
    """Return likewise the test of an address."""
    if wanted is None:
        return ALWAYS
    return within(field, [(int(wanted.value.first), int(wanted.value.last))], negated=wanted.negated)


def state_in(asked: Asked, names: Collection[str]) -> Constraint:
    """Return that the packet's state is one of these.

    In raw conntrack has not seen the packet yet; but one that comes by lo has kept the entry that it got on its way
    out.
    """
    state = within(Field.CTSTATE, [(place, place) for place, name in enumerate(STATES) if name in names])
    if asked.table != "raw":
        return state
    there = ALWAYS if asked.before_conntrack in names else NEVER
    if asked.hook is not Hook.PREROUTING or asked.before_conntrack != "INVALID":
        return there
    return one_of([both([_ONLY_REPEATED, state]), both([opposite(_ONLY_REPEATED), there])])


def tracked(asked: Asked) -> Constraint:
    """Return that the packet has a conntrack entry."""
    return state_in(asked, TRACKED)
