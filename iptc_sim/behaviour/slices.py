"""The part of a ruleset that packets of some keys can meet, so that a large one costs what that part costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from iptc_sim.behaviour.keyed import ANY_KEY, KeyedTable, Wanted, aim_of
from iptc_sim.behaviour.order import Key
from iptc_sim.constraint import Asked, Field
from iptc_sim.engine.conntrack import NAT_HOOKS, conntrack_in_use
from iptc_sim.moment import Hook
from iptc_sim.records import dataclass, field, replace
from iptc_sim.ruleset import Chain, Rule, Ruleset, Table
from iptc_sim.steps import End, RuleStep, Step, Trace
from iptc_sim.syntax.stored import StoredChains
from iptc_sim.target import Change, Translate
from iptc_sim.tracking import Manip

#: Rulesets of fewer rules are taken whole.
SMALL: Final = 100
#: So are those of fewer rules where packets of many kinds can meet what is looked for.
LARGE: Final = 1_500

#: Where rules may give a packet another destination: nat, and mangle by DNPT.
_REWRITING: Final = {
    "nat": tuple(hook for hook, manip in NAT_HOOKS.items() if manip is Manip.DESTINATION),
    "mangle": tuple(Hook),
}
#: How the choice of a branch begins that hangs on a rule.
_PLACE: Final = re.compile(r"(\S+) (\S+) rule (\d+)")
_KEY_FIELDS: Final = frozenset({Field.PROTOCOL, Field.DESTINATION, Field.DPORT})
#: A chain of this name holds a rule that needs connection tracking, and nothing leads to it.
_IN_USE: Final = "conntrack is in use"


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a ruleset.

    Args:
        ruleset: the rules that are left.
        numbers: of the chains that lost rules, by table and chain: the numbers that the others had, from 1.
    """

    ruleset: Ruleset
    numbers: Mapping[tuple[str, str], Sequence[int]] = field(default_factory=dict)

    def numbered(self, trace: Trace) -> Trace:
        """Return a trace through the slice as one through the whole: its rules have their own numbers."""
        if not self.numbers:
            return trace
        segments = tuple(
            replace(one, choice=self._text(one.choice), steps=tuple(map(self._step, one.steps)))
            for one in trace.segments
        )
        return replace(trace, segments=segments, ends=tuple(map(self._end, trace.ends)))

    def number(self, table: str, chain: str, number: int) -> int:
        """Return the number that a rule of the slice has in the whole; 0, which stands for a policy, stays."""
        held = self.numbers.get((table, chain))
        return number if held is None or not number else held[number - 1]

    def place(self, table: str, chain: str, number: int) -> str:
        """Return where a rule of the slice stands in the whole, in words."""
        return f"{table} {chain} rule {self.number(table, chain, number)}"

    def _step(self, step: Step) -> Step:
        if not isinstance(step, RuleStep) or (step.table, step.chain) not in self.numbers:
            return step
        return replace(step, number=self.number(step.table, step.chain, step.number))

    def _end(self, end: End) -> End:
        if end.decided_by is None:
            return end
        table, chain, number = end.decided_by
        now = self.number(table, chain, number)
        old, new = (f"rule {one} of {table} {chain}" for one in (number, now))
        return replace(end, decided_by=(table, chain, now), why=end.why.replace(old, new))

    def _text(self, choice: str) -> str:
        found = _PLACE.match(choice)
        if found is None:
            return choice
        table, chain, number = found.groups()
        return f"{self.place(table, chain, int(number))}{choice[found.end() :]}"


def is_large(*rulesets: Ruleset) -> bool:
    """Whether one of the rulesets is too large to be taken whole."""
    return any(_rules_of(ruleset) >= LARGE for ruleset in rulesets)


def is_small(*rulesets: Ruleset) -> bool:
    """Whether the rulesets are so small that they are taken whole."""
    return all(_rules_of(ruleset) < SMALL for ruleset in rulesets)


def is_large_table(table: Table) -> bool:
    """Whether a table is too large to be taken whole."""
    return _size(table) >= LARGE


def _rules_of(ruleset: Ruleset) -> int:
    return sum(map(_size, ruleset.tables.values()))


