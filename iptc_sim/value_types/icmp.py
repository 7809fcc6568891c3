"""Types and codes of ICMP and ICMPv6 messages, as the matches and flow text name them."""

from __future__ import annotations

from typing import Final

from iptc_sim.diagnostics import suggestion
from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass

#: Name, type and code (None: any code).
Types = tuple[tuple[str, int, int | None], ...]

#: IPv4's type that stands for every message; in IPv6 it is a type like the others.
ANY: Final = 255

#: The names that iptables knows.
ICMP_TYPES: Final[Types] = (
    ("any", 255, None),
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, 0),
    ("host-unreachable", 3, 1),
    ("protocol-unreachable", 3, 2),
    ("port-unreachable", 3, 3),
    ("fragmentation-needed", 3, 4),
    ("source-route-failed", 3, 5),
    ("network-unknown", 3, 6),
    ("host-unknown", 3, 7),
    ("network-prohibited", 3, 9),
    ("host-prohibited", 3, 10),
    ("TOS-network-unreachable", 3, 11),
    ("TOS-host-unreachable", 3, 12),
    ("communication-prohibited", 3, 13),
    ("host-precedence-violation", 3, 14),
    ("precedence-cutoff", 3, 15),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("network-redirect", 5, 0),
    ("host-redirect", 5, 1),
    ("TOS-network-redirect", 5, 2),
    ("TOS-host-redirect", 5, 3),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-transit", 11, 0),
    ("ttl-zero-during-reassembly", 11, 1),
    ("parameter-problem", 12, None),
    ("ip-header-bad", 12, 0),
    ("required-option-missing", 12, 1),
    ("timestamp-request", 13, None),
    ("timestamp-reply", 14, None),
    ("address-mask-request", 17, None),
    ("address-mask-reply", 18, None),
)

#: The names that ip6tables knows; those of MLD came later than 1.8.9.
ICMPV6_TYPES: Final[Types] = (
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
class IcmpTest:
    """A type with a code, or with any code.

    Args:
        type: of the message.
        code: the first code that fits; None for any.
        every: whether any message at all fits (IPv4's type 255).
        last: the last code that fits, None for ``code`` alone. iptables takes a range of codes, and does not print it.
    """

    type: int
    code: int | None = None
    every: bool = False
    last: int | None = None

    def __contains__(self, message: object) -> bool:
        if self.every:
            return True
        if not isinstance(message, tuple) or message[0] != self.type:
            return False
        return self.code is None or self.code <= message[1] <= (self.code if self.last is None else self.last)

    def __str__(self) -> str:
        if self.every:
            return "any"
        return str(self.type) if self.code is None else f"{self.type}/{self.code}"


class IcmpTestType(ValueType[IcmpTest]):
    """A name (any case, may be shortened while unique), ``type``, ``type/code`` or ``type/code:code``.

    Args:
        label: ``ICMP`` or ``ICMPv6``.
        types: the names of the family.
        every: the type that stands for every message, None where there is none.
    """

    def __init__(self, label: str, types: Types, every: int | None = None) -> None:
        self.label, self.types, self.every = label, types, every
        self.expected = f"an {label} type name, a type 0-255, or type/code"

    def read(self, words: tuple[str, ...], context: Reading) -> IcmpTest:  # noqa: ARG002 - the interface
        """Return the test."""
        text = words[0]
        found = [item for item in self.types if item[0].lower() == text.lower()]
        found = found or [item for item in self.types if text and item[0].lower().startswith(text.lower())]
        if len(found) > 1:
            raise ValueError(f"{text} may be any of {', '.join(item[0] for item in found)}")
        if found:
            return self._test(found[0][1], found[0][2])
        kind, slash, code = text.partition("/")
        first, colon, end = code.partition(":")
        number, second = parse_integer(kind), parse_integer(first) if slash else None
        last = parse_integer(end) if colon else None
        if number is None or (slash and second is None) or (colon and last is None):
            hint = suggestion(text, [item[0] for item in self.types])
            raise ValueError(f"{text or 'an empty word'} is not an {self.label} type" + (f" ({hint})" if hint else ""))
        if number > 255 or max(second or 0, last or 0) > 255:
            raise ValueError(f"{text} is out of range")
        return self._test(number, None, None) if (second, last) == (0, 255) else self._test(number, second, last)

    def _test(self, kind: int, code: int | None, last: int | None = None) -> IcmpTest:
        return IcmpTest(ANY, every=True) if kind == self.every else IcmpTest(kind, code, last=last)


ICMP_TEST: Final = IcmpTestType("ICMP", ICMP_TYPES, every=ANY)
ICMPV6_TEST: Final = IcmpTestType("ICMPv6", ICMPV6_TYPES)
