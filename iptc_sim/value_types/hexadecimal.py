"""Numbers that are printed in hexadecimal."""

from __future__ import annotations

from typing import Final

from iptc_sim.value_types.number import Integer


class HexInteger(Integer):
    """An unsigned number, read in any base and printed with ``0x``.

    Args:
        maximum: the largest that is taken.
        digits: printed at least, with zeros in front.
        minimum: the smallest that is taken.
    """

    def __init__(self, maximum: int = 0xFFFFFFFF, digits: int = 1, *, minimum: int = 0) -> None:
        super().__init__(minimum, maximum)
        self.digits = digits

    def write(self, value: int) -> tuple[str, ...]:
        """Return ``0x1f``."""
        return (f"0x{value:0{self.digits}x}",)


HEX: Final = HexInteger()
HEX16: Final = HexInteger(0xFFFF, 4)
HEX32: Final = HexInteger(digits=8)
