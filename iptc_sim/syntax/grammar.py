"""The Lark grammar of a dump line: loading it, and turning its refusals into diagnostics."""

from __future__ import annotations

import re
from _thread import allocate_lock
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from iptc_sim.records import dataclass
from iptc_sim.resources import resource_text
from iptc_sim.syntax.own_options import COMMANDS
from iptc_sim.syntax.sentences import known_tree
from iptc_sim.syntax.words import Found, Getopt, LineError, Piece
from iptc_sim.values import Family

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

_LOCK = allocate_lock()  # the post-lexer keeps the state of the line at hand

_KINDS = {
    "VALUE": "a value",
    "TABLE": "*table",
    "CHAIN": ":CHAIN",
    "COMMIT": "COMMIT",
    "COMMENT": "# comment",
    "MATCH": "-m",
    "JUMP": "-j",
    "GOTO": "-g",
    "NOT": "!",
    "SET_COUNTERS": "-c",
    "COUNTERS": "[packets:bytes]",
    "$END": "the end of the line",
} | dict.fromkeys(COMMANDS, "a command such as -A CHAIN")
_OPTIONS = frozenset(
    {"FLAG", "UNARY", "BINARY", "OPTIONAL", "FOREIGN", "DISPLAY", "OWN_FAMILY", "OTHER_FAMILY", "MODPROBE"}
)


class OptionClassifier:
    """Lark post-lexer: gives each WORD its token kind.

    Attributes:
        getopt: holds what the last line loaded.
        words: of that line.
        indexes: from a token's place to the number of its word.
        skips: from a token's place to the characters before a value that is glued to its option.
        found: from a token's place to the option that it is.
    """

    always_accept = ("WORD",)

    def __init__(self, family: Family) -> None:
        self.family = family
        self.begin(strict=False)

    def begin(self, *, strict: bool) -> None:
        """Forget the last line."""
        self.getopt = Getopt(self.family, strict=strict)
        self.words: list[str] = []
        self.indexes: dict[int, int] = {}
        self.skips: dict[int, int] = {}
        self.found: dict[int, Found] = {}

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Turn WORD tokens into declared kinds; words after ``:CHAIN`` are plain values."""
        plain = False
        for token in stream:
            plain = plain or token.type in {"CHAIN", "COMMIT", "TABLE"}
            if token.type != "WORD":
                yield token
                continue
            index = len(self.words)
            self.words.append(str(token))
            place = token.start_pos or 0
            self.indexes[place] = index
            pieces = (Piece("VALUE"),) if plain else self.getopt.pieces(index, str(token))
            for number, piece in enumerate(pieces, place):  # a word of several pieces has as many characters
                self.indexes[number] = index
                if piece.skip:
                    self.skips[number] = piece.skip
                if piece.found:
                    self.found[number] = piece.found
                yield type(token)(piece.kind, piece.letter or str(token), number)


@cache
def _parser(family: Family) -> tuple[Lark, OptionClassifier]:
    from lark import Lark  # noqa: PLC0415 - 80 ms that only reading a dump needs

    classifier = OptionClassifier(family)
    text = resource_text("grammar", "dump.lark")
    lark = Lark(text, parser="lalr", lexer="contextual", postlex=classifier, maybe_placeholders=True)
    return lark, classifier


@cache
def word_pattern() -> re.Pattern[str]:
    """Return the grammar's WORD as a compiled pattern."""
    return _terminal("WORD")


@cache
def counters_pattern() -> re.Pattern[str]:
    """Return the grammar's COUNTERS, ``[packets:bytes]`` at the beginning of a line, as a compiled pattern."""
    return _terminal("COUNTERS")


def _terminal(name: str) -> re.Pattern[str]:
    """Take the pattern of a terminal out of the grammar, without loading Lark."""
    text = resource_text("grammar", "dump.lark")
    found = re.search(rf"^{name}(?:\.\d+)?[ ]*: /(.*)/s?$", text, re.MULTILINE)
    if found is None:
        raise AssertionError(f"the grammar has no terminal {name}")
    return re.compile(found[1], re.DOTALL)


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """One line as Lark sees it.

    Args:
        tree: the syntax tree.
        getopt: the extensions and options found on it.
        words: as they stand on the line.
        indexes: from a token's place in the line to the number of its word.
        skips: from the place of a value that is glued to its option to the characters before it.
        found: from a token's place to the option that it is.
    """

    tree: Tree[Token]
    getopt: Getopt
    words: list[str]
    indexes: dict[int, int]
    skips: dict[int, int]
    found: dict[int, Found]


