"""What a shape means: how the words of a line of that shape become a rule.

A plan is made once, from the Lark tree of the first line of its shape, and then applied to every line. Equal words give
the same (interned) match or target object, so a dump of 500,000 rules holds each condition once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import product
from operator import itemgetter
from typing import Any, Final

from iptc_sim.builtin import ANY, BaseMatch, ForeignMatch, ForeignTarget, GoTo, JumpTo
from iptc_sim.extension import Extension
from iptc_sim.match import Match
from iptc_sim.options import Option, Reading, ValueType
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass, field, replace
from iptc_sim.ruleset import Counters, Rule
from iptc_sim.syntax.lines import RuleLine
from iptc_sim.syntax.words import LineError, unquote
from iptc_sim.target import Target
from iptc_sim.values import Negatable

Words = Sequence[str]


#: Beyond this number the ways in which extensions stand on lines are not remembered: they must not fill the memory.
_MOST_WAYS: Final = 4096


@dataclass(frozen=True, slots=True)
class Given:
    """One option as it stands on the line.

    Args:
        option: which it is.
        kind: how its values are read.
        index: of its word.
        values: of the words of its values.
        reading: what is known where it stands: a ``-p`` that follows is not.
        skip: how many characters of the first value's word are not of the value (``--dport=80``).
    """

    option: Option
    kind: ValueType[Any]
    index: int
    values: tuple[int, ...]
    reading: Reading
    skip: int = 0

    @property
    def negated(self) -> bool:
        """Whether ``!`` stands before it."""
        return self.reading.negated

    def texts(self, words: Words) -> tuple[str, ...]:
        """Return its values."""
        texts = [unquote(words[index]) for index in self.values]
        if self.skip:
            texts[0] = texts[0][self.skip :]
        return tuple(texts)


class Ways:
    """How the lines of one family are read, and in which ways extensions stand on them.

    The same options in the same order are one way, whatever their values are and whatever else stands on the line: what
    one line has made of some values serves all lines.

    Args:
        reading: what is known before a line is seen.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._readings: dict[tuple[int | None, int | None, bool], Reading] = {}
        self._made: dict[tuple[object, ...], dict[Any, Any]] = {}

    def reading(self, protocol: int | None, other_than: int | None, *, negated: bool = False) -> Reading:
        """Return what a value type is told, the same object each time; see :class:`Reading`."""
        key = (protocol, other_than, negated)
        found = self._readings.get(key)
        if found is None:
            made = replace(self._reading, protocol=protocol, other_than=other_than, negated=negated)
            found = self._readings[key] = made
        return found

    def part(self, extension: type[Extension], given: tuple[Given, ...], reading: Reading, index: int) -> Part:
        """Return an extension as it stands on a line; see :class:`Part`.

        Raises:
            LineError: an option stands twice, is missing, or cannot be negated.
        """
        ways = [(id(item.option), id(item.kind), id(item.reading), len(item.values), item.skip) for item in given]
        way = (extension, id(reading), *ways)  # what these are the numbers of stays: declarations and own readings
        made = self._made.get(way)
        if made is not None:
            return Part(extension, given, reading, index, made)
        part = Part(extension, given, reading, index, {})
        part.check()
        if len(self._made) < _MOST_WAYS:
            self._made[way] = part.made
        return part