def _size(table: Table) -> int:
    if isinstance(table.chains, StoredChains):
        return table.chains.rule_count
    return sum(len(chain.rules) for chain in table.chains.values())


class Slicer:
    """Cuts slices out of one ruleset.

    Args:
        ruleset: the whole.
        tables: its tables, keyed.
    """

    def __init__(self, ruleset: Ruleset, tables: dict[str, KeyedTable]) -> None:
        self._ruleset, self._tables = ruleset, tables
        self._user = _first_user(ruleset)

    def part(self, keys: Iterable[Key]) -> Slice:
        """Return a ruleset that does the same with every packet that has one of the keys as it enters the node."""
        first = list(dict.fromkeys(keys))
        wanted = Wanted([*first, *self._translated(first)])
        numbers: dict[tuple[str, str], Sequence[int]] = {}
        tables = {name: self._table(name, table, wanted, numbers) for name, table in self._ruleset.tables.items()}
        found = replace(self._ruleset, tables=tables, notes=())
        if self._user is not None and not conntrack_in_use(found):
            name, rule = self._user
            chain = Chain(_IN_USE, (replace(rule, target=None),))
            held = Table(name, {**tables[name].chains, _IN_USE: chain})
            found = replace(found, tables={**tables, name: held})
        return Slice(found, numbers)

    def _table(self, name: str, table: Table, keys: Wanted, numbers: dict[tuple[str, str], Sequence[int]]) -> Table:
        keyed = self._tables[name]
        roots = [hook for hook in table.builtin if hook in table.chains]
        chains: dict[str, Chain] = {}
        for chain, places, rules in _reached(keyed, roots, keys):
            if chain not in table.chains:
                continue
            if len(places) < len(keyed[chain].keys):
                numbers[name, chain] = [place + 1 for place in places]
            chains[chain] = replace(table.chains[chain], rules=rules)
        return Table(name, chains)

    def _translated(self, keys: list[Key]) -> Iterator[Key]:
        """Yield the keys that packets may have once rules have given them another destination."""
        wanted = Wanted(keys)
        for name, hooks in _REWRITING.items():
            for hook in hooks if name in self._tables else ():
                asked = Asked(self._ruleset.family, name, hook, self._ruleset.variant)
                for _, _, rules in _reached(self._tables[name], [hook], wanted):
                    for rule in rules:
                        deed = rule.target.deed(asked) if rule.target is not None and not aim_of(rule) else None
                        if isinstance(deed, Translate) and deed.manip is Manip.DESTINATION:
                            yield from _behind(deed, keys)
                        elif isinstance(deed, Change) and deed.fields & _KEY_FIELDS:
                            yield ANY_KEY


def _first_user(ruleset: Ruleset) -> tuple[str, Rule] | None:
    """Return the first rule that needs connection tracking, with its table."""
    for table, _, _, rule in ruleset.rules():
        if conntrack_in_use(_only(ruleset, table.name, rule)):
            return table.name, rule
    return None


def _only(ruleset: Ruleset, table: str, rule: Rule) -> Ruleset:
    return replace(ruleset, tables={table: Table(table, {"": Chain("", (rule,))})})


def _reached(
    keyed: KeyedTable, roots: Iterable[str], keys: Wanted
) -> Iterator[tuple[str, list[int], tuple[Rule, ...]]]:
    """Yield each chain that packets of the keys can come to, with the rules that they may fit, by place and built."""
    waiting = list(roots)
    seen = set(waiting)
    while waiting:
        chain = waiting.pop()
        places = keyed[chain].fitting(keys)
        for place in places:
            aim = keyed[chain].aims[place]
            if aim and aim not in seen:
                seen.add(aim)
                waiting.append(aim)
        yield chain, places, keyed.rules(chain, places)


def _behind(deed: Translate, keys: list[Key]) -> Iterator[Key]:
    """Yield the keys of packets of some keys once their destination is rewritten."""
    addresses, ports = deed.addresses, deed.ports
    destination = ""
    moved = deed.redirect or deed.network is not None or addresses is not None
    if addresses is not None and addresses.first == addresses.last:
        destination = str(addresses.first)
    port = str(ports.first) if ports is not None and ports.first == ports.last and deed.base is None else ""
    for old, protocol, before in keys:
        yield destination if moved else old, protocol, before if ports is None else port
