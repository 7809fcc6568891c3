"""The shape cache: Lark judges each shape once, and its plan serves every line of that shape.

The shape of a line is its words with the values taken out. Which words are kept is a guess made without knowing the
extensions; when Lark and the declarations have judged the line, a plan is stored only if every word on which it depends
was kept. A line whose shape is not stored is simply judged again, so the cache cannot change a meaning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from iptc_sim.builtin import ForeignMatch
from iptc_sim.options import Reading
from iptc_sim.protocols import protocol_name
from iptc_sim.ruleset import Counters, Rule
from iptc_sim.syntax.foreign import FOREIGN_TARGETS
from iptc_sim.syntax.grammar import ParsedLine, parse_line, word_pattern
from iptc_sim.syntax.plan import BasePart, ForeignPart, Given, JumpPart, Part, RulePlan, read_counters
from iptc_sim.syntax.words import Getopt, LineError, Loaded, unquote
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family

if TYPE_CHECKING:
    from lark import Token, Tree

_COUNTERS = re.compile(r"[ \t]*(\[[0-9]+:[0-9]+\])[ \t]*", re.ASCII)
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


@dataclass(frozen=True, slots=True)
class TableLine:
    """``*nat``."""

    name: str


@dataclass(frozen=True, slots=True)
class ChainLine:
    """``:INPUT ACCEPT [0:0]``, ``-P INPUT ACCEPT`` or ``-N DOCKER``; policy None for a user chain."""

    name: str
    policy: str | None
    counters: Counters | None
    form: str


@dataclass(frozen=True, slots=True)
class RuleLine:
    """``-A CHAIN ...``: several rules where addresses are listed."""

    chain: str
    rules: list[Rule]


@dataclass(frozen=True, slots=True)
class CommitLine:
    """``COMMIT``."""


@dataclass(frozen=True, slots=True)
class EmptyLine:
    """A blank line or a comment."""


Line = TableLine | ChainLine | RuleLine | CommitLine | EmptyLine


class ShapeCache:
    """Reads lines of one family.

    Args:
        family: of the ruleset.

    Attributes:
        plans: the stored plans, by shape.
        judged: how many lines Lark has judged.
    """

    def __init__(self, family: Family) -> None:
        self.family = family
        self.plans: dict[tuple[str, ...], RulePlan] = {}
        self.judged = 0
        self._words = word_pattern()

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
        found = _COUNTERS.match(line) if first in "[ \t" else None
        rest = line[found.end() :] if found else line
        words = self._split(rest)
        if not words:
            return EmptyLine() if found is None else self._simple(line)
        if found:
            counters = read_counters([found[1]], 0)
        key = shape_of(words)
        plan = self.plans.get(key)
        if plan is None:
            parsed = self._judge(line)
            if parsed.tree.data != "rule":
                return _chain_command(parsed, words)
            plan = RulePlanner(parsed, Reading(self.family, parsed.getopt.protocol)).plan()
            if len(self.plans) < MAX_SHAPES and _is_kept(parsed.getopt, key, words):
                self.plans[key] = plan
        return RuleLine(unquote(words[plan.chain]), plan.bind(words, counters, place))

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
        return self._words.findall(text)

    def _judge(self, line: str) -> ParsedLine:
        self.judged += 1
        return parse_line(line, self.family)

    def _simple(self, line: str) -> Line:
        if line.startswith("COMMIT") and line.strip() == "COMMIT":
            return CommitLine()
        if line[0] == ":":
            return self._chain(line)
        tree = self._judge(line).tree
        name = str(tree.children[0])[1:].split() if tree.children else []
        return TableLine(name[0] if name else "")

    def _chain(self, line: str) -> ChainLine:
        words = line.split()
        if len(words) > 3 or '"' in line or len(words) < 2:
            parsed = self._judge(line)  # refuses what is no chain line, and resolves quotes
            words = [str(token) for token in cast("list[Token | None]", parsed.tree.children) if token is not None]
        policy = words[1] if len(words) > 1 else None
        counters = _NONE_COUNTED if words[2:] == ["[0:0]"] else None
        if counters is None and len(words) > 2 and _COUNTERS.fullmatch(words[2]):
            counters = read_counters([words[2]], 2)
        return ChainLine(unquote(words[0][1:]), policy, counters, ":")


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


def _chain_command(parsed: ParsedLine, words: list[str]) -> Line:
    if parsed.tree.data == "policy":
        counters = read_counters([word for word in words[4:] if word], 4) if len(words) > 3 else None
        return ChainLine(unquote(words[1]), words[2], counters, "-P")
    if parsed.tree.data == "new_chain":
        return ChainLine(unquote(words[1]), None, None, "-N")
    return EmptyLine()


class RulePlanner:
    """Makes the plan of a shape from the Lark tree of one line of it."""

    def __init__(self, parsed: ParsedLine, reading: Reading) -> None:
        self._parsed, self._reading = parsed, reading
        self._given: dict[int, list[Given]] = {}
        self._foreign: dict[int, list[int]] = {}
        self._jumps: list[tuple[int, bool]] = []
        self._counters: tuple[int, ...] = ()

    def plan(self) -> RulePlan:
        """Return the plan.

        Raises:
            LineError: two targets, a negation that cannot be, and so on.
        """
        tree = self._parsed.tree
        for part in tree.children[3:]:
            self._part(part)  # type: ignore[arg-type]
        loaded = self._parsed.getopt.loaded
        base = BasePart(self._extension_part(loaded[0]))
        matches = tuple(self._match_part(item) for item in loaded[1:] if item.kind == "match")
        chain = self._index(tree.children[2])
        return RulePlan(chain, base, matches, self._target(), self._counters)

    def _index(self, token: object) -> int:
        return self._parsed.indexes[token.start_pos or 0]  # type: ignore[attr-defined]

    def _part(self, part: Tree[Token]) -> None:
        negation, condition = cast("tuple[Token | None, Tree[Token | None]]", tuple(part.children))
        tokens = [self._index(token) for token in condition.children if token is not None]
        kind = str(condition.data)
        if kind in {"flag", "unary", "binary"}:
            found = self._parsed.getopt.options[tokens[0]]
            given = Given(found.option, found.kind, negation is not None, tokens[0], tuple(tokens[1:]))
            self._given.setdefault(id(found.owner), []).append(given)
            return
        if kind == "foreign":
            owner = self._parsed.getopt.owners[tokens[0]]
            marks = [self._index(negation)] if negation is not None else []
            self._foreign.setdefault(id(owner), []).extend([*marks, *tokens])
            return
        if negation is not None:
            raise LineError("IPT014", self._index(negation), f"! cannot stand before {condition.children[0]}")
        if kind in {"jump", "goto"}:
            self._jumps.append((tokens[1], kind == "goto"))
        elif kind == "set_counters":
            self._counters = tuple(tokens[1:])

    def _extension_part(self, item: Loaded) -> Part:
        if item.extension is None:
            raise AssertionError("a part of an extension that is not modelled")
        given = tuple(self._given.get(id(item), ()))
        index = item.index if item.index >= 0 else (given[0].index if given else 0)
        wanted = item.extension.PROTOCOLS
        if wanted and self._reading.protocol not in wanted:
            raise LineError("IPT016", index, f"{item.name} needs -p with {_protocols(wanted)}")
        return Part(item.extension, given, self._reading, index)

    def _match_part(self, item: Loaded) -> Part | ForeignPart:
        if item.extension is None:
            return ForeignPart(ForeignMatch, item.name, tuple(self._foreign.get(id(item), ())))
        return self._extension_part(item)

    def _target(self) -> Part | JumpPart | None:
        if len(self._jumps) > 1:
            raise LineError("IPT015", self._jumps[1][0], "a rule has one target only")
        if not self._jumps:
            return None
        index, goto = self._jumps[0]
        owner = self._parsed.getopt.owners.get(index)
        if owner is not None and owner.extension is not None:
            return self._extension_part(owner)
        return JumpPart(index, goto, tuple(self._foreign.get(id(owner), ())), FOREIGN_TARGETS)


def _protocols(numbers: frozenset[int]) -> str:
    return " or ".join(protocol_name(number) for number in sorted(numbers))
