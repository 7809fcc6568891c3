"""The parts of which nearly every line of a dump is made, with the trees that Lark gave them.

To load Lark and make its parser takes longer than to read the dump of a small node. The trees of the usual parts of a
line (by the kinds of their tokens: ``NOT UNARY VALUE``) are therefore kept beside the grammar, in
``grammar/sentences.txt``, and a test asks Lark for every one of them again. To the grammar a line of a rule is its
command with any parts before and behind it, and none of those kept goes on behind its values; so the tree of a line in
which all parts are known holds the trees of these in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Self, cast

from iptc_sim.resources import resource_text

if TYPE_CHECKING:
    from lark import Token, Tree


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

    def __init__(self, data: str, children: list[Node | Word | None]) -> None:
        self.data, self.children = data, children


#: A kept tree: its name, and for each child another one, the number of its token, or None where there is none.
_Kept = tuple[str, tuple["_Kept | int | None", ...]]


@cache
def _trees() -> dict[str, _Kept]:
    """Return the kept trees by the kinds of their tokens."""
    lines = resource_text("grammar", "sentences.txt").splitlines()
    return {
        kinds: _parsed(tree.split()) for kinds, _, tree in (line.partition(": ") for line in lines if line[0] != "#")
    }


def _parsed(items: list[str]) -> _Kept:
    """Take one tree, ``(part - (unary 0 1 ) )``, off the beginning of what is written."""
    name, children = items.pop(0)[1:], list[_Kept | int | None]()
    while items[0] != ")":
        if items[0][0] == "(":
            children.append(_parsed(items))
        else:
            item = items.pop(0)
            children.append(None if item == "-" else int(item))
    del items[0]
    return name, tuple(children)


def known_tree(kinds: Sequence[str], words: Sequence[str]) -> Tree[Token] | None:
    """Return the tree of a line, or None where a part of it is not kept, or it is no line of a rule.

    Args:
        kinds: of its tokens.
        words: the same tokens as they stand in the line.
    """
    trees = _trees()
    if not kinds or kinds[0] == "VALUE":
        return None
    starts = [place for place, kind in enumerate(kinds) if kind != "VALUE" and (not place or kinds[place - 1] != "NOT")]
    parts: list[Node | Word | None] = [None]  # no counters
    commands = 0
    for start, end in zip(starts, [*starts[1:], len(kinds)], strict=True):
        kept = trees.get(" ".join(kinds[start:end]))
        if kept is None:
            return None
        commands += kept[0] == "command"
        parts.append(_built(kept, kinds, words, start))
    return cast("Tree[Token]", Node("line", parts)) if commands == 1 else None


def _built(kept: _Kept, kinds: Sequence[str], words: Sequence[str], start: int) -> Node:
    """Make a kept tree of the tokens from ``start`` on."""
    children: list[Node | Word | None] = []
    for child in kept[1]:
        if child is None:
            children.append(None)
        elif isinstance(child, int):
            place = start + child
            children.append(Word(words[place], kinds[place], place))
        else:
            children.append(_built(child, kinds, words, start))
    return Node(kept[0], children)
