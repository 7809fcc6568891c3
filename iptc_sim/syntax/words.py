"""Words of a line, and which of them are options: what getopt_long and libxtables do, asked of the declarations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from iptc_sim.builtin import BaseMatch
from iptc_sim.diagnostics import suggestion
from iptc_sim.extension import Extension, spellings
from iptc_sim.matches import MATCHES
from iptc_sim.options import Option, ValueType
from iptc_sim.protocols import protocol_name, protocol_number
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family

if TYPE_CHECKING:
    from lark import Token

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_KIND_OF_WORDS: Final = ("FLAG", "UNARY", "BINARY")

#: The options that are part of a line's shape themselves, with their token kinds.
_COMMANDS: Final = {
    "-A": "APPEND",
    "--append": "APPEND",
    "-P": "POLICY",
    "--policy": "POLICY",
    "-N": "NEW",
    "--new-chain": "NEW",
}
_STRUCTURAL: Final = {
    "-m": "MATCH", "--match": "MATCH", "-j": "JUMP", "--jump": "JUMP", "-g": "GOTO", "--goto": "GOTO",
    "-c": "SET_COUNTERS", "--set-counters": "SET_COUNTERS",
}  # fmt: skip

#: Protocols whose match has another name.
_MATCH_OF_PROTOCOL: Final = {"ipv6-icmp": "icmp6", "mobility-header": "mh"}


def unquote(word: str) -> str:
    """Return the word as iptables-restore sees it: quotes gone, escapes inside quotes resolved."""
    if '"' not in word:
        return word
    if "\\" not in word and word[0] == '"' == word[-1] and word.count('"') == 2:
        return word[1:-1]
    return _QUOTED.sub(lambda found: _ESCAPE.sub(r"\1", found[1]), word)


class LineError(Exception):
    """Something is wrong with one word of a line.

    Args:
        code: of the diagnostic.
        index: of the word in the line, from 0.
        message: one sentence.
        expected: what would have been right.
        hint: what to try.
    """

    def __init__(self, code: str, index: int, message: str, expected: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.code, self.index, self.message, self.expected, self.hint = code, index, message, expected, hint


@dataclass(slots=True)
class Loaded:
    """One extension on the line.

    Args:
        kind: ``base``, ``match``, ``target``, ``chain`` (a jump to a chain, or to a target that is not modelled).
        index: of the word that names it; -1 for the base options and for a match that ``-p`` loaded.
        extension: its class; None where it is not modelled.
        name: as written.
    """

    kind: str
    index: int
    extension: type[Extension] | None
    name: str
    known: dict[str, Option] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.extension is not None:
            self.known = spellings(self.extension)


@dataclass(frozen=True, slots=True)
class Found:
    """An option word that was recognised: whose it is, and how its values are read."""

    owner: Loaded
    option: Option
    kind: ValueType[object]


class Getopt:
    """Sorts the words of one line into token kinds, loading extensions as ``-m``, ``-p`` and ``-j`` name them.

    Args:
        family: of the ruleset.
    """

    def __init__(self, family: Family) -> None:
        self.family = family
        self.loaded: list[Loaded] = [Loaded("base", -1, BaseMatch, "")]
        self.options: dict[int, Found] = {}
        self.owners: dict[int, Loaded] = {}
        self.protocol: int | None = None
        self._role = "COMMAND"
        self._values = 0
        self._negated = False

    def kind(self, index: int, word: str) -> str:
        """Return the token kind of the next word.

        Raises:
            LineError: the option is not known, or the extension is not of this family.
        """
        if self._values:
            self._values -= 1
            self._take_value(index, word)
            return "VALUE"
        if self._role == "COMMAND":
            self._role = ""
            kind = _COMMANDS.get(word, "VALUE")
            self._values = 2 if kind == "POLICY" else 1
            return kind
        if word == "!":
            self._negated = True
            return "NOT"
        negated, self._negated = self._negated, False
        if word[0] != "-" or len(word) == 1:
            return "VALUE"
        if word in _STRUCTURAL:
            self._role, self._values = _STRUCTURAL[word], 1
            return self._role
        return self._option(index, word, negated=negated)

    def _option(self, index: int, word: str, *, negated: bool) -> str:
        found = self._resolve(word) or self._implicit(word)
        if found is None:
            foreign = next((item for item in reversed(self.loaded) if item.extension is None), None)
            if foreign is None:
                raise self._unknown(index, word)
            self.owners[index] = foreign
            return "FOREIGN"
        self.options[index] = found
        self._values = found.kind.words
        self._role = "PROTOCOL" if found.option.field == "protocol" and not negated else ""
        return _KIND_OF_WORDS[found.kind.words]

    def _resolve(self, word: str) -> Found | None:
        """Find the option by its name, then by an unambiguous beginning of it; the extension named last goes first."""
        for owner in reversed(self.loaded):
            if word in owner.known:
                return _found(owner, word)
        if not word.startswith("--") or len(word) < 4:
            return None
        close = {name: owner for owner in self.loaded for name in owner.known if name.startswith(word)}
        if len({id(owner.known[name]) for name, owner in close.items()}) != 1:
            return None
        name, owner = next(iter(close.items()))
        return _found(owner, name)

    def _implicit(self, word: str) -> Found | None:
        """``-p tcp --dport 80`` loads tcp when its first option is seen."""
        if self.protocol is None:
            return None
        name = protocol_name(self.protocol)
        name = _MATCH_OF_PROTOCOL.get(name, name)
        cls = MATCHES.find(name)
        if cls is None or self.family not in cls.FAMILIES or any(item.extension is cls for item in self.loaded):
            return None
        owner = Loaded("match", -1, cls, cls.NAME)
        self.loaded.append(owner)
        found = self._resolve(word)
        if found is None:
            self.loaded.remove(owner)
        return found

    def _take_value(self, index: int, word: str) -> None:
        text = unquote(word)
        if self._role == "PROTOCOL":
            try:
                self.protocol = protocol_number(text) or None
            except ValueError:
                self.protocol = None  # the value type says so, with the place
        elif self._role == "MATCH":
            self.owners[index] = self._load("match", index, MATCHES.find(text), text)
        elif self._role == "JUMP":
            target = TARGETS.find(text)
            self.owners[index] = self._load("target" if target else "chain", index, target, text)
        self._role = ""

    def _load(self, kind: str, index: int, cls: type[Extension] | None, name: str) -> Loaded:
        if cls is not None and self.family not in cls.FAMILIES:
            message = f"{name} is an extension of IPv{10 - self.family}; this ruleset is IPv{int(self.family)}"
            raise LineError("IPT017", index, message, hint="--family says which one the dump is")
        loaded = Loaded(kind, index, cls, name)
        self.loaded.append(loaded)
        return loaded

    def _unknown(self, index: int, word: str) -> LineError:
        known = [name for item in self.loaded for name in item.known] + list(_STRUCTURAL)
        near = suggestion(word, known)
        owners = [cls.NAME for cls in MATCHES.all() if word in spellings(cls)]
        hint = near or (f"{word} belongs to -m {owners[0]}, which must stand before it" if owners else "")
        return LineError("IPT012", index, f"option {word} is not known here", hint=hint)


def _found(owner: Loaded, name: str) -> Found:
    declared = owner.known[name]
    return Found(owner, declared, declared.spellings[name])


class OptionClassifier:
    """Lark post-lexer: gives each WORD its token kind.

    ``getopt`` holds what the last line loaded; ``indexes`` maps a token's place to the number of its word.
    """

    always_accept = ("WORD",)

    def __init__(self, family: Family) -> None:
        self.family = family
        self.getopt = Getopt(family)
        self.indexes: dict[int, int] = {}

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Turn WORD tokens into declared kinds; words after ``:CHAIN`` are plain values."""
        self.getopt, self.indexes = Getopt(self.family), {}
        plain = False
        for token in stream:
            plain = plain or token.type in {"CHAIN", "COMMIT", "TABLE"}
            if token.type != "WORD":
                yield token
                continue
            index = len(self.indexes)
            self.indexes[token.start_pos or 0] = index
            kind = "VALUE" if plain else self.getopt.kind(index, str(token))
            yield token.update(type=kind)
