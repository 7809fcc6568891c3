"""Numbers: within bounds, cut to the bits that the kernel keeps."""

from __future__ import annotations

from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import parse_integer


class Integer(ValueType[int]):
    """An unsigned number, decimal, 0x or octal; printed in decimal."""

    def __init__(self, minimum: int = 0, maximum: int = 0xFFFFFFFF) -> None:
        self.minimum, self.maximum = minimum, maximum
        self.expected = f"a number from {minimum} to {maximum}"

    def read(self, words: tuple[str, ...], context: Reading) -> int:  # noqa: ARG002 - the interface
        """Return the number."""
        value = parse_integer(words[0])
        if value is None:
            raise ValueError(f"{words[0]} is not a number")
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{words[0]} is out of range")
        return value

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return decimal numbers with fewer digits than the largest one has."""
        digits = len(str(self.maximum)) - 1
        return None if self.minimum > 1 or not digits else rf"[1-9][0-9]{{0,{digits - 1}}}"


class WrappedInteger(Integer):
    """A number of which the kernel's structure keeps so many ``bits``; iptables takes larger ones and cuts them."""

    def __init__(self, bits: int) -> None:
        super().__init__(0, 0xFFFFFFFF)
        self.mask = (1 << bits) - 1

    def read(self, words: tuple[str, ...], context: Reading) -> int:
        """Return the lower bits."""
        return super().read(words, context) & self.mask
