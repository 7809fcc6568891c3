"""From text to a Ruleset: sections, tables, chains, and the notes about what was guessed or is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches

from iptc_sim.builtin import ForeignMatch, ForeignTarget, GoTo, JumpTo
from iptc_sim.diagnostics import Diagnostic, InputError, Severity, SourceFile, Span
from iptc_sim.extension import Match
from iptc_sim.ruleset import BUILTIN_CHAINS, MAX_CHAIN_NAME, Chain, Counters, Rule, Ruleset, Table
from iptc_sim.syntax.grammar import word_pattern
from iptc_sim.syntax.guess import guess_table
from iptc_sim.syntax.shapes import ChainLine, CommitLine, Line, RuleLine, ShapeCache, TableLine
from iptc_sim.syntax.words import LineError
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family

#: How many errors of one input are collected before reading stops.
MAX_ERRORS = 20


@dataclass(slots=True)
class _Chain:
    """A chain being read."""

    rules: list[Rule] = field(default_factory=list)
    policy: str | None = None
    counters: Counters | None = None
    declared: bool = False


@dataclass(slots=True)
class _Section:
    """One ``*table`` section, or one ``iptables -S`` listing (table empty until it is guessed)."""

    source: SourceFile
    table: str
    line: int
    chains: dict[str, _Chain] = field(default_factory=dict)
    rules: list[tuple[str, Rule]] = field(default_factory=list)
    began_rules: bool = False

    def chain(self, name: str) -> _Chain:
        return self.chains.setdefault(name, _Chain())


class Reader:
    """Reads dumps of one family into one ruleset.

    Args:
        family: IPv4 or IPv6.
        table: the table of listings that do not name it; None: it is guessed, and said.
    """

    def __init__(self, family: Family, table: str | None = None) -> None:
        self.family = family
        self.table = table
        self.shapes = ShapeCache(family)
        self.notes: list[Diagnostic] = []
        self.errors: list[Diagnostic] = []
        self._sections: list[_Section] = []
        self._open: _Section | None = None
        self._source = SourceFile("", "")

    def read(self, source: SourceFile) -> None:
        """Read one text; its tables join those read before.

        Raises:
            InputError: with every error found, at most ``MAX_ERRORS``.
        """
        self._source, self._open = source, None
        before = len(self._sections)
        lines = source.text.split("\n")
        saved = any(line.startswith(("*", ":")) for line in lines)
        for number, text in enumerate(lines, 1):
            line = text.rstrip("\r")
            try:
                item = self.shapes.read(line, (source, number))
                self._take(item, number, saved=saved)
            except LineError as error:
                self._error(error, line, number)
        if self._open is not None and self._open.table and saved:
            self._fail(
                "IPT021",
                self._open.line,
                f"*{self._open.table} is not ended by COMMIT",
                hint="is the dump cut off?",
            )
        if len(self._sections) == before and not self.errors:
            message = "there are no rules in it"
            expected = "the output of iptables-save or iptables -S"
            self.errors.append(Diagnostic("IPT003", message, subject=source.name, expected=expected))
        if self.errors:
            raise InputError(*self.errors)

    def _take(self, item: Line, number: int, *, saved: bool) -> None:
        if isinstance(item, TableLine):
            if item.name not in BUILTIN_CHAINS:
                names = ", ".join(BUILTIN_CHAINS)
                raise LineError("IPT022", 0, f"{item.name or 'nothing'} is not a table", expected=f"one of {names}")
            self._begin(item.name, number)
        elif isinstance(item, CommitLine):
            if self._open is None or not saved:
                raise LineError("IPT020", 0, "COMMIT without a table", expected="a *table line before it")
            self._open = None
        elif isinstance(item, ChainLine):
            self._declare(item, number, saved=saved)
        elif isinstance(item, RuleLine):
            section = self._section(number, saved=saved)
            section.began_rules = True
            chain = section.chains.get(item.chain)
            if chain is None:
                _check_name(item.chain, 1)
                chain = section.chain(item.chain)
            chain.rules += item.rules
            if not section.table:
                section.rules += [(item.chain, rule) for rule in item.rules]

    def _begin(self, table: str, number: int) -> _Section:
        self._open = _Section(self._source, table, number)
        self._sections.append(self._open)
        return self._open

    def _section(self, number: int, *, saved: bool) -> _Section:
        if self._open is None:
            if saved:
                hint = "in iptables-save text every chain and rule stands between *table and COMMIT"
                raise LineError(
                    "IPT020", 0, "this stands before any table", expected="a *table line before it", hint=hint
                )
            return self._begin("", number)
        return self._open

    def _declare(self, item: ChainLine, number: int, *, saved: bool) -> None:
        section = self._section(number, saved=saved)
        if item.form == "-P" and section.began_rules and not section.table:
            section = self._begin("", number)  # the next listing of several in one paste
        _check_name(item.name, 0 if item.form == ":" else 1)
        if item.form == ":" and item.policy is None:
            raise LineError("IPT024", 0, f"chain {item.name} has no policy", expected="ACCEPT, DROP or -")
        if item.policy not in {None, "-", "ACCEPT", "DROP"}:
            where = 1 if item.form == ":" else 2
            raise LineError("IPT024", where, f"{item.policy} is not a policy", expected="ACCEPT, DROP or -")
        if item.form == "-N":
            section.began_rules = True
        chain = section.chain(item.name)
        chain.declared = True
        chain.policy = None if item.policy == "-" else item.policy
        chain.counters = item.counters

    def _error(self, error: LineError, line: str, number: int) -> None:
        spans = [found.span() for found in word_pattern().finditer(line)]
        start, end = spans[error.index] if error.index < len(spans) else (len(line), len(line) + 1)
        if error.code == "IPT011":  # the rest of the line is what the quote swallows
            start = line.rfind('"')
            end = start + 1
        self._fail(error.code, number, error.message, error.expected, error.hint, (start + 1, end - start))

    def _fail(
        self,
        code: str,
        line: int,
        message: str,
        expected: str = "",
        hint: str = "",
        place: tuple[int, int] = (1, 0),
    ) -> None:
        span = Span(self._source, line, *place)
        self.errors.append(Diagnostic(code, message, Severity.ERROR, span, expected=expected, hint=hint))
        if len(self.errors) >= MAX_ERRORS:
            raise InputError(*self.errors)

    def ruleset(self) -> Ruleset:
        """Return what was read, with the notes."""
        tables: dict[str, dict[str, _Chain]] = {}
        for section in self._sections:
            chains = tables.setdefault(section.table or self._guess(section), {})
            for name, chain in section.chains.items():
                known = chains.setdefault(name, _Chain())
                known.rules += chain.rules
                known.declared |= chain.declared
                known.policy = chain.policy or known.policy
                known.counters = chain.counters or known.counters
            if section.table:
                _add_builtin(section.table, chains)
        made = {name: _table(name, chains) for name, chains in tables.items()}
        for table in made.values():
            self._inspect(table)
        whole = all(section.table for section in self._sections)
        return Ruleset(made, self.family, tuple(self.notes), whole)

    def _guess(self, section: _Section) -> str:
        if self.table:
            return self.table
        policies = [name for name, chain in section.chains.items() if chain.policy]
        guess = guess_table(policies, section.rules)
        message = f"no table is named; taken as {guess.table}: {guess.why}"
        span = Span(section.source, section.line)
        self.notes.append(
            Diagnostic(
                "IPT030",
                message,
                Severity.NOTE,
                subject=str(span).rsplit(":", 1)[0],
                hint="--table says which one",
            )
        )
        return guess.table

    def _inspect(self, table: Table) -> None:
        """Note what the rules refer to and the dump does not have; refuse options behind a chain."""
        missing: dict[str, Rule] = {}
        unknown: dict[str, tuple[Rule, str, int]] = {}
        for chain in table.chains.values():
            for rule in chain.rules:
                target = rule.target
                if isinstance(target, JumpTo | GoTo) and target.chain not in table.chains:
                    missing.setdefault(target.chain, rule)
                elif isinstance(target, ForeignTarget) and target.raw and target.module in table.chains:
                    message = f"{target.raw[0]} follows a jump to chain {target.module}, which takes no options"
                    raise InputError(Diagnostic("IPT012", message, span=rule.span))
                for part in rule.matches if target is None else (*rule.matches, target):
                    if not part.is_modelled():
                        label = f"-{'m' if isinstance(part, Match) else 'j'} {part.name}"
                        kept = (
                            "kept word for word"
                            if isinstance(part, ForeignMatch | ForeignTarget)
                            else "answered as unknown"
                        )
                        first, _, count = unknown.get(label, (rule, kept, 0))
                        unknown[label] = (first, kept, count + 1)
        for label, (rule, kept, count) in unknown.items():
            message = f"{label} is not modelled ({count} {'rule' if count == 1 else 'rules'}): {kept}"
            self.notes.append(Diagnostic("IPT031", message, Severity.WARNING, rule.span))
        self._note_missing(table, missing)

    def _note_missing(self, table: Table, missing: dict[str, Rule]) -> None:
        if table.is_excerpt and missing:
            names = sorted(missing)
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            message = f"an excerpt of {table.name}: chains that it jumps to are not in it ({shown})"
            first = next(iter(missing.values()))
            place = str(first.span).rsplit(":", 2)[0] if first.span else ""
            self.notes.append(Diagnostic("IPT032", message, Severity.NOTE, subject=place))
            return
        for name, rule in missing.items():
            message = f"chain {name} is not in table {table.name}"
            near = get_close_matches(name.upper(), [*(cls.NAME for cls in TARGETS.all()), *table.chains], 1, 0.8)
            hint = f"did you mean {near[0]}?" if near else ""
            self.notes.append(Diagnostic("IPT032", message, Severity.WARNING, rule.span, hint=hint))


def _check_name(name: str, index: int) -> None:
    if not name or name.startswith(("-", "!")):
        raise LineError("IPT023", index, f"{name or 'an empty word'} cannot be a chain name")
    if len(name.encode()) > MAX_CHAIN_NAME:
        length = len(name.encode())
        raise LineError("IPT023", index, f"chain name {name} has {length} bytes, at most {MAX_CHAIN_NAME} fit")


def _add_builtin(table: str, chains: dict[str, _Chain]) -> None:
    """A table that is loaded has its built-in chains, listed or not (``iptables-restore`` of an empty table)."""
    for hook in BUILTIN_CHAINS[table]:
        chains.setdefault(str(hook), _Chain(policy="ACCEPT", declared=True)).declared = True


def _table(name: str, chains: dict[str, _Chain]) -> Table:
    builtin = {str(hook) for hook in BUILTIN_CHAINS[name]}
    made = {
        key: Chain(
            key,
            tuple(chain.rules),
            (chain.policy or ("ACCEPT" if chain.declared else None)) if key in builtin else None,
            chain.counters,
            chain.declared,
        )
        for key, chain in chains.items()
    }
    return Table(name, made)
