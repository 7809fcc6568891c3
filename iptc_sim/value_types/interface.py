"""Names of interfaces, and what they begin with."""

from __future__ import annotations

from typing import Final

from iptc_sim.options import Reading, ValueType
from iptc_sim.values import InterfacePattern


class InterfaceType(ValueType[InterfacePattern]):
    """An interface name of at most 15 bytes, with ``+`` at the end for a prefix; ``+`` alone disappears."""

    expected = "an interface name, or the start of one and +"

    def read(self, words: tuple[str, ...], context: Reading) -> InterfacePattern | None:
        """Return the pattern."""
        name = words[0]
        if not name:
            raise ValueError("the interface name is empty")
        if len(name.encode()) > 15:
            raise ValueError(f"interface name {name} is longer than 15 bytes")
        return None if name == "+" and not context.negated else InterfacePattern(name)

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return plain names."""
        return r"[A-Za-z0-9][A-Za-z0-9._-]{0,13}[+]?"


INTERFACE: Final = InterfaceType()
