"""Lengths of masks."""

from __future__ import annotations

from iptc_sim.options import Reading, ValueType
from iptc_sim.value_types.host import read_length


class MaskLength(ValueType[int]):
    """The length of a mask, or the mask itself; printed as the length.

    Args:
        holes: whether a mask with holes counts as the longest one; else it is refused.
        vanishes: whether the longest one says nothing and disappears.
    """

    expected = "a prefix length, or a mask"

    def __init__(self, *, holes: bool = False, vanishes: bool = False) -> None:
        self.holes, self.vanishes = holes, vanishes

    def read(self, words: tuple[str, ...], context: Reading) -> int | None:
        """Return the length."""
        length = read_length(words[0], context.family, holes=self.holes)
        return None if self.vanishes and length == context.family.bits else length
