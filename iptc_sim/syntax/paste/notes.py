"""What was tolerated in a pasted text: one warning a kind, with the first place and the number of lines."""

from __future__ import annotations

from typing import Final

from iptc_sim.diagnostics import CODES, Diagnostic, Severity, SourceFile, Span

BOM: Final = "IPT060"
LINE_ENDS: Final = "IPT061"
TRAILING: Final = "IPT062"
INDENT: Final = "IPT063"
LOG: Final = "IPT064"
PROMPT: Final = "IPT065"
COMMANDS: Final = "IPT066"
VARIABLE: Final = "IPT067"
CONTROL: Final = "IPT068"
OTHER: Final = "IPT069"
MESSAGE: Final = "IPT070"
LEGACY: Final = "IPT071"
MARKDOWN: Final = "IPT072"
GREP: Final = "IPT073"
TYPOGRAPHY: Final = "IPT074"
SPACES: Final = "IPT075"
HTML: Final = "IPT076"
COLOURS: Final = "IPT077"
ELISION: Final = "IPT078"
COMMENT: Final = "IPT079"
FAMILY: Final = "IPT080"

_HINTS: Final = {
    VARIABLE: "write its value in its place",
    CONTROL: "every command is read once, in the order written; print the result with iptables-save to be sure",
    LEGACY: "iptables-legacy-save prints them; both sets of rules are in force",
    ELISION: "answers are about the rules shown here",
    FAMILY: "--family says which one is meant",
}


class Notes:
    """Counts the lines of each kind of damage.

    Args:
        source: the text they are in.
    """

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._first: dict[str, tuple[int, int]] = {}
        self._lines: dict[str, tuple[int, int]] = {}

    def add(self, code: str, number: int, column: int = 0) -> None:
        """Count line ``number`` (from 1), damaged after its first ``column`` characters; once where it comes again."""
        count, last = self._lines.get(code, (0, 0))
        if last == number:
            return
        self._lines[code] = (count + 1, number)
        if code not in self._first or number < self._first[code][0]:
            self._first[code] = (number, column)

    def warnings(self) -> tuple[Diagnostic, ...]:
        """Return the warnings in the order of their first lines."""
        return tuple(
            self._warning(code, *self._first[code]) for code in sorted(self._first, key=self._first.__getitem__)
        )

    def _warning(self, code: str, number: int, column: int) -> Diagnostic:
        count = self._lines[code][0]
        message = f"{CODES[code]} ({count} line{'s' * (count > 1)})"
        span = Span(self._source, number, column + 1)
        return Diagnostic(code, message, Severity.WARNING, span, hint=_HINTS.get(code, ""))
