"""Where the packets of a table and hook may go: over all packets at once, never too few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iptc_sim.constraint import Asked, Constraint, Field, Own, Within, both, conjuncts
from iptc_sim.diagram.nodes import Node, TooLargeError
from iptc_sim.lint.effects import Ending, changed_by, ending
from iptc_sim.lint.space import EVERYTHING, Fit, Space
from iptc_sim.lint.view import View
from iptc_sim.moment import Hook
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Rule
from iptc_sim.target import Continue, Deed, Effect, Goto, Jump, Return

#: Chains with more rules are walked by key: a diagram of all that is left would grow with every rule.
_LONG: Final = 200
#: Rules may be looked at so often.
MOST_STEPS: Final = 3_000_000

#: So deep chains are followed into one another; nf_tables itself follows 16 (NFT_JUMP_STACK_SIZE).
DEEPEST: Final = 100

#: By which fields the rules of a long chain are sorted, the most telling first, and how large their blocks are (bits).
_BLOCKS: Final = {Field.DESTINATION: 14, Field.SOURCE: 14, Field.DPORT: 0}
_BLOCK_OF_IPV6: Final = 78


#: A field, and the block of values in which a rule wants it.
Key = tuple[Field, int]


class TooManyStepsError(Exception):
    """Chains are called from too many places, or too deep; what was asked for stays unanswered."""


#: What is raised where packets cannot be followed within bounds.
UNANSWERED: Final = (TooLargeError, TooManyStepsError)


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule, as the walk sees it at a hook.

    Args:
        constraint: all of its conditions.
        deed: what its target does.
        keys: fields, each with the block of values in which every packet that fits has it.
    """

    constraint: Constraint
    deed: Deed
    keys: tuple[Key, ...]

    def lasting_keys(self, changed: frozenset[Field]) -> list[Key]:
        """Return the keys that go for packets as they came to the hook: those of fields that have not changed since."""
        return [key for key in self.keys if key[0] not in changed]


@dataclass(frozen=True, slots=True)
class Walked:
    """What becomes of packets in a chain.

    Args:
        falls: those that may come out at the chain's end, or by RETURN.
        changed: the fields that those may have changed.
        ends: those that may end in each way.
    """

    falls: Node
    changed: frozenset[Field]
    ends: Mapping[Ending, Node]