def parse_line(line: str, family: Family, *, strict: bool = False) -> ParsedLine:
    """Parse one line (without its newline).

    Args:
        line: to parse.
        family: of the ruleset.
        strict: whether to read it as iptables-restore does: what is not one of its extensions is refused, and a quote
            that is not closed takes the rest of the line. Else the first is kept word for word, the second refused.

    Raises:
        LineError: it is no line of a dump; the error names the word.
    """
    from lark import Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken  # noqa: PLC0415 - see _parser

    lark, classifier = _parser(family)
    with _LOCK:
        classifier.begin(strict=strict)
        try:
            tree = lark.parse(line)
            if not isinstance(tree, Tree):  # a rule of one token, inlined by `?start`
                raise AssertionError(f"the grammar gave {tree!r}")
            seen = classifier
            return ParsedLine(tree, seen.getopt, seen.words, seen.indexes, seen.skips, seen.found)
        except UnexpectedCharacters as error:
            position = int(getattr(error, "pos_in_stream", None) or 0)
            raise LineError("IPT010", len(classifier.words), f"{line[position]!r} cannot stand here") from error
        except UnexpectedToken as error:
            ended = error.token.type == "$END"
            count = len(classifier.words)
            index = count if ended else classifier.indexes.get(error.token.start_pos or 0, count)
            raise _refusal(line, index, "" if ended else classifier.words[index], error.accepts or set()) from error
        except UnexpectedInput as error:
            raise LineError("IPT010", 0, "the line cannot be read") from error


def parse_words(words: list[str], family: Family, *, strict: bool = False) -> ParsedLine | None:
    """Parse the words of a rule without Lark; None where the tree of a part is not kept, or anything is wrong.

    Args:
        words: of the line, without ``[packets:bytes]``.
        family: of the ruleset.
        strict: as for :func:`parse_line`.
    """
    getopt = Getopt(family, strict=strict)
    kinds: list[str] = []
    texts: list[str] = []
    found: dict[int, Found] = {}
    for index, word in enumerate(words):
        try:
            pieces = getopt.pieces(index, word)
        except LineError:
            return None  # Lark may find something wrong before it
        if len(pieces) != 1 or pieces[0].skip:
            return None
        kinds.append(pieces[0].kind)
        texts.append(pieces[0].letter or word)
        if pieces[0].found:
            found[index] = pieces[0].found
    tree = known_tree(kinds, texts)
    return None if tree is None else ParsedLine(tree, getopt, words, dict(enumerate(range(len(words)))), {}, found)


def _refusal(line: str, index: int, word: str, accepts: set[str]) -> LineError:
    names = sorted({_KINDS.get(kind, "an option") for kind in accepts if kind not in _OPTIONS})
    if accepts & _OPTIONS:
        names.append("an option")
    expected = ", ".join(names)
    if index == 0 and line[:1] == "[":
        return LineError("IPT013", 0, f"{word or line} are not counters", "[packets:bytes] before a rule")
    if index == 0 and word[:1] not in {"-", "!"} and not line.startswith((":", "*")):
        hint = "a dump is what iptables-save or iptables -S prints; iptables -L does not print rules"
        return LineError(
            "IPT010", 0, f"this is not a line of a dump: it begins with {word or 'nothing'}", expected, hint
        )
    if word == "!" and "VALUE" not in accepts:
        return LineError("IPT014", index, "! cannot stand after !", expected)
    if word:
        return LineError("IPT010", index, f"{word} cannot stand here", expected)
    if "VALUE" in accepts:
        return LineError("IPT013", index, "the line ends where a value must follow", expected)
    if "APPEND" in accepts:
        return LineError("IPT010", 0, "the line has no command", expected)
    return LineError("IPT013", index, "the line ends where something must follow", expected)
