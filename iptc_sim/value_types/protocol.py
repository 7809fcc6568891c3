"""The protocol of a packet."""

from __future__ import annotations

from typing import Final

from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import protocol_name, protocol_names, protocol_number
from iptc_sim.value_types.choice import not_one


class ProtocolType(ValueType[int]):
    """``-p``: a name or number; ``all`` disappears."""

    expected = "a protocol name or number"

    def read(self, words: tuple[str, ...], context: Reading) -> int | None:
        """Return the number, None for all."""
        try:
            number = protocol_number(words[0])
        except ValueError:
            raise not_one(words[0], protocol_names(), "a protocol") from None
        if not number and context.negated:
            raise ValueError("! -p all never fits; iptables refuses it")
        return number or None

    def write(self, value: int) -> tuple[str, ...]:
        """Return the name."""
        return (protocol_name(value),)


PROTOCOL: Final = ProtocolType()