class Reading:
    """Rules turned into constraints and deeds, each once per table and hook."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._judged: dict[tuple[int, str, Hook], Judged] = {}
        self._writes_sets = any(
            rule.target is not None and rule.target.name == "SET" for *_, rule in view.ruleset.rules()
        )

    def judged(self, rule: Rule, table: str, hook: Hook) -> Judged:
        """Return what a rule asks and does."""
        key = (id(rule), table, hook)
        found = self._judged.get(key)
        if found is None:
            asked = self._view.asked(table, hook)
            parts = [_header(rule, asked)]
            for match in rule.matches:
                if self._writes_sets and match.name == "set":
                    parts.append(Own(match.question(asked), shared=True))  # rules change what is in sets
                else:
                    parts.append(match.constraint(asked))
            constraint = both(parts)
            deed = rule.target.deed(asked) if rule.target is not None else Continue()
            found = self._judged[key] = Judged(constraint, deed, _keys(constraint))
        return found


def _header(rule: Rule, asked: Asked) -> Constraint:
    """Return what the header is asked; whether fragments come depends on more than the rules."""
    if rule.base.fragment is None:
        return rule.base.constraint(asked)
    return both([replace(rule.base, fragment=None).constraint(asked), Own("fragment")])


def _keys(constraint: Constraint) -> tuple[Key, ...]:
    found: dict[Field, int] = {}
    for part in conjuncts(constraint):
        if isinstance(part, Within) and not part.negated and part.field in _BLOCKS and len(part.spans) == 1:
            low, high = part.spans[0]
            shift = _BLOCKS[part.field] if high < 1 << 32 else _BLOCK_OF_IPV6
            if low >> shift == high >> shift:
                found[part.field] = low >> shift
    return tuple([(field, found[field]) for field in _BLOCKS if field in found])


def lie_apart(one: Judged, other: Judged) -> bool:
    """Whether no packet can fit both rules, as far as is seen without looking closely."""
    blocks = dict(one.keys)
    return any(blocks.get(field, block) != block for field, block in other.keys)


class Walker:
    """Walks the chains of one table at one hook.

    Args:
        view: the rules.
        reading: their constraints.
        space: the packets.
        table: the table.
        hook: the hook.
    """

    def __init__(
        self, view: View, reading: Reading, space: Space, table: str, hook: Hook, *, ending: bool = False
    ) -> None:
        self.ending = ending
        self.observed: dict[tuple[str, int], Node] = {}
        self._view, self._reading, self._space = view, reading, space
        self.table, self.hook = table, hook
        self._noting = False
        self._seen: dict[str, set[int]] = {}
        self._memo: dict[tuple[str, Node, frozenset[Field]], Walked] = {}
        self._inside: list[str] = []
        self._steps = 0

    def judged(self, rule: Rule) -> Judged:
        """Return what a rule asks and does at this hook."""
        return self._reading.judged(rule, self.table, self.hook)

    def fit(self, rule: Rule, changed: frozenset[Field] = frozenset()) -> Fit:
        """Return the packets that fit a rule."""
        return self._space.fit(self.judged(rule).constraint, self.hook, changed)

    def reached(self, chain: str) -> set[int]:
        """Return the numbers of the rules that some packet of :meth:`whole` may fit."""
        return self._seen.get(chain, set())

    def entered(self, chain: str) -> bool:
        """Whether some packet of :meth:`whole` may come to a chain."""
        return chain in self._seen

    def surely_leaves(self, rule: Rule, start: Node) -> Node:
        """Return the packets of ``start`` that a rule by itself takes out of its chain, whatever else they are."""
        return Progress(self, start, frozenset(), 1).take(rule) or self._space.diagrams.no

    def whole(self, start: Node | None = None) -> Walked:
        """Walk the table from its built-in chain, policy included; what falls through is accepted or dropped then.

        Args:
            start: the packets; None for all that there are at the hook.
        """
        made = self._space.diagrams
        begin = self._space.start(self.table, self.hook)
        begin = begin if start is None else made.conjunction(begin, start)
        name = str(self.hook)
        found = self._view.ruleset.chain(self.table, name)
        self._noting = True
        walked = self.walk(name, begin, frozenset()) if found else Walked(begin, frozenset(), {})
        self._noting = False
        ends = dict(walked.ends)
        policy = found.policy if found and found.declared else None
        if policy != "DROP":
            _add(self._space, ends, Ending.ACCEPTED, walked.falls)
        if policy != "ACCEPT":
            _add(self._space, ends, Ending.DROPPED, walked.falls)
        return Walked(walked.falls, walked.changed, ends)

    def walk(self, chain: str, start: Node, changed: frozenset[Field]) -> Walked:
        """Walk a chain.

        Args:
            chain: its name.
            start: the packets that come to it, by the fields that they had when they came to the hook.
            changed: the fields that may have another value since.

        Raises:
            TooManyStepsError: it calls too many chains, too often or too deep.
        """
        key = (chain, start, changed)
        walked = self._memo.get(key)
        if walked is None:
            found = self._view.ruleset.chain(self.table, chain)
            if found is None or chain in self._inside:
                walked = Walked(start, EVERYTHING, dict.fromkeys(Ending, start))  # what it does is not shown
            elif self._view.is_left_out(self.table, chain):
                walked = Walked(start, frozenset({Field.MARK}), dict.fromkeys(Ending, start))
            else:
                noted = self._seen.setdefault(chain, set()) if self._noting else set()
                if len(self._inside) == DEEPEST:
                    raise TooManyStepsError
                self._inside.append(chain)
                state = Progress(self, start, changed, len(found.rules))
                for number, rule in enumerate(found.rules, 1):
                    if state.is_over:
                        break
                    if state.take(rule) is not None:
                        noted.add(number)
                        if (chain, number) in self.observed:
                            before = self.observed[chain, number]
                            self.observed[chain, number] = self._space.diagrams.disjunction(before, state.fitted)
                self._inside.pop()
                walked = state.walked()
            self._memo[key] = walked
        return walked

    def step(self, count: int = 1) -> None:
        """Count rules that are looked at."""
        self._steps += count
        if self._steps > MOST_STEPS:
            raise TooManyStepsError


class Progress:
    """A chain, half walked.

    Args:
        walker: knows the rules.
        start: the packets that came.
        changed: what may have changed of them before.
        length: how many rules the chain has.
    """

    def __init__(self, walker: Walker, start: Node, changed: frozenset[Field], length: int) -> None:
        self._walker, self._made = walker, walker._space.diagrams  # noqa: SLF001 - one machine in two parts
        self._space = walker._space  # noqa: SLF001
        self._left = start
        self.changed = changed
        self._returned: list[Node] = []
        self._ends: dict[Ending, list[Node]] = {}
        self._long = length > _LONG
        #: The packets that may have fitted the rule before.
        self.fitted = walker._space.diagrams.no  # noqa: SLF001
        self._taken: dict[Key, Node] = {}

    @property
    def is_over(self) -> bool:
        """Whether no packet is left."""
        return self._left is self._made.no

    def hit(self, judged: Judged) -> tuple[Node, Node]:
        """Return the packets that may fit a rule here, and those that surely do."""
        fit = self._space.fit(judged.constraint, self._walker.hook, self.changed)
        may = self._made.conjunction(fit.may, self._left)
        if self._long:
            for key in judged.lasting_keys(self.changed):
                if key in self._taken:
                    may = self._made.conjunction(may, self._made.negation(self._taken[key]))
        return may, fit.must

    def take(self, rule: Rule) -> Node | None:
        """Go on with the next rule.

        Returns:
            What it surely takes out of the chain; of packets that do not come here nothing is said. None where no
            packet fits it.
        """
        self._walker.step()
        judged = self._walker.judged(rule)
        may, must = self.hit(judged)
        if may is self._made.no:
            return None
        self.fitted = may
        leave = self.leaving(judged.deed, may)
        if leave is None:
            self.changed |= changed_by(judged.deed)
            return self._made.no
        returned, stays = leave
        if returned is not self._made.no:
            self._returned.append(returned)
        gone = must
        if isinstance(judged.deed, Jump):  # of other packets it was not asked what becomes of them there
            gone = self._made.conjunction(may, must, self._made.negation(stays))
        if gone is self._made.no:
            return gone
        keys = judged.lasting_keys(self.changed) if self._long else []
        if keys:
            key = keys[0]
            self._taken[key] = self._made.disjunction(self._taken.get(key, self._made.no), gone)
        else:
            self._left = self._made.conjunction(self._left, self._made.negation(gone))
        return gone

    def leaving(self, deed: Deed, may: Node) -> tuple[Node, Node] | None:
        """Note how packets end that are given to a deed.

        Returns:
            Those that may leave the chain for its caller, and those that may go on with the next rule; None where all
            of them go on.
        """
        no = self._made.no
        how = ending(deed)
        if how is not None:
            self._end(how, may)
            return no, no
        match deed:
            case Return():
                return may, no
            case Jump(chain) | Goto(chain):
                inner = self._walker.walk(chain, may, self.changed)
                for kind, node in inner.ends.items():
                    self._end(kind, node)
                self.changed |= inner.changed
                return (inner.falls, no) if isinstance(deed, Goto) else (no, inner.falls)
            case Effect():
                for kind in Ending:
                    self._end(kind, may)
        return None

    def _end(self, how: Ending, packets: Node) -> None:
        if self._walker.ending:
            self._ends.setdefault(how, []).append(packets)

    def walked(self) -> Walked:
        """Return what became of all packets."""
        made = self._made
        ends = {kind: made.disjunction(*nodes) for kind, nodes in self._ends.items()}
        return Walked(made.disjunction(self._left, *self._returned), self.changed, ends)


def _add(space: Space, ends: dict[Ending, Node], kind: Ending, node: Node) -> None:
    ends[kind] = space.diagrams.disjunction(ends.get(kind, space.diagrams.no), node)
