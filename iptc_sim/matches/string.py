"""``-m string``: bytes that the packet contains (xt_string.c)."""

from __future__ import annotations

import re

from iptc_sim.constraint import Asked, Constraint
from iptc_sim.extension import extension
from iptc_sim.match import YES, No, Outcome, Unclear
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.records import dataclass
from iptc_sim.value_types.choice import Choice
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable

#: The kernel's structure holds this many bytes (XT_STRING_MAX_PATTERN_SIZE).
LENGTH = 128
OFFSET = Integer(0, 0xFFFF)
_HEX_PAIR = re.compile(r"[0-9A-Fa-f]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The bytes to look for."""

    data: bytes

    @property
    def is_text(self) -> bool:
        """Whether ``--string`` can print it: ASCII only, and no backslash at the end."""
        return all(0x20 <= byte < 0x7F for byte in self.data) and not self.data.endswith(b"\\")

    def __str__(self) -> str:
        return self.data.decode("ascii") if self.is_text else f"|{self.data.hex()}|"


class PatternType(ValueType[Pattern]):
    """A string of 1 to 128 bytes, always printed in quotes."""

    expected = f"a string of 1 to {LENGTH} bytes"

    def read(self, words: tuple[str, ...], context: Reading) -> Pattern:  # noqa: ARG002 - the interface
        """Return the bytes."""
        data = self.data(words[0])
        if not 1 <= len(data) <= LENGTH:
            raise ValueError(f"it has {len(data)} bytes, only 1 to {LENGTH} can be looked for")
        return Pattern(data)

    def data(self, text: str) -> bytes:
        """Return the bytes that the word stands for.

        Raises:
            ValueError: it stands for none.
        """
        return text.encode()

    def write(self, value: Pattern) -> tuple[str, ...]:
        """Return the pattern in quotes; only ``"`` and the backslash are escaped."""
        return ('"' + re.sub(r'(["\\])', r"\\\1", str(value)) + '"',)


class HexPatternType(PatternType):
    r"""A string with one ``|hex|`` block or several; ``\`` takes the next character as it is."""

    expected = f"a string of 1 to {LENGTH} bytes, with hex digits between two |"

    def data(self, text: str) -> bytes:
        """Return the bytes."""
        found, index = bytearray(), 0
        while index < len(text):
            if text[index] == "|":
                block, end, _ = text[index + 1 :].partition("|")
                if not end:
                    raise ValueError("a | opens a block of hex digits that is not closed")
                found += _block(block)
                index += len(block) + 2
                if text[index : index + 1] == "|":  # 1.8.9 takes this one as it stands, and then misreads the rest
                    raise ValueError("a | stands right behind a block of hex digits")
                continue
            index += text[index] == "\\" and index + 1 < len(text)
            found += text[index].encode()
            index += 1
        return bytes(found)


def _block(text: str) -> bytes:
    """Read pairs of hex digits; one blank may stand before each pair and at the end."""
    found, index = bytearray(), 0
    while index < len(text):
        index += text[index] == " "
        pair = _HEX_PAIR.match(text, index)
        if pair is None and index == len(text):
            break
        if pair is None:
            raise ValueError(f"{text[index : index + 2]} are not two hex digits")
        found.append(int(pair[0], 16))
        index += 2
    if not found:
        raise ValueError("a block of hex digits is empty")
    return bytes(found)


@extension
class String(HeaderMatch):
    """Looks between two offsets of the packet, from its network header on."""

    NAME = "string"

    text: Negatable[Pattern] | None = option(PatternType(), "--string", negatable=True)
    hex_text: Negatable[Pattern] | None = option(HexPatternType(), "--hex-string", negatable=True)
    algorithm: str = option(Choice(("bm", "kmp")), "--algo", required=True)
    first: int = option(OFFSET, "--from", default=0, hidden=0)
    last: int = option(OFFSET, "--to", default=0xFFFF, hidden=0xFFFF)
    icase: bool = flag("--icase")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Keep the pattern where it is printed: what can be read as text stands in ``--string``."""
        given = fields.get("text"), fields.get("hex_text")
        if None in given:
            wanted = given[0] or given[1]
            if isinstance(wanted, Negatable):
                fields["text"], fields["hex_text"] = (wanted, None) if wanted.value.is_text else (None, wanted)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or two patterns, and offsets the wrong way round."""
        if (self.text is None) == (self.hex_text is None):
            raise ValueError("-m string needs --string or --hex-string, and not both")
        if self.first > self.last:  # string_mt_check
            raise ValueError(f"--from {self.first} is behind --to {self.last}")

    def judge(self, at: Moment) -> Outcome:
        """Look for the bytes from ``--from`` on; they must end before ``--to``.

        Both algorithms find the same, in a packet that lies in one piece in the kernel's memory.
        """
        wanted = self.text or self.hex_text
        if wanted is None:
            return YES
        octets = self.octets(at)
        pattern, data = wanted.value.data, octets.data[self.first : self.last]
        if self.icase:
            pattern, data = _upper(pattern), _upper(data)
        there = pattern in data
        if any(start < self.last and end > self.first for start, end in octets.unknown):
            return Unclear(self, f"{self.option_text(self._field)}: bytes that it looks at are not known")
        if there != wanted.negated:
            return YES
        return No(self, self._field, "the packet holds it" if there else "the packet does not hold it")

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say that bytes are looked for, those of the headers included."""
        return self.free(self._field, None, self.first, self.last, self.icase)

    @property
    def _field(self) -> str:
        return "hex_text" if self.text is None else "text"


def _upper(data: bytes) -> bytes:
    """Return the bytes in capitals, as the kernel's table has them: that of Latin-1."""
    return bytes(byte - 0x20 if _is_small(byte) else byte for byte in data)


def _is_small(byte: int) -> bool:
    return 0x61 <= byte <= 0x7A or (byte >= 0xDF and byte != 0xF7)
