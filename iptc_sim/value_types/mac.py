"""Addresses of Ethernet cards."""

from __future__ import annotations

import re

from iptc_sim.options import Reading, ValueType
from iptc_sim.records import dataclass

_MAC = re.compile(r"[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class MacAddress:
    """Six bytes."""

    octets: bytes

    def __contains__(self, octets: object) -> bool:
        return octets == self.octets

    def __str__(self) -> str:
        return self.octets.hex(":")


class MacType(ValueType[MacAddress]):
    """Six hexadecimal numbers of one or two digits, between colons."""

    expected = "six hexadecimal numbers between colons, such as 00:11:22:aa:bb:cc"

    def read(self, words: tuple[str, ...], context: Reading) -> MacAddress:  # noqa: ARG002 - the interface
        """Return the address."""
        if not _MAC.fullmatch(words[0]):
            raise ValueError(f"{words[0]} is not a MAC address")
        return MacAddress(bytes(int(part, 16) for part in words[0].split(":")))
