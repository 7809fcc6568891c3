"""Whether two rulesets treat some packet differently.

Why an answer EQUIVALENT is a proof. A packet passes the same stops on both sides (a table at a hook; routing and
connection tracking between them are the same function on both sides, as node, connections and sets are the same).

1. Where all built-in chains are the same function by their lines (:mod:`iptc_sim.behaviour.fingerprints`), or the walks
   of all other stops are the same diagram, the packet leaves every stop in the same state, stop by stop, with the same
   odds. That is an induction over the stops, and for conditions that count or remember, over the packets.
2. Else the ways of all packets are compared as two diagrams of one space. What is not reasoned about is a variable of
   its own, the same for the same words and the same packet: so more is compared than there are packets. Ends tell which
   conditions with a state were asked, so that these have seen the same packets on both sides.
3. Of large rulesets only the parts are compared that can meet a rule which differs (:mod:`iptc_sim.behaviour.cells`),
   in slices that do the same with these packets; all others are as in 1.

DIFFERENT needs no argument: two traces show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from iptc_sim.behaviour.answer import Behaviour, Kind, Proof, Undecided, Verdict
from iptc_sim.behaviour.cells import Part, keys_of, parts_of
from iptc_sim.behaviour.classes import Classes, Found
from iptc_sim.behaviour.fingerprints import Fingerprints, fingerprints
from iptc_sim.behaviour.keyed import KeyedTable, keyed_tables
from iptc_sim.behaviour.order import Key
from iptc_sim.behaviour.possible import Possible
from iptc_sim.behaviour.shared import made_otherwise
from iptc_sim.behaviour.slices import Slice, Slicer, is_large, is_large_table, is_small
from iptc_sim.collector import collector_paused
from iptc_sim.diagnostics import Diagnostic, UsageError
from iptc_sim.diagram.nodes import TooLargeError
from iptc_sim.engine.conntrack import conntrack_in_use
from iptc_sim.moment import Hook
from iptc_sim.node import Node
from iptc_sim.ruleset import BUILTIN_CHAINS, Ruleset
from iptc_sim.symbolic.pipeline import Entrance, Pipeline
from iptc_sim.symbolic.variables import Space

#: Nodes of the diagrams of one comparison.
BUDGET: Final = 400_000
#: How many classes are told.
LIMIT: Final = 20
#: How many parts of all packets are compared.
_MOST_PARTS: Final = 400
#: How many parts are compared behind one that differs in a new way, where there are many.
_MORE_PARTS: Final = 1
_MANY: Final = 50
#: Where packets of at most so many keys can meet a difference, only those are compared, in rulesets that are not small.
_FEW: Final = 8

_POSSIBLE: Final = "packets whose source routing refuses in any case are left out"
_SAME_NODE: Final = "both rulesets stand on the same node, with the same connections and sets"

#: Tables at hooks that treat packets differently, each with the keys of these where that is known.
_Met = dict[tuple[str, Hook], tuple[Key, ...] | None]


def differ(a: Ruleset, b: Ruleset, node: Node | None = None, *, limit: int = LIMIT, budget: int = BUDGET) -> Behaviour:
    """Tell whether two rulesets treat some packet differently.

    Args:
        a: one ruleset.
        b: the other.
        node: the machine; None: any.
        limit: how many classes of packets are told.
        budget: how many nodes the diagrams of one comparison may have; more are not decided.

    Raises:
        UsageError: IPT004, they are of two address families.
        InputError: IPT033, the chains are such that the kernel refuses them.
    """
    if a.family is not b.family:
        message = f"A is of IPv{int(a.family)} and B of IPv{int(b.family)}; rules of two families cannot be compared"
        raise UsageError(Diagnostic("IPT004", message, subject="diff", hint="--family says of which a dump is"))
    with collector_paused():
        return _Differ(a, b, node, limit, budget).run()


class _Differ:
    def __init__(self, a: Ruleset, b: Ruleset, node: Node | None, limit: int, budget: int) -> None:
        self.a, self.b, self.node, self.budget = a, b, node, budget
        self.found = Found(limit, [], {})
        self.tables: tuple[dict[str, KeyedTable], dict[str, KeyedTable]] = {}, {}
        self.prints: dict[str, Fingerprints] = {}
        self.assumptions: dict[str, None] = {}
        self.cells = 0

    def run(self) -> Behaviour:
        """Return the answer."""
        self.tables = keyed_tables(self.a), keyed_tables(self.b)
        self.prints = fingerprints(*self.tables)
        switched = conntrack_in_use(self.a) is not conntrack_in_use(self.b) or self.a.variant is not self.b.variant
        stops: _Met = {
            (table, hook): None
            for table, hooks in BUILTIN_CHAINS.items()
            for hook in hooks
            if not self.prints[table].is_same(hook)
        }
        if stops or switched:
            self.assumptions[_SAME_NODE] = None
        for name in made_otherwise((self.a, self.tables[0]), (self.b, self.tables[1])):
            why = f"the rule that is loaded first makes hashlimit table {name}: it is another one in B"
            self.found.undecided[Undecided(why, ())] = None
        found = None if switched or is_small(self.a, self.b) else self._parts(stops, everything=False)
        if found is not None and not found[1] and len(found[0]) <= _FEW:
            self._by_parts(found[0])
            return self._answer()
        met = stops if switched else {stop: keys for stop in stops if (keys := self._met(*stop)) != ()}
        if not met and not switched:
            return self._answer()
        if is_large(self.a, self.b):
            parts, rest = self._parts(met, everything=switched) if found is None or met != stops else found
            self._by_parts(parts)
            if rest:
                self.found.undecided[Undecided(*rest)] = None
        else:
            self.cells += len(Entrance)
            self._compare(Part(tuple(Entrance), {}, ()), (Slice(self.a), Slice(self.b)))
        return self._answer()

    def _parts(self, met: _Met, *, everything: bool) -> tuple[list[Part], tuple[str, tuple[str, ...]] | None]:
        return parts_of(self.a.family, self.tables, self.prints, met, everything=everything)

    def _met(self, table: str, hook: Hook) -> tuple[Key, ...] | None:
        """Return the keys of the packets that a table treats differently at a hook, as they are there.

        None where the table is too large for that; no keys where it does the same with all packets.
        """
        if any(is_large_table(side[table].table) for side in self.tables):
            return None
        space = Space.of((self.a, self.b), self.node, budget=self.budget // 4)
        one, other = Pipeline(space, self.a), Pipeline(space, self.b)
        try:
            f, g = one.walk(hook, table), other.walk(hook, table)
            if f is not g:
                return keys_of(space, f, g) if is_large(self.a, self.b) else None
        except TooLargeError:
            return None
        return () if self._is_settled(one, other) else None

    def _is_settled(self, one: Pipeline, other: Pipeline) -> bool:
        """Whether what was not reasoned about is the same on both sides; then it is assumed to do the same."""
        mine, theirs = ({item.why for item in pipeline.undecided} for pipeline in (one, other))
        if mine != theirs:
            return False
        self.assumptions |= {f"the same on both sides: {why}": None for why in sorted(mine)}
        return True

    def _by_parts(self, parts: Sequence[Part]) -> None:
        """Compare parts of all packets in slices; behind one that differs not many more where there are many."""
        slicers = Slicer(self.a, self.tables[0]), Slicer(self.b, self.tables[1])
        most = _MOST_PARTS
        for number, part in enumerate(parts):
            if number >= most:
                self.found.complete = False
                if self.found.classes:
                    break
                more = [" ".join(filter(None, key)) or "any packet" for one in parts[number:] for key in one.keys]
                why = f"{len(parts) - number:,} parts of all packets that can meet a difference were not compared"
                self.found.undecided[Undecided(why, tuple(dict.fromkeys(more))[:5])] = None
                break
            self.cells += len(part.entrances)
            before = len(self.found.classes)
            self._compare(part, (slicers[0].part(part.keys), slicers[1].part(part.keys)))
            if len(self.found.classes) > before and len(parts) > _FEW:
                most = min(most, number + 1 + (_MORE_PARTS if len(parts) <= _MANY else 0))

    def _compare(self, part: Part, slices: tuple[Slice, Slice]) -> None:
        """Compare the ways of a part of all packets through two rulesets."""
        a, b = (one.ruleset for one in slices)
        names = interfaces_of(a, b)
        for entrance in part.entrances:
            space = Space.of((a, b), self.node, budget=self.budget)
            self.assumptions |= dict.fromkeys(space.assumptions)
            one, other = Pipeline(space, a, part.cell), Pipeline(space, b, part.cell)
            try:
                f, g = one.behaviour(entrance), other.behaviour(entrance)
                if f is g and self._is_settled(one, other):
                    continue
                self.assumptions[_POSSIBLE] = None
                possible = space.diagrams.conjunction(Possible(space).of(entrance), space.cell(part.cell))
                differs = Classes(space, entrance, slices, self.node, names, part.cell).find(f, g, possible, self.found)
            except TooLargeError as error:
                why = f"packets of this part cannot be compared ({error})"
                self.found.undecided[Undecided(why, (part.text(entrance),))] = None
                continue
            if not differs and not self._is_settled(one, other):
                mine, theirs = (
                    {Undecided(item.why, tuple(one.place(*place) for place in item.places)): None for item in met}
                    for one, met in zip(slices, (one.undecided, other.undecided), strict=True)
                )
                self.found.undecided |= {item: None for item in (mine | theirs) if (item in mine) != (item in theirs)}

    def _answer(self) -> Behaviour:
        classes = tuple(self.found.classes)
        undecided = tuple(self.found.undecided)
        verdict = Verdict.UNDECIDED if undecided else Verdict.EQUIVALENT
        if any(item.kinds != (Kind.ROUNDING,) for item in classes):
            verdict = Verdict.DIFFERENT
        prints = self.prints.values()
        proof = Proof(
            sum(one.by_text for one in prints),
            sum(one.by_keys for one in prints),
            sum(len(one.differing) for one in prints),
            self.cells,
        )
        complete = self.found.complete and not undecided
        return Behaviour(verdict, self.a, self.b, classes, complete, undecided, tuple(self.assumptions), proof)


def interfaces_of(*rulesets: Ruleset) -> tuple[str, ...]:
    """Return the names of the interfaces that rules name; for a pattern one that fits it."""
    found: dict[str, None] = {}
    for ruleset in rulesets:
        for *_, rule in ruleset.rules():
            for wanted in (rule.base.in_interface, rule.base.out_interface):
                if wanted is not None:
                    text = wanted.value.text
                    found[f"{text[:-1]}0" if text.endswith("+") else text] = None
    return tuple(name for name in found if name and len(name) < 16)
