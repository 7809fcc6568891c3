"""Where rules stand: what iptables and the kernel refuse in this table, below these hooks, without that object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from iptc_sim.extension import Hook, Placement
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
        self._answers: dict[tuple[int, object], str] = {}

    def faults(self, placed: Placed) -> Iterator[Fault]:
        """Yield a fault for each rule that is refused."""
        for chain, entry in _with_chains(self._section, placed):
            line = self._section.store.lines[entry]
            if self._not_in:
                message = f"table {self._section.table} is not for filtering: iptables refuses DROP in it"
                yield Fault("IPT034", message, line)
            by_value = self._by_value or entry in self._section.store.eager
            key = (self._graph.reach[chain], entry if by_value else None)
            if key not in self._answers:
                self._answers[key] = self._ask(self._section.store.rule(entry), self._graph.hooks(chain))
            if self._answers[key]:
                yield self._fault(self._answers[key], chain, line)
            if self._ground.objects and by_value:
                yield from self._absent(self._section.store.rule(entry), line)

    def _ask(self, rule: Rule, hooks: frozenset[Hook]) -> str:
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
        return next((why for item in rule.extensions if (why := item.refusal(place))), "")

    def _fault(self, why: str, chain: int, line: int) -> Fault:
        if self._ground.variant is Variant.LEGACY:
            reported = self._section.commit
        else:
            reported = max(line, self._graph.arrival(chain, self._graph.hooks(chain)))
        return Fault("IPT027", why, line, Phase.KERNEL, reported)

    def _absent(self, rule: Rule, line: int) -> Iterator[Fault]:
        for item in rule.extensions:
            for kind, name in item.objects():
                known = self._ground.objects.get(kind)
                if known is not None and name not in known:
                    phase = Phase.LINE if kind == "ipset" else Phase.KERNEL
                    late = phase is Phase.KERNEL and self._ground.variant is Variant.LEGACY
                    reported = self._section.commit if late else line
                    yield Fault("IPT035", f"there is no {kind} {name}", line, phase, reported)


def _with_chains(section: Section, placed: Placed) -> Iterator[tuple[int, int]]:
    """Yield the chains and entries of rules that are still there."""
    store = section.store
    for chain, entry in zip(placed.owners, placed.entries, strict=True):
        if chain not in store.edited or entry in store.edited[chain]:
            yield chain, entry
