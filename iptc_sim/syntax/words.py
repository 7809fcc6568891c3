"""Words of a line, and which of them are options: what getopt_long and libxtables do, asked of the declarations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from iptc_sim.builtin import BaseMatch
from iptc_sim.diagnostics import suggestion
from iptc_sim.extension import Extension, spellings
from iptc_sim.matches import MATCHES
from iptc_sim.options import Option, ValueType
from iptc_sim.protocols import parse_integer, protocol_name, protocol_number
from iptc_sim.records import dataclass, field
from iptc_sim.syntax.own_options import LONG, SHORT, Own
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)("|\\?\Z)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_KIND_OF_WORDS: Final = ("FLAG", "UNARY", "BINARY")

#: iptables-restore has room for so many words of a line (measured: 255 with those that it adds itself) ...
MAX_WORDS: Final = 251
#: ... and for so many bytes of one.
MAX_WORD: Final = 1023

#: What is quoted in a message of an error is cut off there (characters).
_LONGEST: Final = 300

#: ... and for so many of the name of a chain or target (``XT_EXTENSION_MAXNAMELEN`` less the terminator).
MAX_NAME: Final = 28


def unquote(word: str) -> str:
    """Return the word as iptables-restore sees it: quotes gone, escapes inside quotes resolved.

    A quote that is not closed takes the newline too.
    """
    if '"' not in word:
        return word
    if "\\" not in word and word[0] == '"' == word[-1] and word.count('"') == 2:
        return word[1:-1]
    return _QUOTED.sub(_unquoted, word)


def _unquoted(found: re.Match[str]) -> str:
    return _ESCAPE.sub(r"\1", found[1]) + ("" if found[2] == '"' else "\n")


def is_unterminated(word: str) -> bool:
    """Whether a quote is opened in the word and not closed."""
    found = _QUOTED.search(word) if '"' in word else None
    return found is not None and found[2] != '"'


def check_limits(words: list[str]) -> None:
    """Refuse more words, or longer ones, than iptables-restore has room for.

    Raises:
        LineError: so it is.
    """
    if len(words) > MAX_WORDS:
        raise LineError("IPT010", MAX_WORDS, f"the line has {len(words)} words; iptables reads {MAX_WORDS}")
    for index, word in enumerate(words):
        size = len(unquote(word).encode(errors="surrogateescape")) if len(word) > MAX_WORD // 4 else 0
        if size > MAX_WORD:
            raise LineError("IPT010", index, f"this word has {size:,} bytes; iptables reads {MAX_WORD:,}")


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
        message = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}..."
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
    known: Mapping[str, tuple[Option, ValueType[Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.extension is not None:
            self.known = _known(self.extension)


_SPELLINGS: Final[dict[type[Extension], Mapping[str, tuple[Option, ValueType[Any]]]]] = {}


def _known(extension: type[Extension]) -> Mapping[str, tuple[Option, ValueType[Any]]]:
    """Return its spellings, the same objects for every line."""
    if extension not in _SPELLINGS:
        _SPELLINGS[extension] = spellings(extension)
    return _SPELLINGS[extension]


@dataclass(frozen=True, slots=True)
class Found:
    """An option word that was recognised: whose it is, how its values are read, and which ``-p`` stands before it."""

    owner: Loaded
    option: Option
    kind: ValueType[Any]
    protocol: int | None = None
    other_than: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """What one word is, or one of the things that it is: ``-vA`` are two options, ``--dport=80`` is option and value.

    Args:
        kind: of the token.
        skip: how many characters of the word stand before a value.
        letter: the short form of one of iptables' own options.
        found: an option of the conditions.
    """

    kind: str
    skip: int = 0
    letter: str = ""
    found: Found | None = None


_VALUE: Final = (Piece("VALUE"),)
_NOT: Final = (Piece("NOT"),)
_BARE: Final = (Piece("BARE"),)
_OF_IPTABLES: Final = {own.letter: Piece(own.kind, letter=f"-{own.letter}") for own in SHORT.values()}


class Getopt:
    """Sorts the words of one line into token kinds, loading extensions as ``-m``, ``-p`` and ``-j`` name them.

    Args:
        family: of the ruleset.
        strict: whether what is unknown is refused as iptables refuses it; else it is kept word for word.

    Attributes:
        protocol: number after ``-p``, None where ``!`` stands before it.
        other_than: number after ``! -p``.
        glued: whether a value stands in one word with its option; the shape of such a line is not worth storing.
    """

    def __init__(self, family: Family, *, strict: bool = False) -> None:
        self.family, self.strict = family, strict
        self.loaded: list[Loaded] = [Loaded("base", -1, BaseMatch, "")]
        self.options: dict[int, Found] = {}
        self.owners: dict[int, Loaded] = {}
        self.protocol: int | None = None
        self.other_than: int | None = None
        self.glued = False
        self._protocol_name = ""
        self._role = ""
        self._needed = 0  # values that must follow, whatever they look like
        self._allowed = 0  # values that follow where they do not look like options
        self._negated = False
        self._foreign = False
        self._rest: tuple[Piece, ...] | None = None  # what every further word is

    def pieces(self, index: int, word: str) -> tuple[Piece, ...]:
        """Return what the next word is; nothing for what iptables does not look at.

        Raises:
            LineError: the option is not known, or the extension is not of this family.
        """
        if self._rest is not None:
            return self._rest
        if not self.strict and is_unterminated(word):
            raise LineError("IPT011", index, "the quote opened here is never closed", expected='a closing "')
        text = unquote(word)
        if self._needed or (self._allowed and text[:1] not in {"-", "!"}):
            return self._next_value(index, text)
        self._allowed = 0
        if text == "!":
            self._negated = True
            return _NOT
        negated, self._negated = self._negated, False
        if text == "--":
            self._rest = _BARE
            return ()
        if text[:1] != "-" or len(text) == 1:
            return _VALUE if self._foreign else _BARE
        self._foreign = False
        return self._long(index, text, negated=negated) if text[1] == "-" else self._short(index, text, negated=negated)

    def _next_value(self, index: int, text: str) -> tuple[Piece, ...]:
        if self._needed:
            self._needed -= 1
        else:
            self._allowed -= 1
        self._take_value(index, text)
        return _VALUE

    def _long(self, index: int, text: str, *, negated: bool) -> tuple[Piece, ...]:
        name, equals, value = text.partition("=")
        found = self._resolve(name) or self._implicit(name)
        if found is None or (equals and isinstance(found, Found) and found.kind.optional):
            return self._not_known(index, text)
        piece = self._own(index, found) if isinstance(found, Own) else self._option(index, found, negated=negated)
        if not equals:
            return (piece,)
        return piece, self._glued(index, text, value, text, name=name)

    def _short(self, index: int, text: str, *, negated: bool) -> tuple[Piece, ...]:
        pieces: list[Piece] = []
        for place, letter in enumerate(text[1:], 1):
            found = SHORT.get(letter) or self._find(self.loaded[0], f"-{letter}")
            if found is None:
                return self._not_known(index, text)
            pieces.append(
                self._own(index, found) if isinstance(found, Own) else self._option(index, found, negated=negated)
            )
            if self._rest is not None or not text[place + 1 :]:
                break
            if self._needed or self._allowed:
                pieces.append(self._glued(index, text, text[place + 1 :], text, name=text[: place + 1]))
                break
        return tuple(pieces)

    def _glued(self, index: int, text: str, value: str, whole: str, *, name: str) -> Piece:
        """Return the value that stands in one word with its option.

        For its own options iptables 1.8.9 takes the whole word instead of the value: ``-s1.2.3.4`` is the host
        "-s1.2.3.4", ``-ieth0`` the interface "-ieth0".
        """
        if not (self._needed or self._allowed):
            raise LineError("IPT012", index, f"option {name} takes no value")
        self.glued = True
        found = self.options.get(index)
        takes_all = self._role == "JUMP" or (found is not None and found.owner.extension is BaseMatch)
        self._next_value(index, whole if takes_all else value)
        return Piece("VALUE", 0 if takes_all else len(text) - len(value))

    def _own(self, index: int, own: Own) -> Piece:
        if own.refused:
            raise LineError("IPT010", index, own.refused)
        if own.kind in {"IPV4", "IPV6"}:
            same = own.kind == f"IPV{int(self.family)}"
            self._rest = None if same else ()
            return Piece("OWN_FAMILY" if same else "OTHER_FAMILY", letter=f"-{own.letter}")
        self._role, self._needed, self._allowed = own.kind, own.needed, own.allowed
        return _OF_IPTABLES[own.letter]

    def _option(self, index: int, found: Found, *, negated: bool) -> Piece:
        kind, declared = found.kind, found.option
        if found.owner.extension is BaseMatch and declared.field == "fragment" and self.family is Family.IPV6:
            raise LineError("IPT017", index, "-f is of IPv4 only", hint="IPv6 has -m frag")
        self.options[index] = found
        is_protocol = found.owner.extension is BaseMatch and declared.field == "protocol"
        self._role = ("OTHER_THAN" if negated else "PROTOCOL") if is_protocol else ""
        if kind.optional:
            self._allowed = kind.words
            return Piece("OPTIONAL", found=found)
        self._needed, self._allowed = min(kind.words, 1), max(kind.words - 1, 0)
        return Piece(_KIND_OF_WORDS[kind.words], found=found)

    def _not_known(self, index: int, text: str) -> tuple[Piece, ...]:
        foreign = next((item for item in reversed(self.loaded) if item.extension is None), None)
        if foreign is None or self.strict:
            raise self._unknown(index, text)
        self.owners[index] = foreign
        self._foreign = True
        return (Piece("FOREIGN"),)

    def _resolve(self, name: str) -> Own | Found | None:
        """Find a long option by its name, then by an unambiguous beginning of it.

        Of equal names iptables' own go first, then those of the extension named last; naming one again changes nothing
        about that. A beginning is clear where all that begin so are one option (``--source`` and ``--src``).
        """
        exact = LONG.get(name)
        if exact is not None:
            return exact
        if name in self.loaded[0].known:
            return self._find(self.loaded[0], name)
        first = {item.extension or item.name: item for item in self.loaded[1:]}  # by when it was loaded first
        for owner in reversed(first.values()):
            if name in owner.known:
                return self._find(owner, name)
        close: dict[object, Own | Found | None] = {own: own for known, own in LONG.items() if known.startswith(name)}
        for owner in self.loaded:
            for known, (declared, kind) in owner.known.items():
                if known.startswith(name):
                    close[id(declared), id(kind)] = self._find(owner, known)
        return next(iter(close.values())) if len(close) == 1 and name != "--" else None

    def _find(self, owner: Loaded, name: str) -> Found | None:
        known = owner.known.get(name)
        return None if known is None else Found(owner, known[0], known[1], self.protocol, self.other_than)

    def _implicit(self, name: str) -> Own | Found | None:
        """``-p tcp --dport 80`` loads tcp when its first option is seen: the match called as the protocol is."""
        cls = MATCHES.find(self._protocol_name)
        if cls is None or self.family not in cls.FAMILIES or any(item.extension is cls for item in self.loaded):
            return None
        owner = Loaded("match", -1, cls, cls.NAME)
        self.loaded.append(owner)
        found = self._resolve(name)
        if found is None:
            self.loaded.remove(owner)
        return found

    def _take_value(self, index: int, text: str) -> None:
        role, self._role = self._role, ""
        if not role:
            return
        if role in {"PROTOCOL", "OTHER_THAN"}:
            self._take_protocol(text, negated=role == "OTHER_THAN")
        elif role == "MATCH":
            self.owners[index] = self._load("match", index, MATCHES.find(text), text)
        elif role == "GOTO":
            _check_target_name(index, text)
        elif role == "JUMP":
            _check_target_name(index, text)
            target = TARGETS.find(text)
            self.owners[index] = self._load("target" if target else "chain", index, target, text)
        elif role == "SET_COUNTERS" and "," in text[1:]:
            self._allowed = 0

    def _take_protocol(self, text: str, *, negated: bool) -> None:
        try:
            number = protocol_number(text)
        except ValueError:
            return  # the value type says so, with the place
        numeric = parse_integer(text) is not None
        self._protocol_name = protocol_name(number) if numeric else text.lower()
        if negated:
            self.other_than = number or None
        else:
            self.protocol = number or None

    def _load(self, kind: str, index: int, cls: type[Extension] | None, name: str) -> Loaded:
        if cls is not None and self.family not in cls.FAMILIES:
            message = f"{name} is an extension of IPv{10 - self.family}; this ruleset is IPv{int(self.family)}"
            raise LineError("IPT017", index, message, hint="--family says which one the dump is")
        if cls is None and kind == "match" and self.strict:
            near = suggestion(name, [item.NAME for item in MATCHES.all()])
            raise LineError(
                "IPT018", index, f"-m {name or 'with an empty name'} is not one of iptables 1.8.9", hint=near
            )
        loaded = Loaded(kind, index, cls, name)
        self.loaded.append(loaded)
        return loaded

    def _unknown(self, index: int, word: str) -> LineError:
        known = [name for item in self.loaded for name in item.known] + list(LONG)
        near = suggestion(word, known)
        owners = [cls.NAME for cls in MATCHES.all() if word in spellings(cls)]
        hint = near or (f"{word} belongs to -m {owners[0]}, which must stand before it" if owners else "")
        return LineError("IPT012", index, f"option {word} is not known here", hint=hint)


def _check_target_name(index: int, name: str) -> None:
    """Refuse what ``-j`` and ``-g`` refuse whether or not there is such a target or chain (``xt_parse_target``)."""
    if not name:
        raise LineError("IPT023", index, "the target name is empty")
    size = len(name.encode(errors="surrogateescape"))
    if size > MAX_NAME:
        raise LineError("IPT023", index, f"target name {name} has {size} bytes, at most {MAX_NAME} fit")
    if any(blank in name for blank in " \t\n\v\f\r"):
        raise LineError("IPT023", index, f"a target name cannot have blanks in it: {name!r}")