class Part:
    """One extension of the shape, with the words that it takes.

    Attributes:
        extension: its class.
        given: its options in the order of the line.
        reading: family and protocol of the shape.
        index: of the word that names it, for errors about the whole.
        key: takes the words that decide out of those of a line.
        made: what was made so far, by these words.
    """

    __slots__ = ("extension", "given", "index", "key", "made", "reading")

    def __init__(
        self,
        extension: type[Extension],
        given: tuple[Given, ...],
        reading: Reading,
        index: int,
        made: dict[Any, Any],
    ) -> None:
        self.extension, self.given, self.reading, self.index, self.made = extension, given, reading, index, made
        indexes = [index for item in given for index in item.values]
        self.key: Callable[[Words], Any] = itemgetter(*indexes) if indexes else _no_key

    def check(self) -> None:
        """Check what depends on the shape alone.

        Raises:
            LineError: an option stands twice, is missing, or cannot be negated.
        """
        seen: set[tuple[str, str]] = set()
        for item in self.given:
            key = (item.option.group, item.option.field)
            if item.option.begins:
                seen = {(group, name) for group, name in seen if group != item.option.field}
            elif key in seen and not item.option.repeats:
                raise LineError("IPT015", item.index, f"option {item.option.names[0]} is given twice")
            seen.add(key)
            if item.negated and not (item.option.negatable or item.option.drops_not):
                raise LineError("IPT014", item.index, f"option {item.option.names[0]} cannot be negated")
        for declared in self.extension.OPTIONS:
            if declared.required and ("", declared.field) not in seen:
                label = (
                    f"-m {self.extension.NAME}" if issubclass(self.extension, Match) else f"-j {self.extension.NAME}"
                )
                raise LineError("IPT016", self.index, f"{label} needs {declared.names[0]}")

    def bind(self, words: Words) -> Extension | None:
        """Return the match or target that the words say; None where iptables keeps nothing of it.

        Raises:
            LineError: a value is wrong, or the options do not fit together.
        """
        key = self.key(words)
        made: Extension | None = self.made.get(key)
        if made is None:
            made = self.made[key] = self.make(words)
        return made

    def make(self, words: Words) -> Extension | None:
        """Build the extension, checking every value; ``fields`` keeps the order of the line for ``derive``."""
        fields: dict[str, object] = {}
        for item in self.given:
            value = self._read(item, words)
            wrapped = value is not None and item.option.negatable
            item.option.put(fields, Negatable(value, item.negated) if wrapped else value)
        try:
            self.extension.complete(fields, self.reading)
            written = self.extension(**fields)
            written.check(self.reading)
        except ValueError as error:
            raise LineError("IPT016", self.index, str(error)) from error
        return written.kept(self.reading)

    def _read(self, item: Given, words: Words) -> object:
        try:
            value: object = item.kind.read(item.texts(words), item.reading)
        except ValueError as error:
            index = item.values[0] if item.values else item.index
            raise LineError("IPT013", index, f"{words[item.index]}: {error}", item.kind.expected) from error
        return value


def _no_key(_words: Words) -> None:
    """Nothing decides."""


@dataclass(frozen=True, slots=True)
class ForeignPart:
    """An extension that is not modelled, with the words that belong to it."""

    make: type[ForeignMatch | ForeignTarget]
    name: str
    raw: tuple[int, ...]

    def bind(self, words: Words) -> Match | Target:
        """Return the words as they stand."""
        return self.make(self.name, tuple(words[index] for index in self.raw))


@dataclass(slots=True)
class BasePart:
    """The base options; a comma list of addresses makes several rules (libxtables, ``xtables_ipparse_multiple``)."""

    part: Part

    def bind(self, words: Words) -> tuple[BaseMatch, ...]:
        """Return the base match of each rule that the line stands for."""
        if not self.part.given:
            return (ANY,)
        key = self.part.key(words)
        made: tuple[BaseMatch, ...] | None = self.part.made.get(key)
        if made is None:
            made = self.part.made[key] = tuple(self._expand(list(words)))
        return made

    def _expand(self, words: list[str]) -> list[BaseMatch]:
        lists = []
        sides = [item for item in self.part.given if item.option.field in {"source", "destination"}]
        for item in sides:
            if "," in words[item.values[0]]:
                addresses = unquote(words[item.values[0]]).split(",")
                lists.append([(item.option.field, item.values[0], address) for address in addresses])
        negated = next((item for item in sides if item.negated), None)
        if lists and negated:
            raise LineError("IPT014", negated.index, "! cannot stand where addresses are listed")
        found = []
        for choice in product(*sorted(lists, reverse=True)):  # -s is the outer loop, whatever stands first
            for _, index, address in choice:
                words[index] = address
            made = self.part.make(words)
            found.append(made if isinstance(made, BaseMatch) else ANY)
        return found


