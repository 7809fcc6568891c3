"""Where rules stand: what iptables and the kernel refuse in this table, below these hooks, without that object."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from iptc_sim.extension import Extension, Placement
from iptc_sim.moment import Hook
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Rule
from iptc_sim.syntax.hot import Shape, looks_at_values
from iptc_sim.syntax.jumps import JumpGraph, hooks_of
from iptc_sim.syntax.section import Fault, Phase, Placed, Section
from iptc_sim.values import Family, Variant


@dataclass(frozen=True, slots=True)
class Ground:
    """What a text is loaded on.

    Args:
        family: IPv4 or IPv6.
        variant: of iptables.
        objects: the names that exist, by kind (``ipset``, ``nfacct`` and so on); a kind that is not in it is not known,
            and every name of it is taken.
    """

    family: Family
    variant: Variant
    objects: Mapping[str, frozenset[str]]


#: Which hooks lead to a rule: from its chain and entry to the bits of them.
Bits = Callable[[int, int], int]


def placing_faults(section: Section, graph: JumpGraph, ground: Ground, bits: Bits | None = None) -> Iterator[Fault]:
    """Yield what is refused because of where a rule stands (xt_check_match, xt_check_target, nft_target_validate).

    Args:
        section: with all of its rules read.
        graph: of its jumps.
        ground: what it is loaded on.
        bits: which hooks lead to a rule, where rules of one chain may differ in that; None: those of the graph.
    """
    for shape, placed in section.placed.items():
        yield from _Judge(section, graph, ground, shape, bits).faults(placed)
    yield from _Judge(section, graph, ground, None, bits).faults(section.single)


class _Answer(NamedTuple):
    """Why a rule is refused, empty where it is taken; when that is found, and which of its hooks are wrong then."""

    why: str
    phase: Phase
    wrong: frozenset[Hook] = frozenset()


class _Judge:
    """Asks the extensions of one shape; the answer for one rule serves all that say and stand alike.

    Without a shape, those of rules that have nothing in common.
    """

    def __init__(
        self, section: Section, graph: JumpGraph, ground: Ground, shape: Shape | None, bits: Bits | None
    ) -> None:
        self._alike = not (bits or section.store.edited)
        self._bits = bits or graph.bits
        self._section, self._graph, self._ground = section, graph, ground
        extensions = () if shape is None else shape.extensions
        self._shapeless = shape is None
        self._by_value = shape is None or any(map(looks_at_values, extensions))
        self._not_in = self._is_not_in(extensions)
        self._answers: dict[tuple[int, bool], _Answer] = {}

    def faults(self, placed: Placed) -> Iterator[Fault]:
        """Yield a fault for each rule that is refused."""
        if self._alike and not (self._not_in or self._by_value):
            placed = self._doubtful(placed)
        for chain, entry in self._with_chains(placed):
            line = self._section.store.lines[entry]
            if self._not_in or (self._shapeless and self._is_not_in(self._section.store.rule(entry).extensions)):
                message = f"table {self._section.table} is not for filtering: iptables refuses DROP in it"
                yield Fault("IPT034", message, line)
            by_value = self._by_value or entry in self._section.store.eager
            answer = self._answer(chain, entry, by_value=by_value)
            if answer.why:
                yield self._fault(answer, chain, entry)
            if self._ground.objects and by_value:
                yield from self._absent(self._section.store.rule(entry), line)

    def _answer(self, chain: int, entry: int, *, by_value: bool) -> _Answer:
        """Return what becomes of a rule where it stands."""
        direct = self._ground.variant is Variant.LEGACY or self._graph.is_builtin(chain)
        key = (self._bits(chain, entry), direct)
        if not by_value and key in self._answers:
            return self._answers[key]
        answer = self._ask(self._section.store.rule(entry), hooks_of(key[0]), direct=direct)
        if not by_value:
            self._answers[key] = answer
        return answer

    def _is_not_in(self, extensions: Iterable[Extension | type[Extension]]) -> bool:
        """Whether iptables itself refuses one of them in this table."""
        return any(self._section.table in extension.NOT_IN for extension in extensions)

    def _doubtful(self, placed: Placed) -> Placed:
        """Leave out the rules that stand like one that is taken; their words make no difference."""
        reach, eager, builtin = self._graph.reach, self._section.store.eager, self._graph.is_builtin
        taken: dict[tuple[int, bool], bool] = {}
        doubtful = Placed(array("I"), array("I"))
        for chain, entry in zip(placed.owners, placed.entries, strict=True):
            key = reach[chain], builtin(chain)
            if key not in taken:
                direct = self._ground.variant is Variant.LEGACY or key[1]
                rule = self._section.store.rule(entry)
                taken[key] = not self._ask(rule, hooks_of(key[0]), direct=direct).why
            if entry in eager or not taken[key]:
                doubtful.entries.append(entry)
                doubtful.owners.append(chain)
        return doubtful

    def _ask(self, rule: Rule, hooks: frozenset[Hook], *, direct: bool) -> _Answer:
        """Return what becomes of a rule.

        Where nf_tables adds a rule to a user chain, its extensions are asked when nothing leads there; of the hooks
        that do, only the general answer is heard later (nft_match_validate, nft_target_validate).
        """
        base = rule.base.protocol
        place = Placement(
            self._ground.family,
            self._ground.variant,
            self._section.table,
            hooks,
            base.value if base else None,
            bool(base and base.negated),
            rule.matches,
        )
        if direct:
            return _Answer(next((why for item in rule.extensions if (why := item.refusal(place))), ""), Phase.KERNEL)
        apart = replace(place, hooks=frozenset())
        if why := next((why for item in rule.extensions if (why := item.refusal(apart))), ""):
            return _Answer(why, Phase.KERNEL)
        why = next((why for item in rule.extensions if (why := Extension.refusal(item, place))), "")
        wrong = frozenset(hook for item in rule.extensions if item.HOOKS for hook in hooks - item.HOOKS)
        return _Answer(why, Phase.JUMPS, wrong)

    def _fault(self, answer: _Answer, chain: int, entry: int) -> Fault:
        line = reported = self._section.store.lines[entry]
        if self._ground.variant is Variant.LEGACY:
            reported = self._section.commit
        elif answer.phase is Phase.JUMPS:
            reported = self._graph.replay.arrival(chain, entry, answer.wrong) or self._section.commit
        return Fault("IPT027", answer.why, line, answer.phase, reported)

    def _absent(self, rule: Rule, line: int) -> Iterator[Fault]:
        for item in rule.extensions:
            for kind, name in item.objects():
                known = self._ground.objects.get(kind)
                if known is not None and name not in known:
                    phase = Phase.LINE if kind == "ipset" else Phase.KERNEL
                    late = phase is Phase.KERNEL and self._ground.variant is Variant.LEGACY
                    reported = self._section.commit if late else line
                    yield Fault("IPT035", f"there is no {kind} {name}", line, phase, reported)

    def _with_chains(self, placed: Placed) -> Iterator[tuple[int, int]]:
        """Yield the chains and entries of rules; iptables-legacy loads only those that are left in the end."""
        edited = self._section.store.edited if self._ground.variant is Variant.LEGACY else {}
        there = {chain: frozenset(edited[chain]) for chain in set(placed.owners) & edited.keys()} if edited else {}
        for chain, entry in zip(placed.owners, placed.entries, strict=True):
            if entry not in self._section.store.flushed and (chain not in there or entry in there[chain]):
                yield chain, entry
