"""Characters that a web page, a word processor or a terminal put in place of the ones iptables printed.

Between double quotes every character may be iptables' own (a comment is printed as it was given); there nothing is
touched. Every pattern is possessive or made of single characters: a line costs a fixed number of passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from iptc_sim.syntax.paste.lines import lines_with
from iptc_sim.syntax.paste.notes import COLOURS, HTML, SPACES, TYPOGRAPHY

_QUOTED: Final = re.compile(r'("(?:[^"\\]++|\\.)*+")', re.DOTALL)
_COLOUR: Final = re.compile(r"\x1b(?:\[[0-9;?]*+[@-~]|\][^\x07\x1b]*+(?:\x07|\x1b\\)?|[()][A-Z0-9]|[=>])?")

_NAMES: Final = {"lt": "<", "gt": ">", "quot": '"', "apos": "'", "#39": "'", "#34": '"', "nbsp": " "}
#: ``&lt;``, and ``&amp;lt;`` where it was escaped twice.
_ESCAPE: Final = re.compile(r"&(?:(?:amp;)++(?:(lt|gt|quot|apos|#39|#34|nbsp);)?|(lt|gt|quot|apos|#39|#34|nbsp);)")
_TAG: Final = re.compile(r"</?(?:br|p|pre|code|div|span|li|td|tr|b|i|em|strong)(?![\w-])[^<>\n]*+>", re.IGNORECASE)
#: An escape in a mask is damage between quotes, too: ``--u32 "0x4&amp;0x1fff=0x1"``.
_MASK: Final = "&amp;0x"

_DOUBLE: Final = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'))
_SINGLE: Final = re.compile('(?<!\\S)[\u2018\u201a\u201b]([^\u2018\u2019"]*+)\u2019(?!\\S)')
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_DASH: Final = re.compile(rf"(?<!\S)-?[{_DASHES}][-{_DASHES}]*+(?=[A-Za-z])([A-Za-z](?!\S))?")
_BLANKS: Final = "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
_NOTHING: Final = "\u200b\u200c\u200d\u2060\u00ad\ufeff"
_SPACE_MAP: Final = str.maketrans(dict.fromkeys(_BLANKS, " ") | dict.fromkeys(_NOTHING, ""))

#: What can be damage, where it stands outside quotes.
SUSPECTS: Final = "\u201c\u201d\u201e\u201f\u2033\u2018\u201a\u201b" + _DASHES + _BLANKS + _NOTHING


def outside_quotes(line: str) -> str:
    """Return the parts of a line that stand outside double quotes."""
    return _QUOTED.sub('""', line) if '"' in line else line


def is_damaged(line: str) -> bool:
    """Tell whether :func:`repair` changes a line that is no HTML."""
    return repair(line, html=False)[0] != line


def is_html(text: str) -> bool:
    """Tell whether a text has HTML escapes or tags outside quotes: then the escapes between quotes are damage, too."""
    return any(_MASK in line or _ESCAPE.search(outside_quotes(line)) for line in lines_with(text, "&")) or any(
        _TAG.search(outside_quotes(line)) for line in lines_with(text, "<")
    )


def repair(line: str, *, html: bool) -> tuple[str, list[str]]:
    """Return the line with plain characters, and the kinds of damage found.

    Args:
        line: without its newline.
        html: whether the text is a piece of HTML (:func:`is_html`).
    """
    kinds: list[str] = []
    for _ in range(4):  # a quote put right can bring more to light; not for ever
        before = line
        for code, step in _STEPS:
            if code != HTML or html:
                changed = step(line)
                if changed != line:
                    kinds.append(code)
                    line = changed
        if line == before or line.isascii():
            break
    return line, kinds


def _without_colours(line: str) -> str:
    return _COLOUR.sub("", line) if "\x1b" in line else line


def _without_html(line: str) -> str:
    """Resolve the escapes everywhere; cut tags off at the ends."""
    if "&" in line:
        line = _ESCAPE.sub(_unescaped, line)
    start, end = 0, len(line)
    while found := _TAG.match(line, start):
        start = found.end()
    while line.endswith(">", start, end):
        opening = line.rfind("<", start, end)
        if opening < 0 or not _TAG.fullmatch(line, opening, end):
            break
        end = opening
    return line[start:end].rstrip(" \t") if end < len(line) else line[start:]


def _with_spaces(line: str) -> str:
    return line if line.isascii() else _outside(line, lambda part: part.translate(_SPACE_MAP))


def _with_quotes(line: str) -> str:
    return line if line.isascii() else _outside(line, lambda part: _SINGLE.sub(r'"\1"', part.translate(_DOUBLE)))


def _with_dashes(line: str) -> str:
    return line if line.isascii() else _outside(line, lambda part: _DASH.sub(_dashes, part))


_STEPS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    (COLOURS, _without_colours),
    (HTML, _without_html),
    (SPACES, _with_spaces),
    (TYPOGRAPHY, _with_quotes),
    (TYPOGRAPHY, _with_dashes),
)


def _outside(line: str, change: Callable[[str], str]) -> str:
    return "".join(part if index % 2 else change(part) for index, part in enumerate(_QUOTED.split(line)))


def _unescaped(found: re.Match[str]) -> str:
    name = found[1] or found[2]
    return _NAMES[name] if name else "&"


def _dashes(found: re.Match[str]) -> str:
    return f"-{found[1]}" if found[1] else "--"
