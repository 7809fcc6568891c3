"""``-m icmp``: type and code of an ICMP message (ip_tables.c, icmp_match)."""

from __future__ import annotations

from dataclasses import dataclass

from iptc_sim.diagnostics import suggestion
from iptc_sim.extension import YES, Match, Moment, No, Outcome, Unclear, extension, option
from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import ICMP, parse_integer
from iptc_sim.values import Family, Negatable

#: Name, type and code (None: any code) of each name that iptables knows.
ICMP_TYPES: tuple[tuple[str, int, int | None], ...] = (
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


@dataclass(frozen=True, slots=True)
class IcmpTest:
    """A type with a code, or with any code; type 255 is every message."""

    type: int
    code: int | None = None

    def __contains__(self, message: object) -> bool:
        if self.type == 255:
            return True
        if not isinstance(message, tuple):
            return False
        return message[0] == self.type and self.code in {None, message[1]}

    def __str__(self) -> str:
        if self.type == 255:
            return "any"
        return str(self.type) if self.code is None else f"{self.type}/{self.code}"


class IcmpTestType(ValueType[IcmpTest]):
    """A name (any case, may be shortened while unique), ``type`` or ``type/code``."""

    expected = "an ICMP type name, a type 0-255, or type/code"

    def read(self, words: tuple[str, ...], context: Reading) -> IcmpTest:  # noqa: ARG002 - the interface
        """Return the test."""
        text = words[0]
        found = [item for item in ICMP_TYPES if item[0].lower() == text.lower()]
        found = found or [item for item in ICMP_TYPES if text and item[0].lower().startswith(text.lower())]
        if len(found) > 1:
            names = ", ".join(item[0] for item in found)
            raise ValueError(f"{text} may be any of {names}")
        if found:
            return IcmpTest(found[0][1], found[0][2])
        kind, slash, code = text.partition("/")
        number, second = parse_integer(kind), parse_integer(code) if slash else None
        if number is None or (slash and second is None):
            hint = suggestion(text, [item[0] for item in ICMP_TYPES])
            raise ValueError(f"{text} is not an ICMP type" + (f" ({hint})" if hint else ""))
        if number > 255 or (second or 0) > 255:
            raise ValueError(f"{text} is out of range")
        return IcmpTest(number, second)


@extension
class Icmp(Match):
    """Needs ``-p icmp``; IPv4 only."""

    NAME = "icmp"
    FAMILIES = frozenset({Family.IPV4})
    PROTOCOLS = frozenset({ICMP})

    icmp_type: Negatable[IcmpTest] = option(IcmpTestType(), "--icmp-type", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare type and code."""
        packet = at.packet
        if packet.protocol != ICMP:
            return No(self, "", f"the protocol is {packet.protocol_name}")
        if packet.icmp_type is None:
            return Unclear(self, f"{self.option_text('icmp_type')}: the ICMP type is not known")
        if ((packet.icmp_type, packet.icmp_code) in self.icmp_type.value) != self.icmp_type.negated:
            return YES
        return No(self, "icmp_type", f"the ICMP type is {packet.icmp_type}/{packet.icmp_code}")
