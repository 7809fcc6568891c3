"""Goes through a text: whole lines by the expressions of their shapes, the others word by word."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from iptc_sim.diagnostics import SourceFile
from iptc_sim.syntax.grammar import word_pattern
from iptc_sim.syntax.hot import Shape
from iptc_sim.syntax.lines import RuleLine
from iptc_sim.syntax.loader import Loader
from iptc_sim.syntax.paste import Pasted
from iptc_sim.syntax.section import Fault, Section
from iptc_sim.syntax.shapes import MAX_LINE, ShapeCache
from iptc_sim.syntax.words import LineError
from iptc_sim.targets import TARGETS
from iptc_sim.values import Variant

#: How many errors of one text are collected before reading stops.
MAX_ERRORS: Final = 200

#: Errors of single lines with which the tolerant reader can live: the rule means something all the same.
TOLERATED: Final = frozenset({"IPT029", "IPT034"})

_CHAIN = re.compile(r":([A-Za-z0-9_.:/][A-Za-z0-9_.:/-]{0,27}) - \[0:0\]\n")


class Scanner:
    """Reads one text into a loader.

    Args:
        text: what to read; its lines count as those of ``source``.
        source: what places and rules refer to.
        loader: applies the lines.
        shapes: reads them.

    Attributes:
        errors: what could not be read or applied.
        last_line: the line read last.
        shift: by how much iptables-restore has counted lines on, because some did not fit into its buffer.
    """

    def __init__(self, text: str, source: SourceFile, loader: Loader, shapes: ShapeCache) -> None:
        self._text, self._source, self._loader, self._shapes = text, source, loader, shapes
        self._last: Shape | None = None
        self._columns: dict[int, int] = {}
        self.errors: list[Fault] = []
        self.last_line = 0
        self.shift = 0

    def run(self) -> None:
        """Read the text from its beginning to its end, or until there are too many errors."""
        text, position = self._text, 0
        strict = self._loader.manner.strict
        while position < len(text) and len(self.errors) < MAX_ERRORS:
            section = self._loader.section
            if section is not None and not section.store.edited:
                position, self.last_line = self._fast(section, position, self.last_line)
                if position >= len(text):
                    return
            end = text.find("\n", position)
            self.last_line += 1
            line = text[position : end if end >= 0 else len(text)]
            if strict:
                self._strictly(line, self.last_line, ended=end >= 0)
            else:
                self.slow(line, self.last_line)
            position = end + 1 if end >= 0 else len(text)

    def run_pasted(self, pasted: Pasted) -> None:
        """Read cleaned lines; those of a dump as one text, those of a script one by one."""
        numbers = [item.number for item in pasted.lines]
        if not any(item.table for item in pasted.lines) and len(set(numbers)) == len(numbers):
            self._columns = {item.number: item.column for item in pasted.lines if item.column}
            self.run()
            return
        for item in pasted.lines:
            self.last_line = item.number
            self.slow(item.text, item.number, item.table, item.column)
            if len(self.errors) >= MAX_ERRORS:
                return

    def _strictly(self, line: str, number: int, *, ended: bool) -> None:
        """Read a line as the main loop of iptables-restore does, with its ideas of what a line is.

        Args:
            line: without its newline.
            number: of the line.
            ended: whether a newline follows.
        """
        inside = self._loader.section is not None
        if not line or line[0] == "#":
            return
        if not inside and line[0] != "*":
            self._fail(LineError("IPT020", 0, "this stands before any table", "a *table line before it"), line, number)
        elif inside and not line.strip(" \t"):
            self._fail(LineError("IPT010", 0, "the line is not empty: it holds blanks", "a command"), line, number)
        elif inside and line.startswith("COMMIT") and (line != "COMMIT" or not (ended or self._takes_unended())):
            why = "COMMIT stands alone on its line, and a newline ends it"
            self._fail(LineError("IPT010", 0, why), line, number)
        elif len(line) < MAX_LINE:
            self.slow(line, number)
        else:
            self._in_pieces(line, number)

    def _takes_unended(self) -> bool:
        return self._loader.manner.variant is Variant.NFT

    def _in_pieces(self, line: str, number: int) -> None:
        """Read a line that is longer than iptables-restore's buffer: each piece is a line to it, and counts as one."""
        for start in range(0, len(line), MAX_LINE - 1):
            before = len(self.errors)
            self._strictly(line[start : start + MAX_LINE - 1], number, ended=True)
            if len(self.errors) > before:
                return
            self.shift += 1
        self.shift -= 1

    def slow(self, line: str, number: int, table: str = "", column: int = 0) -> None:
        """Read one line word by word and apply it; an error in it is kept.

        Args:
            line: without its newline.
            number: of the line.
            table: that the line names by itself.
            column: how many characters of the source's line stand before it.
        """
        shapes, loader = self._shapes, self._loader
        shapes.last = None
        try:
            item = shapes.read(line, (self._source, number))
            if isinstance(item, RuleLine) and shapes.last is not None:
                wrong = self._wrong_interface(shapes.last, item.chain)
                if wrong is not None:
                    self._fail(wrong, line, number, column)
            loader.apply(item, number, table)
        except LineError as error:
            self._fail(error, line, number, column)
            return
        shape, section = shapes.last, loader.section
        if isinstance(item, RuleLine) and shape is not None and section is not None:
            self._noted(section, shape, item, number)

    def _wrong_interface(self, shape: Shape, chain: str) -> LineError | None:
        """Refuse ``-i`` and ``-o`` in the chains that never have them (libxtables, by the name of the chain)."""
        if chain not in shape.never:
            return None
        option, index = shape.never[chain]
        error = LineError("IPT034", index, f"{option} cannot be used in {chain}: packets there have no such interface")
        if self._loader.manner.strict:
            raise error
        return error

    def _noted(self, section: Section, shape: Shape, item: RuleLine, number: int) -> None:
        """Keep what is asked of a rule's shape when the table is whole."""
        if shape.section is not section:
            section.note(shape, number)
        if shape.asked:
            store = section.store
            for entry in range(max(len(store.lines) - len(item.rules), 0), len(store.lines)):
                if store.lines[entry] == number:  # the line may have entered nothing
                    shape.entries.append(entry)
                    shape.owners.append(store.last_chain)
        for rule in item.rules if shape.unmodelled else ():
            for part in rule.extensions:
                if not part.is_modelled():
                    section.count(part, number)
        if self._last is not None and shape.is_hot:
            self._last.follow(shape)
        self._last = shape

    def _fast(self, section: Section, position: int, line: int) -> tuple[int, int]:
        """Read lines by the expressions of their shapes, as long as that goes; return where it stopped."""
        text, store, names = self._text, section.store, section.store.names
        exists, lines, offsets, aims = store.exists, store.lines.append, store.offsets.append, store.aims.append
        if text.startswith(":", position):
            return self._chains(section, position, line) if section.table else (position, line)
        shape, chain, index, last = self._last, "", -1, store.last_chain
        while (fitting := self._fitting(shape, position)) is not None:
            candidate, found = fitting
            if found[1] != chain:
                chain = found[1]
                index = names.get(chain, -1)
                if index < 0 or not exists[index]:
                    break
            aim = -1
            if candidate.jump:
                aim = names.get(found[candidate.jump], -1)
                if aim < 0:
                    if TARGETS.find(found[candidate.jump]) is not None:
                        break
                    aim = store.chain(found[candidate.jump])
            if candidate.memo and not self._is_known(candidate, found):
                break
            line += 1
            if index != last:
                store.begin_run(index)
                last = index
            if candidate.section is not section:
                section.note(candidate, line)
            if candidate.placed:
                candidate.entries.append(len(store.lines))
                candidate.owners.append(index)
            lines(line)
            offsets(position)
            aims(aim)
            position = found.end()
            shape = candidate
        self._last = shape
        return position, line

    def _fitting(self, shape: Shape | None, position: int) -> tuple[Shape, re.Match[str]] | None:
        """Return the shape whose expression fits the line there; those that followed ``shape`` before go first."""
        if shape is None:
            return None
        text = self._text
        for candidate in shape.after:
            if (found := candidate.match(text, position)) is not None:
                return candidate, found
        learnt = self._learn(shape, position)
        found = learnt.match(text, position) if learnt is not None else None
        return (learnt, found) if learnt is not None and found is not None else None

    def _chains(self, section: Section, position: int, line: int) -> tuple[int, int]:
        """Read lines that declare user chains; return where that stopped."""
        text, known, match = self._text, section.store.names, _CHAIN.match
        names: dict[str, None] = {}
        while (found := match(text, position)) is not None:
            name = found[1]
            if name in known or name in names or (name.isidentifier() and TARGETS.find(name) is not None):
                break
            names[name] = None
            position = found.end()
        section.store.create_new(names)
        return position, line + len(names)

    def _learn(self, shape: Shape, position: int) -> Shape | None:
        """Return the shape of the line there if it has an expression, and remember that it came after ``shape``."""
        if not self._shapes.has_hot:
            return None
        end = self._text.find("\n", position)
        found = self._shapes.hot(self._text[position:end]) if end > position else None
        if found is not None:
            shape.follow(found)
        return found

    def _is_known(self, shape: Shape, found: re.Match[str]) -> bool:
        """Whether the plan takes the words that the expression does not prove; each choice of them is read once."""
        words = found.group(*shape.memo)
        if words not in shape.known:
            try:
                self._shapes.read(found[0][:-1], (self._source, 0))
            except LineError:
                return False
            shape.known.add(words)
        return True

    def _fail(self, error: LineError, line: str, number: int, column: int = 0) -> None:
        column = column or self._columns.get(number, 0)
        found = next(islice(word_pattern().finditer(line), error.index, None), None)
        start, end = found.span() if found else (len(line), len(line) + 1)
        if error.code == "IPT011":  # the rest of the line is what the quote swallows
            start = line.rfind('"')
            end = start + 1
        fault = Fault(
            error.code,
            error.message,
            number,
            reported=number + self.shift,
            place=(column + start + 1, end - start),
            expected=error.expected,
            hint=error.hint,
            fatal=error.code not in TOLERATED,
        )
        self.errors.append(fault)
