"""One ``*table`` section of a dump, or one listing, as it is read; and what is wrong with it."""

from __future__ import annotations

from array import array
from enum import IntEnum

from iptc_sim.builtin import ForeignMatch, ForeignTarget
from iptc_sim.diagnostics import Diagnostic, Severity, SourceFile, Span
from iptc_sim.extension import Extension
from iptc_sim.match import Match
from iptc_sim.records import dataclass, field
from iptc_sim.ruleset import BUILTIN_CHAINS
from iptc_sim.syntax.hot import Shape
from iptc_sim.syntax.store import RuleStore
from iptc_sim.targets import TARGETS


class Phase(IntEnum):
    """When iptables-restore finds a fault: it stops at the first of the earliest phase."""

    LINE = 0
    COMMIT = 1
    KERNEL = 2
    JUMPS = 3  # nf_tables takes rules one by one first, and follows jumps when it has them all


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
        meant: a word that may be a target's name with a slip in it; looked up when people are told.
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
    meant: str = ""
    order: int = 0

    def when(self) -> tuple[int, int, int]:
        """Return what sorts the faults of one text by when a load meets them.

        At COMMIT iptables-nft goes through the commands in their order, whatever line it names.
        """
        own = self.line if self.phase is Phase.COMMIT else self.reported or self.line
        return self.order or self.line, self.phase, own

    def diagnostic(self, source: SourceFile, severity: Severity) -> Diagnostic:
        """Return it as people and programs are told."""
        span = Span(source, self.line, *self.place)
        reported = 0 if self.reported == self.line else self.reported
        return Diagnostic(
            self.code,
            self.message,
            severity,
            span,
            expected=self.expected,
            hint=self.hint or (near_target(self.meant) if self.meant else ""),
            reported_line=reported,
        )


def near_target(name: str) -> str:
    """Return ``did you mean ACCEPT?`` for a chain name that is nearly a target's."""
    from difflib import get_close_matches  # noqa: PLC0415 - for errors only

    near = get_close_matches(name.upper(), [cls.NAME for cls in TARGETS.all()], 1, 0.8)
    return f"did you mean {near[0]}?" if near else ""


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
        uses: the line of the first rule with each extension.
        placed: rules about which table, hooks or objects decide, by shape.
        single: those of shapes that are not stored.
        counts: how many rules use an extension that is not modelled, with the first line.
        faults: what is wrong with it.
        began: whether a rule or a user chain has been read, or another word about a chain that makes it exist.
        dangling: chains that are missing, with the line of a rule that leads there and could not be kept.
        foreign: which of ``counts`` are kept word for word.
        named: whether the text names its table.
    """

    source: SourceFile
    table: str
    line: int
    store: RuleStore
    commit: int = 0
    uses: dict[type[Extension], int] = field(default_factory=dict)
    placed: dict[Shape, Placed] = field(default_factory=dict)
    single: Placed = field(default_factory=lambda: Placed(array("I"), array("I")))
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

    @property
    def is_bare(self) -> bool:
        """Whether it is a ``*table`` in which no chain is named: iptables-nft-restore makes no table of it."""
        silent = not (self.began or self.store.lines or self.store.policies)
        return self.named and silent and self.store.exists.count(1) == len(self.builtin)

    def note(self, shape: Shape, line: int) -> None:
        """Take note of a rule of a shape, the first one of it in a row."""
        for extension in shape.extensions:
            self.uses.setdefault(extension, line)
        shape.section = self
        if not shape.stored:
            shape.entries, shape.owners = self.single.entries, self.single.owners
            return
        placed = self.placed.get(shape) or Placed(array("I"), array("I"))
        shape.entries, shape.owners = placed.entries, placed.owners
        if shape.asked:
            self.placed[shape] = placed

    def count(self, part: Extension, line: int) -> None:
        """Count a rule with an extension that is not modelled."""
        label = f"-{'m' if isinstance(part, Match) else 'j'} {part.name}"
        first, count = self.counts.get(label, (line, 0))
        self.counts[label] = (first, count + 1)
        if isinstance(part, ForeignMatch | ForeignTarget):
            self.foreign.add(label)
