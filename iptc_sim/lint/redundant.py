"""Rules that change nothing, as a later one does the same with their packets (IPT104)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.constraint import Field
from iptc_sim.diagram.nodes import Node
from iptc_sim.lint.effects import fields_read, is_pure
from iptc_sim.lint.finding import Finding, Spot, about, rules_named
from iptc_sim.lint.managed import is_of_a_program, owner_of
from iptc_sim.lint.registry import check
from iptc_sim.lint.view import View
from iptc_sim.lint.walk import Judged, Walker, lie_apart
from iptc_sim.ruleset import Chain
from iptc_sim.target import Accept, Drop, Reject

#: Every rule is compared with every later one; longer chains are lists that somebody fills.
_LONGEST: Final = 300


@check("IPT104")
def redundant(view: View) -> Iterator[Finding]:
    """Yield the rules whose packets would meet the same verdict a few rules later, and nothing else before it."""
    for table, chain in view.chains():
        many = len(chain.rules)
        if not (1 < many <= _LONGEST and view.whole(table.name)) or owner_of(chain.name):
            continue
        walkers = view.machine.walkers(table.name, chain.name)
        later = [Later(view, walker, chain) for walker in walkers or ()]
        for number in range(1, many):
            if is_of_a_program(chain.rules[number - 1]):
                continue
            found = {one.same(number) for one in later}
            if len(found) == 1 and (other := found.pop()):
                spot, because = Spot(table.name, chain.name, number, chain.rules[number - 1]), []
                because.append(Spot(table.name, chain.name, other, chain.rules[other - 1]))
                message = f"{spot} changes nothing: {rules_named(because)} does the same with its packets"
                yield about("IPT104", spot, message, because, "remove it, unless it is there for its counter")


class Later:
    """What becomes of the packets of the rules of a chain, were these not there, at one hook.

    Args:
        view: the rules.
        walker: of the hook.
        chain: the chain.
    """

    def __init__(self, view: View, walker: Walker, chain: Chain) -> None:
        self._made = view.machine.space.diagrams
        self._start = view.machine.space.start(walker.table, walker.hook)
        self._judged = [walker.judged(rule) for rule in chain.rules]
        self._fits = [walker.fit(rule) for rule in chain.rules]
        self._changes = [view.machine.changes(walker.table, rule) for rule in chain.rules]
        self._reached = walker.reached(chain.name)

    def same(self, number: int) -> int:
        """Return the number of the later rule that does the same with all packets of a rule; 0 for none."""
        mine = self._judged[number - 1]
        if (
            number not in self._reached
            or not isinstance(mine.deed, Accept | Drop | Reject)
            or not is_pure(mine.constraint)
        ):
            return 0
        reads = fields_read(mine.constraint)
        if reads == {Field.CTSTATE}:
            return 0  # known connections first: that spares them the rest of the chain
        packets = self._made.conjunction(self._start, self._fits[number - 1].may)
        for place in range(number, len(self._judged)):
            if not self._changes[place].isdisjoint(reads):
                return 0
            other = self._judged[place]
            if lie_apart(mine, other) or self._made.conjunction(packets, self._fits[place].may) is self._made.no:
                continue
            return place + 1 if self._takes_all(other, mine, packets, place) else 0
        return 0

    def _takes_all(self, other: Judged, mine: Judged, packets: Node, place: int) -> bool:
        if other.deed != mine.deed or not is_pure(other.constraint):
            return False
        return self._made.conjunction(packets, self._made.negation(self._fits[place].must)) is self._made.no
