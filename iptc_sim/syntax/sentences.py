"""Sentences of the grammar that stand in nearly every dump, with the trees that Lark gave them.

To load Lark and make its parser takes longer than to read the dump of a small node. The trees of the usual sentences (a
sentence is the kinds of the tokens of a line, ``APPEND VALUE JUMP VALUE``) are therefore kept beside the grammar, in
``grammar/sentences.txt``, and a test asks Lark for every one of them again.
``python -m iptc_sim.syntax.sentences FILE...`` prints those of some dumps.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, Self, cast

from iptc_sim.resources import resource_text

if TYPE_CHECKING:
    from lark import Token, Tree

#: In how many of the dumps given a sentence must stand to be printed.
_USUAL: Final = 3


class Word(str):
    """What stands for a Lark token: a word with its kind and its place in the line."""

    __slots__ = ("start_pos", "type")
    type: str
    start_pos: int

    def __new__(cls, text: str, kind: str, place: int) -> Self:
        """Make it of the text, the kind of the token, and the number of the word."""
        made = super().__new__(cls, text)
        made.type, made.start_pos = kind, place
        return made


class Node:
    """What stands for a Lark tree."""

    __slots__ = ("children", "data")

    def __init__(self, data: str) -> None:
        self.data = data
        self.children: list[Node | Word | None] = []


@cache
def _trees() -> dict[str, str]:
    text = resource_text("grammar", "sentences.txt")
    return dict(line.split(": ", 1) for line in text.splitlines() if line and line[0] != "#")


def known_tree(kinds: Sequence[str], words: Sequence[str]) -> Tree[Token] | None:
    """Return the tree of a line, or None where its sentence is not kept.

    Args:
        kinds: of its tokens.
        words: the same tokens as they stand in the line.
    """
    shown = _trees().get(" ".join(kinds))
    if shown is None:
        return None
    root = Node("")
    open_nodes = [root]
    for item in shown.split():
        if item == ")":
            open_nodes.pop()
        elif item == "-":
            open_nodes[-1].children.append(None)
        elif item[0] == "(":
            node = Node(item[1:])
            open_nodes[-1].children.append(node)
            open_nodes.append(node)
        else:
            place = int(item)
            open_nodes[-1].children.append(Word(words[place], kinds[place], place))
    return cast("Tree[Token]", root.children[0])


def written_tree(tree: Tree[Token], places: dict[int, int]) -> str:
    """Return a Lark tree as it is kept.

    Args:
        tree: of a sentence.
        places: from the place of a token to its number.
    """
    parts = [f"({tree.data}"]
    for child in cast("list[Tree[Token] | Token | None]", tree.children):
        if child is None:
            parts.append("-")
        elif isinstance(child, str):
            parts.append(str(places[child.start_pos or 0]))
        else:
            parts.append(written_tree(child, places))
    return " ".join([*parts, ")"])


def sentences(texts: Iterable[str]) -> Counter[str]:
    """Count in how many of some dumps each sentence stands, given with its tree."""
    from iptc_sim.syntax.grammar import parse_line, word_pattern  # noqa: PLC0415 - for making the file only
    from iptc_sim.syntax.words import LineError  # noqa: PLC0415 - likewise
    from iptc_sim.values import Family  # noqa: PLC0415 - likewise

    @cache
    def sentence(line: str) -> str:
        for family in Family:
            try:
                parsed = parse_line(line, family)
            except LineError:
                continue
            tokens = sorted(
                cast("Iterable[Token]", parsed.tree.scan_values(lambda value: value is not None)), key=_place
            )
            if len(tokens) == len(word_pattern().findall(line)):
                places = {token.start_pos or 0: number for number, token in enumerate(tokens)}
                return f"{' '.join(token.type for token in tokens)}: {written_tree(parsed.tree, places)}"
        return ""

    found: Counter[str] = Counter()
    for text in texts:
        found.update({sentence(line) for line in set(text.splitlines()) if line.startswith("-A ")} - {""})
    return found


def _place(token: Token) -> int:
    return token.start_pos or 0


if __name__ == "__main__":
    from pathlib import Path

    counted = sentences(Path(name).read_text(errors="replace") for name in sys.argv[1:])
    sys.stdout.writelines(f"{text}\n" for text in sorted(text for text, count in counted.items() if count >= _USUAL))