@dataclass(slots=True)
class JumpPart:
    """``-j CHAIN`` or ``-g CHAIN``, with the words behind it if the name turns out to be a target not modelled."""

    name: int
    goto: bool
    raw: tuple[int, ...]
    skip: int = 0
    _made: dict[str, Target] = field(init=False, default_factory=dict)

    def bind(self, words: Words) -> Target:
        """Return the jump."""
        word = words[self.name]
        if self.raw:
            return ForeignTarget(unquote(word)[self.skip :], tuple(words[index] for index in self.raw))
        made = self._made.get(word)
        if made is None:
            name = unquote(word)[self.skip :]
            made = self._made[word] = GoTo(name) if self.goto else JumpTo(name)
        return made


@dataclass(frozen=True, slots=True)
class RulePlan:
    """A rule line: which words make what.

    Args:
        chain: index of the word that names the chain.
        base: its base options.
        matches: in the order of the line.
        target: None where there is none.
        counters: indexes of the words after ``-c``.
        command: the short form.
        number: index of the rule number; -1 where there is none.
        skips: the characters before the chain and the counters, in the words of both (``-AINPUT``).
        in_interface: index of ``-i``, -1 without it: iptables refuses it in OUTPUT and POSTROUTING.
        out_interface: index of ``-o``, -1 without it: iptables refuses it in INPUT and PREROUTING.
    """

    chain: int
    base: BasePart
    matches: tuple[Part | ForeignPart, ...]
    target: Part | JumpPart | None
    counters: tuple[int, ...] = ()
    command: str = "-A"
    number: int = -1
    skips: tuple[int, int] = (0, 0)
    in_interface: int = -1
    out_interface: int = -1

    def line(self, words: Words, counters: Counters | None, place: tuple[Any, int]) -> RuleLine:
        """Return what a line of this shape says; see :meth:`bind`.

        Raises:
            LineError: a value is wrong, or ``-R`` stands with several addresses.
        """
        rules = self.bind(words, counters, place)
        chain = unquote(words[self.chain])[self.skips[0] :]
        if self.command == "-A":
            return RuleLine(chain, rules)
        if self.command == "-R" and len(rules) != 1:
            raise LineError("IPT016", self.chain, "-R takes one rule; several addresses make several")
        number = (parse_integer(unquote(words[self.number])) or 0) if self.number >= 0 else 0
        return RuleLine(chain, rules, self.command, number)

    def bind(self, words: Words, counters: Counters | None, place: tuple[Any, int]) -> list[Rule]:
        """Return the rules of a line of this shape.

        Args:
            words: of the line.
            counters: from a ``[packets:bytes]`` in front, if any.
            place: source and line number.
        """
        matches = tuple([made for part in self.matches if (made := part.bind(words)) is not None])
        target = self.target.bind(words) if self.target else None
        if self.counters:
            texts = [unquote(words[index]) for index in self.counters]
            counters = read_counters([texts[0][self.skips[1] :], *texts[1:]], self.counters[0])
        source, line = place
        return [Rule(base, matches, target, counters, source, line) for base in self.base.bind(words)]  # type: ignore[arg-type]


_COUNT = re.compile(r"[ \t\n]*([+-]?)([0-9]+)", re.ASCII)
_MOST = (1 << 64) - 1


def read_counters(texts: Sequence[str], index: int) -> Counters:
    """Read ``P B`` or ``P,B`` as ``-c`` does: what follows the digits does not matter, more than 64 bits are the most.

    Raises:
        LineError: it is neither.
    """
    packets, comma, size = texts[0].partition(",") if "," in texts[0][1:] else (texts[0], "", "")
    if not comma:
        if len(texts) < 2:
            raise LineError("IPT013", index, "-c needs packets and bytes", "-c PACKETS BYTES")
        size = texts[1]
    return Counters(_count(packets, index), _count(size, index))


def read_prefix(text: str) -> Counters | None:
    """Read ``[P:B]`` before a rule; None where it is not made of numbers, which iptables-restore does not mind."""
    packets, _, size = text.strip("[]").lstrip(":").partition(":")
    try:
        return Counters(_count(packets, 0), _count(size, 0))
    except LineError:
        return None


def _count(text: str, index: int) -> int:
    found = _COUNT.match(text)
    if found is None:
        raise LineError("IPT013", index, f"{text or 'an empty word'} is not a number of packets or bytes", "a number")
    number = min(int(found[2][:40]), _MOST)
    return -number & _MOST if found[1] == "-" else number
