"""The shape cache: Lark judges each shape once, and its plan serves every line of that shape.

The shape of a line is its words with the values taken out. Which words are kept is a guess made without knowing the
extensions; when Lark and the declarations have judged the line, a plan is stored only if every word on which it depends
was kept. A line whose shape is not stored is simply judged again, so the cache cannot change a meaning.
"""

from __future__ import annotations

import re
from sys import intern
from typing import TYPE_CHECKING, Any, Final, cast

from iptc_sim.options import Reading
from iptc_sim.ruleset import Counters
from iptc_sim.syntax.grammar import ParsedLine, counters_pattern, parse_line, parse_words, word_pattern
from iptc_sim.syntax.hot import Shape
from iptc_sim.syntax.lines import ChainLine, CommitLine, EmptyLine, Line, TableLine
from iptc_sim.syntax.plan import RulePlan, Ways, read_prefix
from iptc_sim.syntax.planner import read_parsed
from iptc_sim.syntax.words import MAX_WORD, Getopt, LineError, check_limits, unquote
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family, Variant

if TYPE_CHECKING:
    from lark import Token

_COUNTERS = re.compile(r"[ \t]*(\[[0-9]+:[0-9]+\])[ \t]*", re.ASCII)
_BLANKS = re.compile(r"[ \t]+")
_NAMED_AFTER: Final = {
    "-m": False,
    "--match": False,
    "-p": False,
    "--protocol": False,
    "--proto": False,
    "-j": True,
    "--jump": True,
}

_NONE_COUNTED: Final = Counters(0, 0)

#: iptables-restore reads a line into a buffer of this size (characters).
MAX_LINE: Final = 10_240

#: Shapes beyond this number are not stored: a dump in which every line is a new shape must not fill the memory.
MAX_SHAPES: Final = 4096


class ShapeCache:
    """Reads lines of one family.

    Args:
        family: of the ruleset.
        variant: of the iptables that reads.
        strict: as iptables-restore reads; else as people paste.

    Attributes:
        shapes: the stored shapes, by key.
        judged: how many lines Lark has judged.
        last: the shape of the rule that was read last; None where it is not stored.
    """

    def __init__(self, family: Family, variant: Variant = Variant.NFT, *, strict: bool = False) -> None:
        self.family, self.strict = family, strict
        self._ways = Ways(Reading(family, variant=variant, strict=strict))
        self.shapes: dict[tuple[str, ...], Shape] = {}
        self.judged = 0
        self.last: Shape | None = None
        self._compiled = 0

    def read(self, line: str, place: tuple[Any, int]) -> Line:
        """Return what a line (without its newline) says.

        Raises:
            LineError: it is no line of a dump.
        """
        first = line[:1]
        if not first or first == "#":
            return EmptyLine()
        if len(line) > MAX_LINE:
            message = f"the line has {len(line):,} characters; iptables reads {MAX_LINE:,}"
            raise LineError("IPT010", 0, message)
        if first in ":*" or line.startswith("COMMIT"):
            return self._simple(line)
        counters = None
        found = counters_pattern().match(line) if first == "[" else None
        words = self._split(line[found.end() :] if found else line)
        if not words:
            return EmptyLine() if found is None else self._simple(line)
        if self.strict and len(line) > MAX_WORD // 4:
            check_limits(words)
        if found:
            counters = read_prefix(found[0])
        key = shape_of(words)
        shape = self.last = self.shapes.get(key)
        if shape is None:
            parsed = parse_words(words, self.family, strict=self.strict) or self._judge(line)
            made = read_parsed(parsed, self._ways)
            if not isinstance(made, RulePlan):
                return made
            shape = self.last = Shape(made, key, counted=counters is not None)
            if len(self.shapes) < MAX_SHAPES and not parsed.getopt.glued and _is_kept(parsed.getopt, key, words):
                self.shapes[tuple(map(intern, key))] = shape
                shape.stored = True
        elif shape.count():
            self._compiled += 1
        plan = shape.plan
        return plan.line(words, counters, place)

    @property
    def has_hot(self) -> bool:
        """Whether any shape has an expression."""
        return self._compiled > 0

    def hot(self, line: str) -> Shape | None:
        """Return the shape of a line if it has an expression."""
        shape = self.shapes.get(shape_of(self._split(line)))
        return shape if shape is not None and shape.is_hot else None

    def _split(self, text: str) -> list[str]:
        """Cut a line into words as the grammar's WORD does; the two short ways serve nearly every line."""
        if text.isascii() and text.isprintable():
            if '"' not in text:
                return text.split()
            before, _, rest = text.partition('"')
            quoted, _, after = rest.partition('"')
            plain = before[-1:] == " " and (not after or after[0] == " ")
            if plain and '"' not in after and "\\" not in quoted and rest != quoted:
                return [*before.split(), f'"{quoted}"', *after.split()]
        return word_pattern().findall(text)

    def _judge(self, line: str) -> ParsedLine:
        self.judged += 1
        return parse_line(line, self.family, strict=self.strict)

    def _simple(self, line: str) -> Line:
        if line.startswith("COMMIT") and line.strip() == "COMMIT":
            return CommitLine()
        if line[0] == ":":
            return self._chain(line)
        if line[0] == "*":
            return TableLine(_BLANKS.split(line[1:].strip(" \t"))[0])
        self._judge(line)  # refuses what begins like COMMIT
        return EmptyLine()

    def _chain(self, line: str) -> ChainLine:
        words = line.split()
        if len(words) > 3 or '"' in line or len(words) < 2:
            parsed = self._judge(line)  # refuses what is no chain line, and resolves quotes
            words = [str(token) for token in cast("list[Token | None]", parsed.tree.children) if token is not None]
        policy = words[1] if len(words) > 1 else None
        counters = _NONE_COUNTED if words[2:] == ["[0:0]"] else None
        if counters is None and len(words) > 2 and _COUNTERS.fullmatch(words[2]):
            counters = read_prefix(words[2])
        return ChainLine(unquote(words[0][1:]), policy, counters)


def shape_of(words: list[str]) -> tuple[str, ...]:
    """Return the words with what looks like a value replaced by ``_``."""
    key = []
    named: bool | None = None
    for word in words:
        if word[0] == "-" or word == "!":
            key.append(word)
            named = _NAMED_AFTER.get(word)
        elif named is None:
            key.append("_")
        else:
            key.append(word if not named or TARGETS.find(word) else "_")
            named = None
    return tuple(key)


def _is_kept(getopt: Getopt, key: tuple[str, ...], words: list[str]) -> bool:
    """Whether every word that decides the meaning of the line stands in its key."""
    structural = {*getopt.options, *getopt.owners}
    for index, found in getopt.options.items():
        if found.option.field == "protocol":
            structural.add(index + 1)
    chains = {item.index for item in getopt.loaded if item.kind == "chain"}
    return all(key[index] == words[index] for index in structural - chains) and all(
        key[index] == "_" for index in chains
    )
