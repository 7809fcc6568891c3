"""The options of an IPv6 options header, as dst and hbh list them (ip6t_hbh.c handles both headers)."""

from __future__ import annotations

from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass

#: The kernel's structure has this many slots (IP6T_OPTS_OPTSNR).
SLOTS = 16
#: Stands in a slot for "any length", so that a length of 255 cannot be asked for.
_ANY_LENGTH = 0xFF


@dataclass(frozen=True, slots=True)
class HeaderOption:
    """One option by its type, with its length or any."""

    type: int
    length: int | None = None

    def __str__(self) -> str:
        return str(self.type) if self.length is None else f"{self.type}:{self.length}"


@dataclass(frozen=True, slots=True)
class HeaderOptions:
    """Options that the header begins with, in this order."""

    options: tuple[HeaderOption, ...]

    def begin(self, data: bytes) -> bool:
        """Whether the options of a header, all that follows its first two bytes, begin with these."""
        place = 0
        for wanted in self.options:
            if place >= len(data) or data[place] != wanted.type:
                return False
            length = data[place + 1] if wanted.type and place + 1 < len(data) else -1
            if wanted.type and (length < 0 or wanted.length not in {None, length}):
                return False
            place += length + 2
        return True

    def __str__(self) -> str:
        return ",".join(map(str, self.options))


class HeaderOptionsType(ValueType[HeaderOptions]):
    """``type[:length]`` up to 16 times, between commas."""

    expected = f"up to {SLOTS} option types, each with :length or without, between commas"

    def read(self, words: tuple[str, ...], context: Reading) -> HeaderOptions:  # noqa: ARG002 - the interface
        """Return the list in the order given."""
        items = words[0].split(",")
        if len(items) > SLOTS:
            raise ValueError(f"it lists {len(items)} options, at most {SLOTS} fit")
        return HeaderOptions(tuple(map(_option, items)))


def _option(text: str) -> HeaderOption:
    kind, separator, length = text.partition(":")
    number = _octet(kind, "option type")
    if separator and not number:
        raise ValueError("the option 0 (padding by one byte) has no length")
    size = _octet(length, "option length") if separator else _ANY_LENGTH
    return HeaderOption(number, None if size == _ANY_LENGTH else size)


def _octet(text: str, what: str) -> int:
    number = parse_integer(text.removeprefix("-"))
    if number is None or number >> 64:
        raise ValueError(f"{text or 'an empty word'} is not an {what}")
    # Larger and negative numbers are taken and cut to the byte that the header has.
    return (-number if text.startswith("-") else number) & 0xFF
