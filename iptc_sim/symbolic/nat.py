"""What a nat target makes of all packets at once (``nf_nat_core.c``, get_unique_tuple; see :mod:`iptc_sim.engine.nat`).

Connections that exist already are not known here; none of them is taken to be in the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from iptc_sim.constraint import Field
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.engine.nat import MAX_ADDRESSES
from iptc_sim.moment import Hook
from iptc_sim.records import replace
from iptc_sim.symbolic.conditions import Conditions
from iptc_sim.symbolic.odds import Distributions
from iptc_sim.symbolic.store import KEPT, Drawn, Moved, OneOf, Own, Shifted, Store, Term, Value
from iptc_sim.symbolic.variables import NAT_PORTS
from iptc_sim.target import Translate
from iptc_sim.tracking import Manip
from iptc_sim.values import Family

_LOOPBACK: Final = {Family.IPV4: 127 << 24 | 1, Family.IPV6: 1}
_ADDRESS: Final = {Manip.SOURCE: Field.SOURCE, Manip.DESTINATION: Field.DESTINATION}
_PORT: Final = {Manip.SOURCE: Field.SPORT, Manip.DESTINATION: Field.DPORT}


class Translations:
    """Makes diagrams of stores out of ``Translate`` deeds.

    Args:
        conditions: of the space.
        odds: of the space.
    """

    def __init__(self, conditions: Conditions, odds: Distributions) -> None:
        self._conditions, self._odds = conditions, odds
        self._space, self._diagrams = conditions.space, conditions.space.diagrams

    def of(self, deed: Translate, store: Store, hook: Hook) -> Diagram:
        """Return what becomes of the packets of a store; values are stores, drawn where the kernel's hash decides."""
        addresses = self._addresses(deed, store, hook)
        count = len(addresses)
        found = self._diagrams.terminal(store)
        for number, address in enumerate(reversed(addresses), 1):
            found = self._odds.mix(1, number, self._rewritten(deed, store, address), found)
        if count > 1 or isinstance(addresses[0], OneOf):
            found = self._unless_fitting(deed, store, found)
        return found

    def _addresses(self, deed: Translate, store: Store, hook: Hook) -> Sequence[Term]:
        """Return what the address may become."""
        if deed.masquerade:
            return [Own(store.outgoing, store.destination)]
        if deed.redirect:
            if hook is Hook.OUTPUT:
                return [Value(_LOOPBACK[self._space.family])]
            return [Own(store.incoming, store.destination)]
        if deed.network is not None:
            return [Moved(deed.network)]
        if deed.addresses is None:
            return [self._old(deed.manip, store)[0]]
        first, last = int(deed.addresses.first), int(deed.addresses.last)
        if last - first >= MAX_ADDRESSES:
            return [OneOf(first, last)]
        return [Value(number) for number in range(first, last + 1)]

    @staticmethod
    def _old(manip: Manip, store: Store) -> tuple[Term, Term]:
        if manip is Manip.SOURCE:
            return store.source, store.sport
        return store.destination, store.dport

    def _unless_fitting(self, deed: Translate, store: Store, otherwise: Diagram) -> Diagram:
        """Keep a source that is one of the addresses already (find_appropriate_src)."""
        if deed.manip is not Manip.SOURCE or deed.random or deed.addresses is None:
            return otherwise
        wanted = ((int(deed.addresses.first), int(deed.addresses.last)),)
        fits = self._conditions.within(Field.SOURCE, wanted, store)
        if deed.ports is not None:
            fits = self._diagrams.conjunction(fits, self._fits(deed, store))
        return self._diagrams.choose(fits, self._diagrams.terminal(store), otherwise)

    def _fits(self, deed: Translate, store: Store) -> Diagram:
        """Return the condition that the port may stay, as far as the rule goes; what has no port has none to change."""
        if deed.ports is None:
            return self._diagrams.yes
        span = (deed.ports.first, deed.ports.last)
        inside = self._conditions.within(_PORT[deed.manip], (span,), store)
        has = self._conditions.within(Field.PROTOCOL, NAT_PORTS, store)
        return self._diagrams.choose(has, inside, self._diagrams.yes)

    def _rewritten(self, deed: Translate, store: Store, address: Term) -> Diagram:
        """Return the stores with an address and the port that goes with it."""
        made = self._diagrams
        port = self._new_port(deed)
        moved = self._with(deed.manip, store, address, None)
        if port is None:
            return moved
        draws = deed.random  # then the old port is not kept even where it fits
        changed = self._with(deed.manip, store, address, port)
        if not draws:
            changed = made.choose(self._fits(deed, store), moved, changed)
        return made.choose(self._conditions.within(Field.PROTOCOL, NAT_PORTS, store), changed, moved)

    @staticmethod
    def _new_port(deed: Translate) -> Term | None:
        """Return what a port becomes that does not stay; None where all of them stay."""
        is_source, wanted = deed.manip is Manip.SOURCE, deed.ports
        if wanted is None:
            return Drawn() if deed.random and is_source else None
        size = wanted.last - wanted.first + 1
        if size == 1:
            return Value(wanted.first)
        if deed.random or (is_source and deed.base is None):
            return Drawn(wanted.first, wanted.last)
        if deed.base is None:
            return Value(wanted.first)
        return Shifted(wanted.first, size, deed.base)

    def _with(self, manip: Manip, store: Store, address: Term, port: Term | None) -> Diagram:
        """Return the stores with another address and port; where these are the old ones, they count as kept."""
        old_address, old_port = self._old(manip, store)
        found: dict[tuple[bool, bool], Diagram] = {}
        for keeps_address in (True, False):
            for keeps_port in (True, False):
                now = old_address if keeps_address else address
                then = old_port if keeps_port or port is None else port
                if manip is Manip.SOURCE:
                    changed = replace(store, source=now, sport=then)
                else:
                    changed = replace(store, destination=now, dport=then)
                found[keeps_address, keeps_port] = self._diagrams.terminal(changed)
        same_address = self._is(_ADDRESS[manip], old_address, address)
        same_port = self._diagrams.yes if port is None else self._is(_PORT[manip], old_port, port)
        choose = self._diagrams.choose
        return choose(
            same_address,
            choose(same_port, found[True, True], found[True, False]),
            choose(same_port, found[False, True], found[False, False]),
        )

    def _is(self, field: Field, old: Term, new: Term) -> Diagram:
        """Return the condition that a value is what it becomes."""
        if old == new:
            return self._diagrams.yes
        if old != KEPT or not isinstance(new, Value):
            return self._diagrams.no
        return self._conditions.within(field, ((new.number, new.number),), Store())
