"""The marks of packets and connections: what to compare them with, and how they change."""

from __future__ import annotations

from typing import Final

from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import parse_integer
from iptc_sim.values import MarkEdit, MaskedMark

_ALL_BITS: Final = 0xFFFFFFFF


def _value_and_mask(text: str) -> tuple[int, int | None]:
    first, slash, second = text.partition("/")
    value, mask = parse_integer(first), parse_integer(second) if slash else None
    if value is None or (slash and mask is None):
        raise ValueError(f"{text} is not a mark")
    if value > _ALL_BITS or (mask or 0) > _ALL_BITS:
        raise ValueError(f"{text} does not fit in 32 bits")
    return value, mask


class MarkType(ValueType[MaskedMark]):
    """``value[/mask]`` to compare with."""

    expected = "a mark value, or value/mask"

    def read(self, words: tuple[str, ...], context: Reading) -> MaskedMark:  # noqa: ARG002 - the interface
        """Return the mark with its mask."""
        value, mask = _value_and_mask(words[0])
        return MaskedMark(value, _ALL_BITS if mask is None else mask)

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return hexadecimal numbers."""
        return r"0x[0-9a-f]{1,8}(?:/0x[0-9a-f]{1,8})?"


class MarkEditType(ValueType[MarkEdit]):
    """One of the five ways to say how a mark changes (libxt_MARK.c)."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.expected = "a mark value, or value/mask" if operation in {"set", "xset"} else "a mark value"

    def read(self, words: tuple[str, ...], context: Reading) -> MarkEdit:  # noqa: ARG002 - the interface
        """Return the edit in the form of ``--set-xmark``."""
        value, mask = _value_and_mask(words[0])
        match self.operation:
            case "xset":
                return MarkEdit(value, _ALL_BITS if mask is None else mask)
            case "set":
                return MarkEdit(value, _ALL_BITS if mask is None else mask | value)
            case _ if mask is not None:
                raise ValueError(f"{words[0]} has a mask, which this option does not take")
            case "and":
                return MarkEdit(0, ~value & _ALL_BITS)
            case "or":
                return MarkEdit(value, value)
            case _:
                return MarkEdit(value, 0)


MARK: Final = MarkType()
