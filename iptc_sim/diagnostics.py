"""Where something stands in a text, and what is wrong with it.

::

    IptcError                 carries one or more Diagnostics; the only exception that bad input raises
    +-- InputError            the input cannot be used (exit status 2)
    +-- UsageError            the question cannot be asked this way (exit status 2)

A :class:`Diagnostic` is a record; the block of text that people read is made from it by :meth:`Diagnostic.render`.
"""

from __future__ import annotations

import bisect
import os
from array import array
from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from os import PathLike

from iptc_sim.records import dataclass, field

#: Input larger than this is refused before it is read (bytes). A dump of 500,000 rules has about 85 MB.
MAX_INPUT_BYTES = 512 * 1024 * 1024

#: How much of a long source line an error shows (characters).
_WINDOW = 96


class Severity(StrEnum):
    """How much a diagnostic weighs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


#: Every code with the one sentence that explains it. Codes are stable; messages may change.
CODES: dict[str, str] = {
    "IPT001": "the file cannot be read",
    "IPT002": "the input is not text",
    "IPT003": "the input holds nothing to work on",
    "IPT004": "the command line does not fit together",
    "IPT010": "the line is not one that iptables-save or iptables -S prints",
    "IPT011": "a quote is opened and never closed",
    "IPT012": "the option is not known here",
    "IPT013": "the option needs another value",
    "IPT014": "the option cannot be negated here",
    "IPT015": "the option was given twice",
    "IPT016": "the options do not fit together",
    "IPT017": "the extension belongs to the other address family",
    "IPT018": "the extension is not one of iptables 1.8.9",
    "IPT020": "a rule or chain stands before any table line",
    "IPT021": "the table is not ended by COMMIT",
    "IPT022": "the table is not one of iptables'",
    "IPT023": "the chain name cannot be one",
    "IPT024": "the policy cannot be one",
    "IPT025": "the chain is not declared",
    "IPT026": "the chain is declared twice",
    "IPT027": "the kernel refuses the rule in this table or chain",
    "IPT028": "a built-in chain cannot be jumped to",
    "IPT029": "the command cannot be carried out",
    "IPT030": "a table was guessed for a listing that does not name it",
    "IPT031": "the extension is not modelled: kept word for word, answered as unknown",
    "IPT032": "the chain jumped to is not in the dump",
    "IPT033": "chains jump in a circle",
    "IPT034": "the option cannot be used in this chain or table",
    "IPT035": "the object that the rule names does not exist",
    "IPT036": "the table stands in the text twice",
    "IPT040": "the flow cannot be understood",
    "IPT041": "the packet cannot be used",
    "IPT042": "the node description cannot be used",
    "IPT043": "the walk was given up at its bound",
    "IPT044": "the branch asked for does not exist",
    "IPT050": "the document is not a Kubernetes object",
    "IPT051": "a field of the object is missing or has the wrong value",
    "IPT052": "the Service has no endpoints",
    "IPT053": "a value that the cluster would assign was assigned here",
    "IPT054": "the release or flag is not known",
    "IPT055": "the YAML or JSON cannot be read",
    "IPT056": "the JSON is not a ruleset",
    "IPT057": "the JSON is not a trace",
    "IPT058": "the Service is left to another proxy",
    "IPT059": "the object has a field that is not known",
    "IPT060": "a byte order mark was left out",
    "IPT061": "lines end in a carriage return, which was left out",
    "IPT062": "blanks at the ends of lines were cut off",
    "IPT063": "blanks in front of lines were cut off",
    "IPT064": "what a log puts in front of lines was cut off",
    "IPT065": "shell prompts, and what was typed behind them to list rules, were left out",
    "IPT066": "iptables commands were read as rules, in the order written",
    "IPT067": "a variable of the shell cannot be expanded here and was kept word for word",
    "IPT068": "conditions, loops and functions of a script are not followed",
    "IPT069": "commands that change no rules were left out",
    "IPT070": "what a program told its user was left out",
    "IPT071": "the node has rules in the tables of iptables-legacy, too; they are not in this text",
    "IPT072": "Markdown fences and quote marks were left out",
    "IPT073": "what grep puts in front of and between lines was cut off",
    "IPT074": "typographic quotes and dashes were replaced by plain ones",
    "IPT075": "no-break and invisible spaces were replaced",
    "IPT076": "HTML escapes and tags were resolved",
    "IPT077": "colour codes of a terminal were left out",
    "IPT078": "an ellipsis stands where lines are missing",
    "IPT079": "comments behind rules were cut off",
    "IPT080": "rules of the other address family were left out",
    "IPT090": "the release's rules are inferred from those of its neighbours",
    "IPT091": "a chain name and its comment tell of two Services",
    "IPT092": "a name stands for several addresses, of which one was taken",
    "IPT100": "other rules of the chain take every packet that fits the rule",
    "IPT101": "no packet that comes to the chain fits the rule",
    "IPT102": "the conditions of the rule contradict each other",
    "IPT103": "the rule is there twice",
    "IPT104": "the rule changes nothing: what follows does the same",
    "IPT105": "the rules stand behind one that takes every packet",
    "IPT106": "no rule leads to the chain",
    "IPT107": "the chain jumped to has no rules",
    "IPT108": "the rules go beyond what can be looked at",
    "IPT110": "the random choice is uneven",
    "IPT111": "the random choice leaves packets over",
    "IPT112": "the NAT rule cannot fire",
    "IPT113": "what the rule sends on is never let through",
    "IPT114": "a machine that calls itself by the public address gets no answer",
    "IPT115": "the published port is open although INPUT drops it",
    "IPT116": "the INPUT rule never sees new connections: they are sent on before",
    "IPT117": "iptables-legacy and nf_tables both have rules in force",
    "IPT118": "how the ruleset has grown",
    "IPT119": "the ignore comment or baseline entry hits nothing, or gives no reason",
    "IPT130": "the flows file cannot be understood",
    "IPT131": "no expectation says what happens to the packet",
}


@dataclass(frozen=True, slots=False)
class SourceFile:
    """A text with its name; lines count from 1, columns from 1."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def _starts(self) -> array[int]:
        starts = array("Q", [0])
        find = self.text.find
        position = find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = find("\n", position + 1)
        return starts

    def line(self, number: int) -> str:
        """Return line ``number`` (from 1) without its newline; empty where there is none."""
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")

    def position(self, offset: int) -> tuple[int, int]:
        """Return (line, column), both from 1, of a character offset."""
        index = bisect.bisect_right(self._starts, offset) - 1
        return index + 1, offset - self._starts[index] + 1


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a source: line and column from 1, ``length`` characters wide (0: the whole line is meant)."""

    source: SourceFile
    line: int
    column: int = 1
    length: int = 0

    def __str__(self) -> str:
        return f"{printable(self.source.name)}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to say about an input.

    Args:
        code: a key of :data:`CODES`.
        message: one sentence, lower case, no full stop.
        span: where; None where the input has no text (a missing file, a command-line option).
        subject: what it is about, where there is no span (a file name, a field path).
        expected: what would have been right.
        hint: what to try.
        reported_line: the line that iptables-restore names, where that is another one (it reports what the kernel
            refuses, and jumps that lead nowhere, late); 0: the same line.
    """

    code: str
    message: str
    severity: Severity = Severity.ERROR
    span: Span | None = None
    subject: str = ""
    expected: str = ""
    hint: str = ""
    reported_line: int = 0

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise AssertionError(f"{self.code} is not in the table of codes")

    def render(self) -> str:
        """Return the block that people read; every line of input in it is escaped for a terminal."""
        place = str(self.span) if self.span else printable(self.subject)
        head = f"{place}: " if place else ""
        lines = [f"{head}{self.severity} {self.code}: {printable(self.message)}"]
        if self.span:
            lines += _excerpt(self.span)
        if self.expected:
            lines.append(f"  expected: {printable(self.expected)}")
        if self.hint:
            lines.append(f"  hint: {printable(self.hint)}")
        if self.reported_line:
            lines.append(f"  iptables-restore names line {self.reported_line}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, str | int]:
        """Return the record for JSON; keys without a value are left out."""
        record: dict[str, str | int] = {
            "code": self.code,
            "severity": str(self.severity),
            "message": self.message,
        }
        if self.span:
            record |= {"file": self.span.source.name, "line": self.span.line, "column": self.span.column}
        for key in ("subject", "expected", "hint"):
            if value := getattr(self, key):
                record[key] = value
        if self.reported_line:
            record["reported_line"] = self.reported_line
        return record


class IptcError(Exception):
    """Bad input or usage, with at least one :class:`Diagnostic`."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("\n".join(diagnostic.render() for diagnostic in diagnostics))
        self.diagnostics = diagnostics


class InputError(IptcError):
    """The input cannot be used."""


class UsageError(IptcError):
    """The question cannot be asked this way."""


def printable(text: str) -> str:
    """Return ``text`` with control and bidirectional characters escaped, so that it cannot steer a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean X?`` for the nearest known word, or an empty string."""
    from difflib import get_close_matches  # noqa: PLC0415 - for errors only

    close = get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f"did you mean {close[0]}?" if close else ""


def read_source(name: str, path: str | PathLike[str]) -> SourceFile:
    """Read a text file.

    Args:
        name: what to call it in errors.
        path: where it is.

    Raises:
        InputError: IPT001 (missing, unreadable, too large) or IPT002 (not UTF-8 text).
    """
    try:
        with open(path, "rb") as file:
            # a pipe has no size, and may never end
            size = os.fstat(file.fileno()).st_size
            data = file.read(-1 if 0 < size <= MAX_INPUT_BYTES else MAX_INPUT_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(Diagnostic("IPT001", f"cannot read it: {reason}", subject=name, hint=_nearby(path))) from error
    if len(data) > MAX_INPUT_BYTES:
        message = f"it has more than the {MAX_INPUT_BYTES:,} bytes that are read"
        raise InputError(Diagnostic("IPT001", message, subject=name))
    return decode_source(name, data)


def decode_source(name: str, data: bytes) -> SourceFile:
    """Turn bytes into a source.

    Raises:
        InputError: IPT002 where the bytes hold NUL or are not UTF-8.
    """
    expected = "text as iptables-save, iptables -S or kubectl -o yaml print it"
    if (nul := data.find(b"\0")) >= 0:
        message = f"this is not text: byte {nul + 1} is NUL"
        raise InputError(Diagnostic("IPT002", message, subject=name, expected=expected))
    try:
        return SourceFile(name, data.decode())
    except UnicodeDecodeError as error:
        message = f"this is not UTF-8 text: byte {error.start + 1} is 0x{data[error.start]:02x}"
        raise InputError(Diagnostic("IPT002", message, subject=name, expected=expected)) from error


def _nearby(path: str | PathLike[str]) -> str:
    folder, name = os.path.split(path)
    try:
        return suggestion(name, os.listdir(folder or "."))
    except OSError:
        return ""


def _excerpt(span: Span) -> list[str]:
    """Return the source line and a caret under the place; a long line is cut around it."""
    line = span.source.line(span.line)
    start = max(0, span.column - 1 - _WINDOW // 2) if len(line) > _WINDOW else 0
    shown = line[start : start + _WINDOW]
    before = printable(line[start : span.column - 1])
    marked = printable(line[span.column - 1 : span.column - 1 + span.length][: len(shown)])
    left = "..." if start else ""
    right = "..." if start + _WINDOW < len(line) else ""
    number = str(span.line)
    rows = [f"  {number} | {left}{printable(shown)}{right}"]
    if span.length:
        rows.append(f"  {' ' * len(number)} | {' ' * (len(left) + len(before))}{'^' * max(1, len(marked))}")
    return rows
