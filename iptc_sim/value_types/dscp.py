"""The class of service of an IP header, as -m dscp and -j DSCP take it."""

from __future__ import annotations

from typing import Final

from iptc_sim.options import Reading, ValueType
from iptc_sim.value_types.hexadecimal import HexInteger

#: RFC 2474 (CS), RFC 2597 (AF: class and drop precedence), RFC 3246 (EF); BE is best effort.
CLASSES = (
    {f"CS{number}": number << 3 for number in range(8)}
    | {f"AF{number}{drop}": number << 3 | drop << 1 for number in range(1, 5) for drop in range(1, 4)}
    | {"BE": 0, "EF": 0x2E}
)


class ClassName(ValueType[int]):
    """A class in any case."""

    expected = "a class such as CS1, AF11, EF or BE"

    def read(self, words: tuple[str, ...], context: Reading) -> int:  # noqa: ARG002 - the interface
        """Return its number."""
        number = CLASSES.get(words[0].upper())
        if number is None:
            raise ValueError(f"{words[0]} is not a DSCP class")
        return number


CLASS_NAME: Final = ClassName()

#: The six bits themselves.
DSCP: Final = HexInteger(0x3F, 2)
