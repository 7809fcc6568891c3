"""``-m mac``: the source address of the Ethernet frame (xt_mac.c)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from iptc_sim.extension import Hook, Match, Moment, Outcome, decide, extension, option
from iptc_sim.options import Reading, ValueType
from iptc_sim.values import UNKNOWN, Negatable

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


@extension
class Mac(Match):
    """Only packets that came in by an Ethernet card can fit."""

    NAME = "mac"
    HOOKS = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.FORWARD})

    mac_source: Negatable[MacAddress] = option(MacType(), "--mac-source", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:  # noqa: ARG002 - the interface
        """A packet is described from its IP header on."""
        return decide(self.test("mac_source", UNKNOWN, "source MAC address"))
