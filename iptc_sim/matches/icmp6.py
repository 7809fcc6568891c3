"""``-m icmp6``: type and code of an ICMPv6 message (ip6_tables.c, icmp6_match)."""

from __future__ import annotations

from dataclasses import dataclass

from iptc_sim.diagnostics import suggestion
from iptc_sim.extension import YES, Match, Moment, No, Outcome, Unclear, extension, option
from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import ICMPV6, parse_integer
from iptc_sim.values import Family, Negatable

#: Name, type and code (None: any code) of each name that iptables knows; those of MLD came later than 1.8.9.
TYPES: tuple[tuple[str, int, int | None], ...] = (
    ("destination-unreachable", 1, None),
    ("no-route", 1, 0),
    ("communication-prohibited", 1, 1),
    ("beyond-scope", 1, 2),
    ("address-unreachable", 1, 3),
    ("port-unreachable", 1, 4),
    ("failed-policy", 1, 5),
    ("reject-route", 1, 6),
    ("packet-too-big", 2, None),
    ("time-exceeded", 3, None),
    ("ttl-exceeded", 3, None),
    ("ttl-zero-during-transit", 3, 0),
    ("ttl-zero-during-reassembly", 3, 1),
    ("parameter-problem", 4, None),
    ("bad-header", 4, 0),
    ("unknown-header-type", 4, 1),
    ("unknown-option", 4, 2),
    ("echo-request", 128, None),
    ("ping", 128, None),
    ("echo-reply", 129, None),
    ("pong", 129, None),
    ("router-solicitation", 133, None),
    ("router-advertisement", 134, None),
    ("neighbour-solicitation", 135, None),
    ("neighbor-solicitation", 135, None),
    ("neighbour-advertisement", 136, None),
    ("neighbor-advertisement", 136, None),
    ("redirect", 137, None),
)


@dataclass(frozen=True, slots=True)
class Icmp6Test:
    """A type with a code, or with any code. Unlike in IPv4, type 255 is a type like the others."""

    type: int
    code: int | None = None

    def __contains__(self, message: object) -> bool:
        return isinstance(message, tuple) and message[0] == self.type and self.code in {None, message[1]}

    def __str__(self) -> str:
        return str(self.type) if self.code is None else f"{self.type}/{self.code}"


class Icmp6TestType(ValueType[Icmp6Test]):
    """A name (any case, may be shortened while unique), ``type`` or ``type/code``."""

    expected = "an ICMPv6 type name, a type 0-255, or type/code"

    def read(self, words: tuple[str, ...], context: Reading) -> Icmp6Test:  # noqa: ARG002 - the interface
        """Return the test."""
        text = words[0]
        found = [item for item in TYPES if item[0] == text.lower()]
        found = found or [item for item in TYPES if text and item[0].startswith(text.lower())]
        if len(found) > 1:
            raise ValueError(f"{text} may be any of {', '.join(item[0] for item in found)}")
        if found:
            return Icmp6Test(found[0][1], found[0][2])
        kind, slash, code = text.partition("/")
        number, second = parse_integer(kind), parse_integer(code) if slash else None
        if number is None or (slash and second is None):
            hint = suggestion(text, [item[0] for item in TYPES])
            raise ValueError(f"{text or 'an empty word'} is not an ICMPv6 type" + (f" ({hint})" if hint else ""))
        if number > 255 or (second or 0) > 255:
            raise ValueError(f"{text} is out of range")
        return Icmp6Test(number, second)


@extension
class Icmp6(Match):
    """Needs ``-p ipv6-icmp``; IPv6 only."""

    NAME = "icmp6"
    FAMILIES = frozenset({Family.IPV6})
    PROTOCOLS = frozenset({ICMPV6})

    icmpv6_type: Negatable[Icmp6Test] = option(Icmp6TestType(), "--icmpv6-type", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare type and code."""
        packet = at.packet
        if packet.protocol != ICMPV6:
            return No(self, "", f"the protocol is {packet.protocol_name}")
        if packet.icmp_type is None:
            return Unclear(self, f"{self.option_text('icmpv6_type')}: the ICMPv6 type is not known")
        if ((packet.icmp_type, packet.icmp_code) in self.icmpv6_type.value) != self.icmpv6_type.negated:
            return YES
        return No(self, "icmpv6_type", f"the ICMPv6 type is {packet.icmp_type}/{packet.icmp_code}")
