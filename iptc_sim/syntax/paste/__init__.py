"""Text that people paste: what a terminal, a log, a web page or a script put around the lines of iptables.

:func:`needs_cleaning` tells whether there is anything to do; :func:`clean` gives the lines as iptables-restore or
``iptables -S`` would have had them, and one warning for each kind of damage. A line that is nothing known stays as it
is: whoever reads it next says what is wrong with it, at its place.
"""

from __future__ import annotations

import re
from typing import Final

from iptc_sim.diagnostics import SourceFile
from iptc_sim.syntax.paste.lines import Pasted, PastedLine, lines_with, without_comment
from iptc_sim.values import Family

__all__ = ["Pasted", "PastedLine", "clean", "needs_cleaning"]

#: How a line begins that iptables prints or iptables-restore takes; a comment that looks like a command is looked at.
_PRINTED: Final = (
    r"(?!-[A-Z][ \n]|[:*\n]|--[a-z]|-[46] |\[\d|COMMIT(?:\n|\Z)|\Z"
    r"|#(?![ ]?(?:sudo|\S*ip6?tables[ -]|Warning: ip6?tables)))"
)
#: The end of a line with blanks before it, or with another line behind it. It begins with the newline itself, which the
#: search goes through the text for: 15 ms in 10 MB.
_ODD_LINE: Final = re.compile(rf"\n(?:{_PRINTED}|(?<=[ \t].))", re.DOTALL)


def needs_cleaning(text: str) -> bool:
    """Tell whether a text has anything that iptables does not print.

    False: every line is as iptables-save or ``iptables -S`` prints it, or is left to its reader; :func:`clean` would
    give it back unchanged.
    """
    if (
        "\r" in text
        or "\x1b" in text
        or _ODD_LINE.match("\n" + text[: text.find("\n") + 1 or None])
        or _ODD_LINE.search(text)
    ):
        return True
    if text.endswith((" ", "\t")) or _has_comment_behind(text):
        return True
    return ("&" in text or "<" in text or not text.isascii()) and _has_odd_characters(text)


def clean(source: SourceFile, *, family: Family | None = None) -> Pasted:
    """Return the lines of a pasted text without what came in around them; nothing is raised.

    Args:
        source: the text.
        family: the family meant, where a script has commands for both; None: that of the first command.
    """
    from iptc_sim.syntax.paste.cleaner import Cleaner  # noqa: PLC0415 - its patterns take longer than reading a dump

    return Cleaner(source, family).clean()


def _has_comment_behind(text: str) -> bool:
    return any(without_comment(line) != line for line in lines_with(text, "#"))


def _has_odd_characters(text: str) -> bool:
    from iptc_sim.syntax.paste.characters import SUSPECTS, is_damaged, is_html  # noqa: PLC0415 - see clean

    return is_html(text) or any(
        is_damaged(line) for suspect in SUSPECTS if suspect in text for line in lines_with(text, suspect)
    )
