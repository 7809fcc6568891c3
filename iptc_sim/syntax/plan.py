"""What a shape means: how the words of a line of that shape become a rule.

A plan is made once, from the Lark tree of the first line of its shape, and then applied to every line. Equal words give
the same (interned) match or target object, so a dump of 500,000 rules holds each condition once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from operator import itemgetter
from typing import Any

from iptc_sim.builtin import ANY, BaseMatch, ForeignMatch, ForeignTarget, GoTo, JumpTo
from iptc_sim.extension import Extension, Match, Target
from iptc_sim.options import Option, Reading, ValueType
from iptc_sim.ruleset import Counters, Rule
from iptc_sim.syntax.words import LineError, unquote
from iptc_sim.values import Negatable

Words = Sequence[str]


@dataclass(frozen=True, slots=True)
class Given:
    """One option as it stands on the line: ``index`` of its word and of its values."""

    option: Option
    kind: ValueType[Any]
    negated: bool
    index: int
    values: tuple[int, ...]


@dataclass(slots=True)
class Part:
    """One extension of the shape, with the words that it takes.

    Args:
        extension: its class.
        given: its options in the order of the line.
        reading: family and protocol of the shape.
        index: of the word that names it, for errors about the whole.
    """

    extension: type[Extension]
    given: tuple[Given, ...]
    reading: Reading
    index: int
    _key: Callable[[Words], Any] = field(init=False)
    _made: dict[Any, Extension] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Check what depends on the shape alone, once.

        Raises:
            LineError: an option stands twice, is missing, or cannot be negated.
        """
        indexes = [index for item in self.given for index in item.values]
        self._key = itemgetter(*indexes) if indexes else lambda _words: None
        seen: set[str] = set()
        for item in self.given:
            if item.option.field in seen:
                raise LineError("IPT015", item.index, f"option {item.option.names[0]} is given twice")
            seen.add(item.option.field)
            if item.negated and not item.option.negatable:
                raise LineError("IPT014", item.index, f"option {item.option.names[0]} cannot be negated")
        for declared in self.extension.OPTIONS:
            if declared.required and declared.field not in seen:
                label = (
                    f"-m {self.extension.NAME}" if issubclass(self.extension, Match) else f"-j {self.extension.NAME}"
                )
                raise LineError("IPT016", self.index, f"{label} needs {declared.names[0]}")

    def bind(self, words: Words) -> Extension:
        """Return the match or target that the words say.

        Raises:
            LineError: a value is wrong, or the options do not fit together.
        """
        key = self._key(words)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self.make(words)
        return made

    def make(self, words: Words) -> Extension:
        """Build the extension, checking every value; ``fields`` keeps the order of the line for ``derive``."""
        fields: dict[str, object] = {}
        for item in self.given:
            value = self._read(item, words)
            if value is not None:
                fields[item.option.field] = Negatable(value, item.negated) if item.option.negatable else value
        try:
            self.extension.complete(fields, self.reading)
            made = self.extension(**fields)
            made.check(self.reading)
        except ValueError as error:
            raise LineError("IPT016", self.index, str(error)) from error
        return made

    def _read(self, item: Given, words: Words) -> object:
        texts = tuple([unquote(words[index]) for index in item.values])
        reading = replace(self.reading, negated=True) if item.negated else self.reading
        try:
            value: object = item.kind.read(texts, reading)
        except ValueError as error:
            index = item.values[0] if item.values else item.index
            raise LineError("IPT013", index, f"{words[item.index]}: {error}", item.kind.expected) from error
        return value


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
    _made: dict[Any, tuple[BaseMatch, ...]] = field(init=False, default_factory=dict)

    def bind(self, words: Words) -> tuple[BaseMatch, ...]:
        """Return the base match of each rule that the line stands for."""
        if not self.part.given:
            return (ANY,)
        key = self.part._key(words)  # noqa: SLF001 - the two are one mechanism
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = tuple(self._expand(list(words)))
        return made

    def _expand(self, words: list[str]) -> list[BaseMatch]:
        lists = []
        for item in self.part.given:
            if item.option.field in {"source", "destination"} and "," in words[item.values[0]]:
                addresses = words[item.values[0]].split(",")
                if item.negated:
                    raise LineError("IPT014", item.index, "a list of addresses cannot be negated")
                lists.append([(item.option.field, item.values[0], address) for address in addresses])
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
    foreign_names: frozenset[str]
    _made: dict[str, Target] = field(init=False, default_factory=dict)

    def bind(self, words: Words) -> Target:
        """Return the jump."""
        word = words[self.name]
        if self.raw:
            return ForeignTarget(unquote(word), tuple(words[index] for index in self.raw))
        made = self._made.get(word)
        if made is None:
            name = unquote(word)
            if name in self.foreign_names and not self.goto:
                made = ForeignTarget(name)
            else:
                made = GoTo(name) if self.goto else JumpTo(name)
            self._made[word] = made
        return made


@dataclass(frozen=True, slots=True)
class RulePlan:
    """A rule line: which words make what."""

    chain: int
    base: BasePart
    matches: tuple[Part | ForeignPart, ...]
    target: Part | JumpPart | None
    counters: tuple[int, ...] = ()

    def bind(self, words: Words, counters: Counters | None, place: tuple[Any, int]) -> list[Rule]:
        """Return the rules of a line of this shape.

        Args:
            words: of the line.
            counters: from a ``[packets:bytes]`` in front, if any.
            place: source and line number.
        """
        matches = tuple([part.bind(words) for part in self.matches])
        target = self.target.bind(words) if self.target else None
        if self.counters:
            counters = read_counters([words[index] for index in self.counters], self.counters[0])
        source, line = place
        return [Rule(base, matches, target, counters, source, line) for base in self.base.bind(words)]  # type: ignore[arg-type]


def read_counters(texts: Sequence[str], index: int) -> Counters:
    """Read ``P B``, ``P,B`` or ``[P:B]``.

    Raises:
        LineError: it is none of these.
    """
    numbers = " ".join(texts).strip("[]").replace(",", " ").replace(":", " ").split()
    if len(numbers) != 2 or not all(number.isascii() and number.isdigit() and len(number) <= 20 for number in numbers):
        raise LineError("IPT013", index, f"{' '.join(texts)} are not counters", "packets and bytes")
    return Counters(int(numbers[0]), int(numbers[1]))
