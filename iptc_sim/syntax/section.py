"""One ``*table`` section of a dump, or one listing, as it is read; and what is wrong with it."""

from __future__ import annotations

from array import array
from dataclasses import field
from enum import IntEnum

from iptc_sim.builtin import ForeignMatch, ForeignTarget
from iptc_sim.diagnostics import Diagnostic, Severity, SourceFile, Span
from iptc_sim.extension import Extension, Match
from iptc_sim.records import dataclass
from iptc_sim.ruleset import BUILTIN_CHAINS
from iptc_sim.syntax.hot import Shape
from iptc_sim.syntax.store import RuleStore


class Phase(IntEnum):
    """When iptables-restore finds a fault: it stops at the first of the earliest phase."""

    LINE = 0
    COMMIT = 1
    KERNEL = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that a real load would not take.

    Args:
        code: of the diagnostic.
        message: one sentence.
        line: where it stands, from 1.
        phase: when it is found.
        reported: the line that iptables-restore names; 0: the same.
        place: first column (from 1) and width of the words at fault; width 0: the whole line.
        expected: what would have been right.
        hint: what to try.
        fatal: whether the text cannot be understood, also for the tolerant reader.
        order: the line where a load is when it finds the fault; 0: where it stands.
    """

    code: str
    message: str
    line: int
    phase: Phase = Phase.LINE
    reported: int = 0
    place: tuple[int, int] = (1, 0)
    expected: str = ""
    hint: str = ""
    fatal: bool = False
    order: int = 0

    def when(self) -> tuple[int, int, int]:
        """Return what sorts the faults of one text by when a load meets them."""
        return self.order or self.line, self.phase, self.reported or self.line

    def diagnostic(self, source: SourceFile, severity: Severity) -> Diagnostic:
        """Return it as people and programs are told."""
        span = Span(source, self.line, *self.place)
        reported = 0 if self.reported == self.line else self.reported
        return Diagnostic(
            self.code, self.message, severity, span, expected=self.expected, hint=self.hint, reported_line=reported
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """Rules of one shape: their entries, and the chain of each."""

    entries: array[int]
    owners: array[int]


@dataclass(slots=True, eq=False)
class Section:
    """What is read between ``*table`` and ``COMMIT``, or from one ``iptables -S``.

    Args:
        source: the text.
        table: its table; empty for a listing until it is guessed.
        line: where it begins.
        store: its chains and rules.
        commit: the line of COMMIT; 0 where there is none.
        uses: the line of the first rule of each shape.
        placed: rules about which table, hooks or objects decide, by shape.
        counts: how many rules use an extension that is not modelled, with the first line.
        faults: what is wrong with it.
        began: whether a rule or a user chain has been read.
        dangling: chains that are missing, with the line of a rule that leads there and could not be kept.
        foreign: which of ``counts`` are kept word for word.
        named: whether the text names its table.
    """

    source: SourceFile
    table: str
    line: int
    store: RuleStore
    commit: int = 0
    uses: dict[Shape, int] = field(default_factory=dict)
    placed: dict[Shape, Placed] = field(default_factory=dict)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    began: bool = False
    dangling: list[tuple[str, int]] = field(default_factory=list)
    foreign: set[str] = field(default_factory=set)
    named: bool = field(init=False)

    def __post_init__(self) -> None:
        self.named = bool(self.table)

    @property
    def builtin(self) -> tuple[str, ...]:
        """The names of the built-in chains of its table; of all tables while it is not known."""
        tables = [self.table] if self.table else list(BUILTIN_CHAINS)
        return tuple(dict.fromkeys(str(hook) for table in tables for hook in BUILTIN_CHAINS[table]))

    @property
    def is_excerpt(self) -> bool:
        """Whether rules stand in it and no chain is named by itself, as ``iptables-save | grep`` leaves it."""
        return not any(self.store.listed)

    def note(self, shape: Shape, line: int) -> None:
        """Take note of the first rule of a shape."""
        self.uses[shape] = line
        shape.section = self
        shape.entries, shape.owners = array("I"), array("I")
        if shape.asked:
            self.placed[shape] = Placed(shape.entries, shape.owners)

    def count(self, part: Extension, line: int) -> None:
        """Count a rule with an extension that is not modelled."""
        label = f"-{'m' if isinstance(part, Match) else 'j'} {part.name}"
        first, count = self.counts.get(label, (line, 0))
        self.counts[label] = (first, count + 1)
        if isinstance(part, ForeignMatch | ForeignTarget):
            self.foreign.add(label)
