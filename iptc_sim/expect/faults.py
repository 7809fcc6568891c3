"""What is wrong with a flows file."""

from __future__ import annotations

from iptc_sim.diagnostics import Diagnostic, InputError, IptcError, SourceFile, Span
from iptc_sim.kube.yaml_values import Marked
from iptc_sim.records import replace


class Faults:
    """What is wrong with a file, gathered so that all of it is told at once.

    Args:
        source: the file.
    """

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.found: list[Diagnostic] = []

    def add(self, at: Marked, message: str, expected: str = "", hint: str = "") -> None:
        """Note what is wrong with a value."""
        self.found.append(Diagnostic("IPT130", message, span=self.span(at), expected=expected, hint=hint))

    def add_error(self, at: Marked, error: IptcError) -> None:
        """Note what somebody else found wrong with a text of the file, or with the file that it names.

        What has a place in another file keeps it.
        """
        for item in error.diagnostics:
            if item.span is not None and item.span.source.text.rstrip() != (at.text or "").rstrip():
                self.found.append(item)
                continue
            span = self.span(at)
            written = self.source.line(at.start[0])[at.start[1] - 1 :]
            if item.span is not None and item.span.line == 1 and written.startswith(at.text or "\n"):
                span = Span(self.source, span.line, span.column + item.span.column - 1, item.span.length)
            self.found.append(replace(item, span=span, subject=""))

    def span(self, at: Marked) -> Span:
        """Return the place of a value; of one in several lines its first line."""
        line, column = at.start
        return Span(self.source, line, column, at.end[1] - column if at.end[0] == line else 1)

    def settle(self) -> None:
        """Go on if nothing is wrong.

        Raises:
            InputError: something is.
        """
        if self.found:
            raise InputError(*self.found)
