"""Conditions that hang on what was seen before: which ones there are, and that they were asked."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Final

from iptc_sim.constraint import Constraint, Field, Own, leaves
from iptc_sim.records import replace
from iptc_sim.symbolic.store import Store

_LOOKED_AT: Final = frozenset({Field.DESTINATION, Field.DPORT, Field.SOURCE, Field.SPORT})


def owns(constraint: Constraint) -> Iterator[Own]:
    """Return the conditions with a state of their own in a constraint."""
    return (leaf for leaf in leaves(constraint) if isinstance(leaf, Own))


def _named(own: Own, place: Hashable, store: Store) -> Hashable:
    return ("own", own.key, None if own.shared else place, store.values(_LOOKED_AT))


def own_key(own: Own, place: Hashable, store: Store) -> Hashable:
    """Return the key of the answer; asked once more of a packet, it is another question.

    Args:
        own: the condition.
        place: what holds its state, where that has no name.
        store: what was done to the packets.
    """
    named = _named(own, place, store)
    return (named, store.asked.count(named))


def with_asked(constraint: Constraint, store: Store, place: Hashable) -> Store:
    """Return the store after the conditions of a match that have a state of their own were asked."""
    found = dict.fromkeys(_named(own, place, store) for own in owns(constraint))
    if not found:
        return store
    return replace(store, asked=tuple(sorted((*store.asked, *found), key=repr)))
