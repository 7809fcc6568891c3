"""Where rules stand: what iptables and the kernel refuse in this table, below these hooks, without that object."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import replace

from iptc_sim.extension import Extension, Placement
from iptc_sim.moment import Hook
from iptc_sim.records import dataclass
from iptc_sim.ruleset import Rule
from iptc_sim.syntax.hot import Shape, looks_at_values
from iptc_sim.syntax.jumps import JumpGraph
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


def placing_faults(section: Section, graph: JumpGraph, ground: Ground) -> Iterator[Fault]:
    """Yield what is refused because of where a rule stands (xt_check_match, xt_check_target, nft_target_validate)."""
    for shape, placed in section.placed.items():
        yield from _Judge(section, graph, ground, shape).faults(placed)


class _Judge:
    """Asks the extensions of one shape; the answer for one rule serves all that say and stand alike."""

    def __init__(self, section: Section, graph: JumpGraph, ground: Ground, shape: Shape) -> None:
        self._section, self._graph, self._ground = section, graph, ground
        self._by_value = any(looks_at_values(cls) for cls in shape.extensions)
        self._not_in = any(section.table in cls.NOT_IN for cls in shape.extensions)
        self._answers: dict[tuple[int, bool, object], tuple[str, Phase]] = {}

    def faults(self, placed: Placed) -> Iterator[Fault]:
        """Yield a fault for each rule that is refused."""
        if not (self._not_in or self._by_value or self._section.store.edited):
            placed = self._doubtful(placed)
        for chain, entry in self._with_chains(placed):
            line = self._section.store.lines[entry]
            if self._not_in:
                message = f"table {self._section.table} is not for filtering: iptables refuses DROP in it"
                yield Fault("IPT034", message, line)
            by_value = self._by_value or entry in self._section.store.eager
            direct = self._ground.variant is Variant.LEGACY or self._graph.is_builtin(chain)
            key = (self._graph.reach[chain], direct, entry if by_value else None)
            if key not in self._answers:
                rule, hooks = self._section.store.rule(entry), self._graph.hooks(chain)
                self._answers[key] = self._ask(rule, hooks, direct=direct)
            why, phase = self._answers[key]
            if why:
                yield self._fault(why, phase, chain, line)
            if self._ground.objects and by_value:
                yield from self._absent(self._section.store.rule(entry), line)

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
                taken[key] = not self._ask(rule, self._graph.hooks(chain), direct=direct)[0]
            if entry in eager or not taken[key]:
                doubtful.entries.append(entry)
                doubtful.owners.append(chain)
        return doubtful

    def _ask(self, rule: Rule, hooks: frozenset[Hook], *, direct: bool) -> tuple[str, Phase]:
        """Return why a rule is refused, empty where it is taken, and when that is found.

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
            return next((why for item in rule.extensions if (why := item.refusal(place))), ""), Phase.KERNEL
        apart = replace(place, hooks=frozenset())
        if why := next((why for item in rule.extensions if (why := item.refusal(apart))), ""):
            return why, Phase.KERNEL
        return next((why for item in rule.extensions if (why := Extension.refusal(item, place))), ""), Phase.JUMPS

    def _fault(self, why: str, phase: Phase, chain: int, line: int) -> Fault:
        if self._ground.variant is Variant.LEGACY:
            reported = self._section.commit
        elif phase is Phase.JUMPS:
            reported = max(line, self._graph.arrival(chain, self._graph.hooks(chain)))
        else:
            reported = line
        return Fault("IPT027", why, line, phase, reported)

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
