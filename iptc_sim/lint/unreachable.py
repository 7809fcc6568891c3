"""Rules that no packet comes to: IPT100, IPT101, IPT102, IPT105 and IPT112.

A walk of each table at each hook tells which rules some packet may fit. The others are looked at chain by chain for the
reason: they contradict themselves, stand behind an end, are shadowed by rules of their chain, or nothing that leads to
the chain lets such packets through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from iptc_sim.constraint import Field
from iptc_sim.diagnostics import Severity
from iptc_sim.diagram.nodes import Node
from iptc_sim.lint.finding import Finding, Spot, about, rules_named
from iptc_sim.lint.machine import Machine
from iptc_sim.lint.registry import check
from iptc_sim.lint.view import View
from iptc_sim.lint.walk import Key, Progress, Walker
from iptc_sim.ruleset import Chain
from iptc_sim.target import Translate


@check("IPT100", "IPT101", "IPT102", "IPT105", "IPT112")
def unreachable(view: View) -> Iterator[Finding]:
    """Yield the rules that no packet fits where they stand."""
    if not view.certain:
        return
    for table, chain in view.chains():
        if view.is_left_out(table.name, chain.name):
            continue
        if not chain.rules or not view.hooks(table.name, chain.name):
            continue
        walkers = view.machine.walkers(table.name, chain.name)
        if walkers is not None:
            reached = {number for walker in walkers for number in walker.reached(chain.name)}
            if len(reached) < len(chain.rules):
                yield from Unreached(view, table.name, chain, walkers, reached).findings()


class Unreached:
    """A chain with rules that no packet fits.

    Args:
        view: the rules.
        table: its table.
        chain: the chain.
        walkers: of the hooks that lead to it.
        reached: the numbers of the rules that some packet fits.
    """

    def __init__(self, view: View, table: str, chain: Chain, walkers: list[Walker], reached: set[int]) -> None:
        self._view, self._machine, self._table, self._chain = view, view.machine, table, chain
        self._walkers = walkers
        self._left = set(range(1, len(chain.rules) + 1)) - reached
        self._spots = view.spots(table, chain.name)

    def findings(self) -> Iterator[Finding]:
        """Yield why each rule is not reached; what follows from a finding elsewhere is not told."""
        yield from self._contradictory()
        if (found := self._behind_an_end()) is not None:
            yield found
        if not self._view.ruleset.tables[self._table].is_excerpt:
            yield from self._shadowed()
        entered = any(walker.entered(self._chain.name) for walker in self._walkers)
        if entered and self._view.whole(self._table):
            yield from self._kept_away()

    def _contradictory(self) -> Iterator[Finding]:
        """Rules with conditions that no packet has: at all, or at the hooks that lead here."""
        whole = self._view.whole(self._table)
        for number in sorted(self._left):
            spot = self._spots[number - 1]
            rule = self._chain.rules[number - 1]
            no = self._machine.space.diagrams.no
            if self._machine.own_fit(rule) is no:
                self._left.discard(number)
                yield about(
                    "IPT102",
                    spot,
                    f"no packet fits {spot}: its conditions contradict each other",
                    hint="look for a ! too many, or a value that cannot be: nothing is done by this rule",
                )
            elif whole and all(self._possible(walker, number) is no for walker in self._walkers):
                self._left.discard(number)
                yield self._not_here(spot)

    def _not_here(self, spot: Spot) -> Finding:
        hooks = " and ".join(sorted(walker.hook for walker in self._walkers))
        if self._table == "nat":
            translates = spot.rule is not None and isinstance(self._machine.judged(spot.rule).deed, Translate)
            return about(
                "IPT112",
                spot,
                f"{spot} cannot fire: no new connection fits it in {hooks}",
                severity=None if translates else Severity.NOTE,  # an exception for lo does no harm
                hint="nat sees the first packet of a connection only; PREROUTING knows no out interface, OUTPUT no in "
                "interface, and what comes back by lo has passed OUTPUT",
            )
        return about(
            "IPT102",
            spot,
            f"no packet fits {spot} in {hooks}, from where alone its chain is reached",
            hint="PREROUTING and INPUT know no out interface, OUTPUT knows no in interface",
        )

    def _possible(self, walker: Walker, number: int) -> Node:
        """Return the packets of a hook that may fit a rule."""
        space = self._machine.space
        start = space.start(self._table, walker.hook)
        return space.diagrams.conjunction(start, walker.fit(self._chain.rules[number - 1]).may)

    def _behind_an_end(self) -> Finding | None:
        """The rules behind one that takes every packet."""
        ends = [self._end(walker) for walker in self._walkers]
        end = max((number for number in ends if number), default=0)
        last = len(self._chain.rules)
        if not all(ends) or end >= last:
            return None
        behind = [number for number in range(end + 1, last + 1) if number in self._left]
        self._left.difference_update(range(end + 1, last + 1))
        if not behind:
            return None
        first, final = self._spots[behind[0] - 1], self._spots[behind[-1] - 1]
        many = f"rules {first.number} to {final.number}" if len(behind) > 1 else f"rule {first.number}"
        lines = f"lines {first.line} to {final.line}" if len(behind) > 1 else f"line {first.line}"
        where = f" ({lines})" if first.line else ""
        because = sorted(set(ends))
        return about(
            "IPT105",
            first,
            f"{self._table} {self._chain.name} {many}{where} can never match: "
            f"{rules_named([self._spots[number - 1] for number in because])} takes every packet",
            [self._spots[number - 1] for number in because],
            "move the rules before it, or remove them",
        )

    def _end(self, walker: Walker) -> int:
        """Return the first rule that by itself takes all packets of a hook; 0 for none."""
        made = self._machine.space.diagrams
        start = self._machine.space.start(self._table, walker.hook)
        for number, rule in enumerate(self._chain.rules, 1):
            must = walker.fit(rule).must
            if made.conjunction(start, made.negation(must)) is made.no:
                sure = walker.surely_leaves(rule, start)
                if made.conjunction(start, made.negation(sure)) is made.no:
                    return number
        return 0

    def _shadowed(self) -> Iterator[Finding]:
        """Rules whose packets earlier rules of the chain have all taken."""
        by_hook = [Shadows(walker, self._chain, self._machine, self._left) for walker in self._walkers]
        for number in sorted(self._left):
            found = [shadows.of(number) for shadows in by_hook]
            if None in found:
                continue
            numbers = sorted({one for some in found if some is not None for one in some})
            if not numbers:
                continue
            self._left.discard(number)
            spot = self._spots[number - 1]
            because = [self._spots[one - 1] for one in numbers]
            takes = "takes" if len(because) == 1 else "take together"
            same = all(one.rule and spot.rule and one.rule.target == spot.rule.target for one in because)
            yield about(
                "IPT100",
                spot,
                f"{spot} can never match: {rules_named(because)} {takes} every packet that fits it",
                because,
                "remove it: it says nothing new" if same else "move it before them, or remove it",
            )

    def _kept_away(self) -> Iterator[Finding]:
        """Rules that fit nothing of what the rules that lead to their chain let through."""
        callers = self._view.callers.get((self._table, self._chain.name), [])
        for number in sorted(self._left):
            spot = self._spots[number - 1]
            if callers:
                why = f"none that {rules_named(callers, places=True)} {'send' if len(callers) > 1 else 'sends'} here"
            else:
                why = "none that the rules before it leave"
            yield about(
                "IPT101",
                spot,
                f"{spot} can never match: {why} fits it",
                callers,
                "its conditions and those on the way to it exclude each other: one of them is wrong, or it can go",
            )


class Taken:
    """What the rules of a chain have taken, sorted by what they ask for: of a long chain most lie apart."""

    def __init__(self) -> None:
        self._by_block: dict[Field, dict[int, list[tuple[int, Node]]]] = {}
        self._others: list[tuple[int, Node]] = []

    def add(self, number: int, packets: Node, keys: Sequence[Key]) -> None:
        """Note that a rule has taken packets, all of which have these keys."""
        place = self._others
        if keys:
            field, block = keys[0]
            place = self._by_block.setdefault(field, {}).setdefault(block, [])
        place.append((number, packets))

    def near(self, keys: Sequence[Key]) -> list[tuple[int, Node]]:
        """Return what rules have taken, in their order; what no packet with these keys can be among is left out."""
        wanted = dict(keys)
        found = [*self._others]
        for field, blocks in self._by_block.items():
            near = (blocks.get(wanted[field], ()),) if field in wanted else blocks.values()
            found += (one for some in near for one in some)
        return sorted(found, key=itemgetter(0))


class Shadows:
    """Which rules of a chain take the packets of later ones, at one hook.

    Args:
        walker: of the hook.
        chain: the chain.
        machine: the packets.
        wanted: the numbers of the rules that are asked about.
    """

    def __init__(self, walker: Walker, chain: Chain, machine: Machine, wanted: set[int]) -> None:
        self._made = machine.space.diagrams
        self._found: dict[int, list[int] | None] = {}
        start = machine.space.start(walker.table, walker.hook)
        gone = Taken()
        state = Progress(walker, start, frozenset(), len(chain.rules))
        for number, rule in enumerate(chain.rules, 1):
            judged, changed = walker.judged(rule), state.changed
            keys = judged.lasting_keys(changed)
            if number in wanted:
                fits = self._made.conjunction(start, walker.fit(rule, changed).may)
                left, _ = state.hit(judged)
                self._found[number] = self._fewest(fits, gone.near(keys)) if left is self._made.no else None
            taken = state.take(rule)
            if taken is not None and taken is not self._made.no:
                gone.add(number, taken, keys)

    def of(self, number: int) -> list[int] | None:
        """Return the rules that take all packets of a rule, none to spare; [] if none fits; None if some are left."""
        return self._found[number]

    def _fewest(self, fits: Node, gone: list[tuple[int, Node]]) -> list[int]:
        """Leave out every rule without which the others still take all; the first ones stay."""
        made = self._made
        parts = [(number, made.conjunction(taken, fits)) for number, taken in gone]
        kept = [(number, part) for number, part in parts if part is not made.no]
        whole = made.disjunction(*(part for _, part in kept))
        alone = next((number for number, part in kept if part is whole), None)
        if alone is not None:
            return [alone]
        for place in reversed(range(len(kept))):
            rest = kept[:place] + kept[place + 1 :]
            if made.disjunction(*(part for _, part in rest)) is whole:
                kept = rest
        return [number for number, _ in kept]
