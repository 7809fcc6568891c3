"""From texts to a ruleset, with everything that is wrong or was guessed."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from iptc_sim.diagnostics import Diagnostic, Severity, SourceFile, Span
from iptc_sim.records import dataclass
from iptc_sim.ruleset import Ruleset, Table
from iptc_sim.syntax.joining import join_sections
from iptc_sim.syntax.loader import Loader, Manner
from iptc_sim.syntax.paste import Pasted
from iptc_sim.syntax.scan import Scanner
from iptc_sim.syntax.section import Fault, Section
from iptc_sim.syntax.shapes import ShapeCache
from iptc_sim.syntax.soundness import structure_faults, structure_notes

#: How many findings of one text are told.
MAX_FINDINGS = 200


@dataclass(frozen=True, slots=True)
class Findings:
    """What reading gave.

    Args:
        ruleset: what was understood, with its warnings and notes.
        errors: why it cannot be used; the first is the one at which iptables-restore would stop.
    """

    ruleset: Ruleset
    errors: tuple[Diagnostic, ...]


class Reader:
    """Reads texts of one family into one ruleset.

    Args:
        manner: how they are read.
    """

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.shapes = ShapeCache(manner.family, manner.variant, strict=manner.strict)
        self._sections: list[Section] = []
        self._errors: list[Diagnostic] = []
        self._notes: list[Diagnostic] = []

    def read(self, source: SourceFile, pasted: Pasted | None = None) -> None:
        """Read one text; its tables join those read before.

        Args:
            source: the text.
            pasted: its lines without what came in around them, where that was needed.
        """
        text = source.text if pasted is None else aligned_text(pasted)
        saved = text.startswith("*") or "\n*" in text
        loader = Loader(source, text, self.manner, self.shapes, saved=saved)
        scanner = Scanner(text, source, loader, self.shapes)
        if pasted is None:
            scanner.run()
        else:
            self._notes += pasted.warnings
            scanner.run_pasted(pasted)
        self._close(source, loader, scanner)
        self._sections += loader.sections

    def _close(self, source: SourceFile, loader: Loader, scanner: Scanner) -> None:
        """Judge what one text gave as a whole."""
        faults = list(scanner.errors)
        if loader.section is not None and loader.section.table and loader.saved:
            message = f"*{loader.section.table} is not ended by COMMIT"
            last = scanner.last_line + 1
            faults.append(
                Fault("IPT021", message, loader.section.line, reported=last, hint="is the dump cut off?", order=last)
            )
        for section in loader.sections:
            if not section.table:
                section.table = self._guess(section, alone=len(loader.sections) == 1)
            faults += structure_faults(section, self.manner)
            self._notes += structure_notes(section, self.manner)
        if not loader.sections and not faults and not self.manner.strict:
            message = "there are no rules in it"
            expected = "the output of iptables-save or iptables -S"
            self._errors.append(Diagnostic("IPT003", message, subject=source.name, expected=expected))
        self._tell(source, faults)

    def _tell(self, source: SourceFile, faults: Iterable[Fault]) -> None:
        """Sort faults into errors and warnings, for a strict reading as a load meets them, else by line."""
        ordered = sorted(faults, key=Fault.when if self.manner.strict else attrgetter("line"))
        fatal = [fault for fault in ordered if self.manner.strict or fault.fatal]
        others = [fault for fault in ordered if not (self.manner.strict or fault.fatal)]
        self._errors += [fault.diagnostic(source, Severity.ERROR) for fault in fatal[:MAX_FINDINGS]]
        self._notes += [fault.diagnostic(source, Severity.WARNING) for fault in others[:MAX_FINDINGS]]

    def _guess(self, section: Section, *, alone: bool) -> str:
        if self.manner.table:
            return self.manner.table
        from iptc_sim.syntax.guess import guess_table  # noqa: PLC0415 - for listings only

        guess = guess_table(section)
        span = Span(section.source, section.line)
        place = str(span).rsplit(":", 1)[0]
        hint = "--table says which one" if alone else "iptables-save names each table in a line like *nat"
        message = f"no table is named; taken as {guess.table}: {guess.why}"
        self._notes.append(Diagnostic("IPT030", message, Severity.NOTE, subject=place, hint=hint))
        return guess.table

    def findings(self) -> Findings:
        """Return what was read from all texts."""
        joined = join_sections(self._sections, self.manner.variant)
        tables: dict[str, Table] = joined.tables
        if not self.manner.strict:
            self._notes += joined.warnings
        whole = all(section.named for section in self._sections)
        notes = tuple(self._notes[:MAX_FINDINGS])
        ruleset = Ruleset(tables, self.manner.family, notes, whole, self.manner.variant)
        return Findings(ruleset, tuple(self._errors[:MAX_FINDINGS]))


def aligned_text(pasted: Pasted) -> str:
    """Return the cleaned lines as one text in which every line has the number that it has in the source."""
    lines: list[str] = []
    for item in pasted.lines:
        lines += [""] * (item.number - 1 - len(lines))
        lines.append(item.text)
    return "\n".join(lines) + "\n" if lines else ""
