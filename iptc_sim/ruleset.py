"""A ruleset as data: Ruleset > Table > Chain > Rule. Everything is frozen and keeps its place in the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from iptc_sim.builtin import ANY, BaseMatch
from iptc_sim.diagnostics import Diagnostic, SourceFile, Span
from iptc_sim.extension import Extension
from iptc_sim.match import Match
from iptc_sim.moment import Hook
from iptc_sim.records import dataclass, field
from iptc_sim.target import Target
from iptc_sim.values import Family, Variant

#: The chains that each table has from the start, in hook order (``iptable_*.c``: the ``valid_hooks`` of each table).
BUILTIN_CHAINS: Final[Mapping[str, tuple[Hook, ...]]] = {
    "mangle": (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING),
    "security": (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT),
    "raw": (Hook.PREROUTING, Hook.OUTPUT),
    "filter": (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT),
    "nat": (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING),
}

#: Chain names longer than this are refused (``XT_EXTENSION_MAXNAMELEN`` less the terminator), in bytes.
MAX_CHAIN_NAME: Final = 28


@dataclass(frozen=True, slots=True)
class Counters:
    """What a rule or policy has counted."""

    packets: int
    bytes: int

    def __str__(self) -> str:
        return f"[{self.packets}:{self.bytes}]"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Two rules are equal if they say the same; spelling, place and counters don't count.

    Args:
        base: the options of iptables itself.
        matches: the ``-m`` conditions in the order given.
        target: what happens to packets that fit; None: they are counted only.
        counters: as dumped, None where the dump has none.
        source: the text that it stands in; None for a generated rule.
        line: its line there, from 1; 0 for a generated rule.
    """

    base: BaseMatch = ANY
    matches: tuple[Match, ...] = ()
    target: Target | None = None
    counters: Counters | None = field(default=None, compare=False)
    source: SourceFile | None = field(default=None, compare=False, repr=False)
    line: int = field(default=0, compare=False)

    @property
    def span(self) -> Span | None:
        """Its place in the text."""
        return Span(self.source, self.line) if self.source else None

    @property
    def text(self) -> str:
        """The line as it stands in the dump; empty for a generated rule."""
        return self.source.line(self.line) if self.source else ""

    @property
    def extensions(self) -> Iterator[Extension]:
        """Base, matches and target, in the order of judgement."""
        yield self.base
        yield from self.matches
        if self.target is not None:
            yield self.target

    @property
    def comment(self) -> str:
        """The texts of its ``-m comment``, joined; empty without one."""
        return " ".join(match.comment for match in self.matches if hasattr(match, "comment"))


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain.

    Args:
        name: as printed.
        rules: in order; rule numbers count from 1.
        policy: ACCEPT or DROP for a built-in chain, None for a user chain and for a built-in whose policy the dump
            does not tell (ACCEPT is then assumed).
        counters: of the policy.
        declared: whether the dump names it by itself (``:NAME``, ``-N``, ``-P``), not only through its rules.
    """

    name: str
    rules: Sequence[Rule] = ()
    policy: str | None = None
    counters: Counters | None = field(default=None, compare=False)
    declared: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its chains by name, in the order of the dump."""

    name: str
    chains: Mapping[str, Chain]

    @property
    def is_excerpt(self) -> bool:
        """Whether the dump shows rules only, as ``iptables-save | grep`` leaves them: no chain is declared."""
        return bool(self.chains) and not any(chain.declared for chain in self.chains.values())

    @property
    def builtin(self) -> tuple[str, ...]:
        """The names of its built-in chains, in hook order."""
        return tuple(str(hook) for hook in BUILTIN_CHAINS[self.name])


#: How many jumps deep the kernel follows a path of nf_tables (``NFT_JUMP_STACK_SIZE`` less the base chain). What legacy
#: loads has no such bound: its stack is as large as there are chains (``xt_jumpstack_alloc``).
DEEPEST: Final = 15


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The tables of one family.

    Args:
        tables: by name.
        family: IPv4 or IPv6.
        notes: what was noticed while reading: guesses, extensions that are not modelled, chains that are missing.
        whole: whether a table that is not there is empty on the machine too; ``iptables -S`` shows only one.
        variant: which iptables has them loaded: the order of two tables depends on it.
        known: what was asked of its parts before (:meth:`has`).
    """

    tables: Mapping[str, Table]
    family: Family = Family.IPV4
    notes: tuple[Diagnostic, ...] = field(default=(), compare=False, repr=False)
    whole: bool = field(default=True, compare=False)
    variant: Variant = field(default=Variant.NFT, compare=False)
    known: dict[Callable[[Extension], bool], bool] = field(default_factory=dict, compare=False, repr=False, init=False)

    def goes_too_deep(self, jumps: int) -> Diagnostic | None:
        """Return what is wrong with a walk that is so many jumps deep; None for nothing."""
        if self.variant is Variant.LEGACY or jumps <= DEEPEST:
            return None
        message = f"chains are nested deeper than {DEEPEST} jumps; the kernel refuses such rules"
        return Diagnostic("IPT033", message)

    def has(self, fits: Callable[[Extension], bool]) -> bool:
        """Whether some part of some rule is such a one; all of them are asked once, and every packet wants to know."""
        if fits not in self.known:
            self.known[fits] = any(fits(part) for *_, rule in self.rules() for part in rule.extensions)
        return self.known[fits]

    def chain(self, table: str, name: str) -> Chain | None:
        """Return a chain; None where the ruleset has none of that name."""
        found = self.tables.get(table)
        return found.chains.get(name) if found else None

    def rules(self) -> Iterator[tuple[Table, Chain, int, Rule]]:
        """Yield every rule with its table, chain and number from 1."""
        for table in self.tables.values():
            for chain in table.chains.values():
                for number, rule in enumerate(chain.rules, 1):
                    yield table, chain, number, rule
