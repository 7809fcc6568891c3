"""Strings, and how iptables-save quotes them."""

from __future__ import annotations

import re

from iptc_sim.options import Reading, ValueType

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def quoted(text: str) -> str:
    """Return a string as libxtables' ``xtables_save_string`` prints it: bare if it may be, else quoted and escaped."""
    if _BARE.fullmatch(text):
        return text
    return '"' + re.sub(r'(["\\\'])', r"\\\1", text) + '"'


class Text(ValueType[str]):
    """A string of ``least`` bytes or more.

    ``limit`` of them are kept as the kernel's structure has no more, or more are refused if ``strict``.
    """

    def __init__(self, expected: str, limit: int, *, strict: bool = False, quote: bool = True, least: int = 0) -> None:
        self.expected, self.limit, self.strict, self.quote, self.least = expected, limit, strict, quote, least

    def read(self, words: tuple[str, ...], context: Reading) -> str:  # noqa: ARG002 - the interface
        """Return the string."""
        data = words[0].encode()
        if len(data) < self.least:
            raise ValueError("the text is empty")
        if len(data) > self.limit:
            if self.strict:
                raise ValueError(f"it has {len(data)} bytes, at most {self.limit} fit")
            return data[: self.limit].decode(errors="ignore")
        return words[0]

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return bare and quoted words without escapes."""
        longest = min(self.limit, 255)
        if self.strict:
            return rf"[!#-~]{{1,{longest}}}"
        return rf'(?:[^\s"]{{1,{longest}}}|"[^"\\\n]{{{self.least},{longest}}}")'

    def write(self, value: str) -> tuple[str, ...]:
        """Return the word, quoted where the option's printer does so."""
        return (quoted(value) if self.quote else value,)
