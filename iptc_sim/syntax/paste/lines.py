"""The lines that cleaning gives, and the cut between a rule and a comment behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from iptc_sim.diagnostics import Diagnostic
from iptc_sim.records import dataclass
from iptc_sim.values import Family

#: A longer line (characters) is left as it is: iptables-restore takes 10,240, and no shell command is as long.
LONGEST: Final = 65536

_PART: Final = re.compile(r'[^"#]++|"(?:[^"\\]++|\\.)*+"|.', re.DOTALL)


@dataclass(frozen=True, slots=True)
class PastedLine:
    """A line as iptables-restore or ``iptables -S`` would have had it.

    Args:
        number: of the line in the source, from 1; several may come from one line.
        text: without newline, carriage return and trailing blanks.
        table: that the line itself or the command that listed it names; empty where neither does.
        column: how many characters were cut off in front. In a line put together again (quotes of a shell,
            continuations) later places can be some characters off.
    """

    number: int
    text: str
    table: str = ""
    column: int = 0


@dataclass(frozen=True, slots=True)
class Pasted:
    """A cleaned text.

    Args:
        lines: in order.
        warnings: one for each kind of damage.
        family: that a command or a heading names; None where none does.
    """

    lines: tuple[PastedLine, ...]
    warnings: tuple[Diagnostic, ...]
    family: Family | None


def without_comment(line: str) -> str:
    """Return a rule without the comment behind it: ``#`` outside quotes, after a blank, where no value must follow."""
    if " #" not in line and "\t#" not in line:
        return line
    for found in _PART.finditer(line):
        position = found.start()
        if found[0] != "#" or line[position - 1 : position] not in {" ", "\t"}:
            continue
        before = line[:position].rstrip(" \t") if position else ""
        word = max(before.rfind(" "), before.rfind("\t")) + 1
        if line[position + 1 : position + 2] in {"", " ", "\t", "#"} or not before.startswith("-", word):
            return before
    return line


def lines_with(text: str, mark: str) -> Iterator[str]:
    """Yield each line that holds a mark, but for comments and those too long to be cleaned."""
    position = text.find(mark)
    while position >= 0:
        start = text.rfind("\n", 0, position) + 1
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        if text[start] != "#" and end - start <= LONGEST:
            yield text[start:end]
        position = text.find(mark, end)
