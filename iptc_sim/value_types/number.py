"""Numbers that several matches take: ranges, hexadecimal numbers, lengths of masks."""

from __future__ import annotations

from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import parse_integer
from iptc_sim.value_types.basic import Integer
from iptc_sim.value_types.host import read_host
from iptc_sim.value_types.number_range import NumberRangeType
from iptc_sim.values import Family, Prefix


class WrappedInteger(Integer):
    """A number of which the kernel's structure keeps so many ``bits``; iptables takes larger ones and cuts them."""

    def __init__(self, bits: int) -> None:
        super().__init__(0, 0xFFFFFFFF)
        self.mask = (1 << bits) - 1

    def read(self, words: tuple[str, ...], context: Reading) -> int:
        """Return the lower bits."""
        return super().read(words, context) & self.mask


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
SPI_RANGE = NumberRangeType(0xFFFFFFFF, vanishes=True)


class MaskLength(ValueType[int]):
    """The length of a mask, or the mask itself; printed as the length.

    Args:
        holes: whether a mask with holes counts as the longest one (libxtables has no length for it and falls back
            to all bits); else it is refused.
        vanishes: whether the longest one says nothing and disappears.
    """

    expected = "a prefix length, or a mask"

    def __init__(self, *, holes: bool = False, vanishes: bool = False) -> None:
        self.holes, self.vanishes = holes, vanishes

    def read(self, words: tuple[str, ...], context: Reading) -> int | None:
        """Return the length."""
        length = self._length(words[0], context.family)
        return None if self.vanishes and length == context.family.bits else length

    def _length(self, text: str, family: Family) -> int:
        number = parse_integer(text)
        if number is not None and number <= family.bits:
            return number
        try:
            mask = int(read_host(text, family))
        except ValueError:
            raise ValueError(f"{text} is neither a prefix length nor a mask") from None
        length = Prefix(family, 0, mask).length
        if length is None and not self.holes:
            raise ValueError(f"{text} is a mask with holes")
        return family.bits if length is None else length
