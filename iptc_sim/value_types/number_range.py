"""Ranges of numbers, ``A:B``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import parse_integer
from iptc_sim.values import NumberRange


class NumberRangeType(ValueType[NumberRange]):
    """``N``, ``N:N``, ``:N`` or ``N:``; an empty word is 0.

    Args:
        maximum: the largest number, which an open end stands for.
        ordered: whether a range that ends before it begins is refused.
        vanishes: whether the full range says nothing and disappears, negated too.
        number: gives the number that a name stands for, None where the option takes no such name.
    """

    def __init__(
        self,
        maximum: int,
        *,
        ordered: bool = False,
        vanishes: bool = False,
        number: Callable[[str], int | None] = parse_integer,
    ) -> None:
        self.maximum, self.ordered, self.vanishes, self.number = maximum, ordered, vanishes, number
        self.expected = f"a number from 0 to {maximum}, or a range A:B of them"

    def read(self, words: tuple[str, ...], context: Reading) -> NumberRange | None:  # noqa: ARG002 - the interface
        """Return the range, None for the full one where that disappears."""
        first, separator, last = words[0].partition(":")
        low = self._number(first) if first else 0
        if not separator:
            return NumberRange(low, low)
        high = self._number(last) if last else self.maximum
        if self.ordered and low > high:
            raise ValueError(f"the range {words[0]} ends before it begins")
        return None if self.vanishes and (low, high) == (0, self.maximum) else NumberRange(low, high)

    def _number(self, text: str) -> int:
        found = self.number(text)
        if found is None:
            raise ValueError(f"{text or 'an empty word'} is not a number")
        if found > self.maximum:
            raise ValueError(f"{text} is out of range")
        return found


def read_range(text: str, maximum: int) -> tuple[int, int | None]:
    """Read ``N``, ``N:N``, ``:N`` or ``N:``; what is missing before the colon is 0, behind it ``maximum``.

    Returns:
        Both ends; None for the second where there is no colon.

    Raises:
        ValueError: it is no range, or a number is above ``maximum``.
    """
    first, colon, last = text.partition(":")
    low = parse_integer(first) if first else 0
    high = parse_integer(last) if last else maximum
    if low is None or high is None:
        raise ValueError(f"{text} is not a number or a range of numbers")
    if max(low, high) > maximum:
        raise ValueError(f"{text} is out of range")
    return low, high if colon else None


#: The SPI of esp and ah; the full range disappears.
SPI_RANGE: Final = NumberRangeType(0xFFFFFFFF, vanishes=True)
