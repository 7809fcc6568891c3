"""The Lark grammar of a dump line: loading it, and turning its refusals into diagnostics."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from iptc_sim.resources import resource
from iptc_sim.syntax.words import Getopt, LineError, OptionClassifier
from iptc_sim.values import Family

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

_LOCK = Lock()  # the post-lexer keeps the state of the line at hand

_KINDS = {
    "VALUE": "a value",
    "APPEND": "-A CHAIN",
    "POLICY": "-P CHAIN",
    "NEW": "-N CHAIN",
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
}
_OPTIONS = frozenset({"FLAG", "UNARY", "BINARY", "FOREIGN"})


@cache
def _parser(family: Family) -> tuple[Lark, OptionClassifier]:
    from lark import Lark  # noqa: PLC0415 - 80 ms that only reading a dump needs

    classifier = OptionClassifier(family)
    text = resource("grammar", "dump.lark").read_text(encoding="utf-8")
    lark = Lark(text, parser="lalr", lexer="contextual", postlex=classifier, maybe_placeholders=True)
    return lark, classifier


@cache
def word_pattern() -> re.Pattern[str]:
    """Return the grammar's WORD as a compiled pattern; a stray quote is a word of its own, which the parser refuses."""
    lark, _ = _parser(Family.IPV4)
    return re.compile(lark.get_terminal("WORD").pattern.to_regexp() + '|"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """One line as Lark sees it.

    Args:
        tree: the syntax tree.
        getopt: the extensions and options found on it.
        indexes: from a token's place in the line to the number of its word.
    """

    tree: Tree[Token]
    getopt: Getopt
    indexes: dict[int, int]


def parse_line(line: str, family: Family) -> ParsedLine:
    """Parse one line (without its newline).

    Raises:
        LineError: it is no line of a dump; the error names the word.
    """
    from lark import Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken  # noqa: PLC0415 - see _parser

    lark, classifier = _parser(family)
    with _LOCK:
        try:
            tree = lark.parse(line)
            if not isinstance(tree, Tree):  # a rule of one token, inlined by `?start`
                raise AssertionError(f"the grammar gave {tree!r}")
            return ParsedLine(tree, classifier.getopt, classifier.indexes)
        except UnexpectedCharacters as error:
            raise _unterminated(
                line, int(getattr(error, "pos_in_stream", None) or 0), len(classifier.indexes)
            ) from error
        except UnexpectedToken as error:
            ended = error.token.type == "$END"
            count = len(classifier.indexes)
            index = count if ended else classifier.indexes.get(error.token.start_pos or 0, count)
            raise _refusal(line, index, "" if ended else str(error.token), error.accepts or set()) from error
        except UnexpectedInput as error:
            raise LineError("IPT010", 0, "the line cannot be read") from error


def _unterminated(line: str, position: int, index: int) -> LineError:
    if '"' in line[position : position + 1] or line[position:].count('"') % 2:
        return LineError("IPT011", index, "the quote opened here is never closed", expected='a closing "')
    return LineError("IPT010", index, f"{line[position]!r} cannot stand here")


def _refusal(line: str, index: int, word: str, accepts: set[str]) -> LineError:
    names = sorted({_KINDS.get(kind, "an option") for kind in accepts if kind not in _OPTIONS})
    if accepts & _OPTIONS:
        names.append("an option")
    expected = ", ".join(names)
    if index == 0 and not line.startswith((":", "*")):
        hint = "a dump is what iptables-save or iptables -S prints; iptables -L does not print rules"
        return LineError(
            "IPT010", 0, f"this is not a line of a dump: it begins with {word or 'nothing'}", expected, hint
        )
    if not word:
        return LineError("IPT013", index, "the line ends where a value must follow", expected)
    return LineError("IPT010", index, f"{word} cannot stand here", expected)
