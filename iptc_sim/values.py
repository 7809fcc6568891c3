"""The values that rules and packets are made of. All are frozen; none knows iptables syntax beyond its own spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum, IntEnum, StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from iptc_sim.records import dataclass

if TYPE_CHECKING:
    from fractions import Fraction

Address = IPv4Address | IPv6Address
T = TypeVar("T")

_DECIMAL: Final = r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
_FULL_MASK = {4: (1 << 32) - 1, 6: (1 << 128) - 1}

#: The kernel draws 31 bits for ``-m statistic --mode random`` (xt_statistic.c: ``get_random_u32() & 0x7FFFFFFF``).
RANDOM_STEPS: Final = 1 << 31


class Variant(StrEnum):
    """The two programs called iptables: on nf_tables, and on the old kernel interface. They differ in details."""

    NFT = "nft"
    LEGACY = "legacy"


class Family(IntEnum):
    """The address family that a ruleset or packet belongs to."""

    IPV4 = 4
    IPV6 = 6

    @property
    def bits(self) -> int:
        """Length of an address in bits."""
        return 32 if self is Family.IPV4 else 128


class Unknown(Enum):
    """The type of :data:`UNKNOWN`."""

    UNKNOWN = "?"

    def __str__(self) -> str:
        return "?"


#: Stands where a value exists but was not told (an out interface without routes); tests on it answer "unknown".
UNKNOWN: Final = Unknown.UNKNOWN

#: An interface: its name, None where the packet has none (no in interface in OUTPUT), or not told.
Interface = str | None | Unknown


def address_text(address: Address) -> str:
    """Return an address as inet_ntop prints it: RFC 5952, with an embedded IPv4 address dotted."""
    number = int(address)
    mapped = number >> 32 == 0xFFFF
    if isinstance(address, IPv6Address) and (mapped or 0xFFFF < number < 1 << 32):
        return f"::{'ffff:' if mapped else ''}{IPv4Address(number & 0xFFFFFFFF)}"
    return str(address)


@dataclass(frozen=True, slots=True)
class Negatable(Generic[T]):
    """An option's value with its ``!``."""

    value: T
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Prefix:
    """An address with a mask, as ``-s`` and ``-d`` take it; the mask may have holes.

    Args:
        family: 4 or 6.
        network: the address as an integer in host order, bits outside the mask cleared.
        mask: the mask as an integer.
    """

    family: Family
    network: int
    mask: int

    @classmethod
    def of(cls, address: Address, length: int | None = None) -> Prefix:
        """Return the prefix of ``length`` bits (default: all) that holds ``address``."""
        family = Family(address.version)
        bits = family.bits if length is None else length
        mask = _FULL_MASK[family] & ~((1 << (family.bits - bits)) - 1)
        return cls(family, int(address) & mask, mask)

    @classmethod
    def parse(cls, text: str) -> Prefix:
        """Read ``ADDRESS[/LENGTH]``, host bits allowed.

        Raises:
            ValueError: it is not one.
        """
        address, slash, length = text.partition("/")
        parsed = ip_address(address)
        if not slash:
            return cls.of(parsed)
        if not (length.isascii() and length.isdigit() and int(length) <= parsed.max_prefixlen):
            raise ValueError(f"{length} is not a prefix length of an IPv{parsed.version} address")
        return cls.of(parsed, int(length))

    @property
    def length(self) -> int | None:
        """The prefix length, or None where the mask has holes."""
        host = self.mask ^ _FULL_MASK[self.family]
        return None if host & (host + 1) else self.family.bits - host.bit_length()

    @property
    def address(self) -> Address:
        """The network address."""
        return IPv4Address(self.network) if self.family is Family.IPV4 else IPv6Address(self.network)

    @property
    def span(self) -> tuple[int, int]:
        """The first address and the last one as numbers; where the mask has holes, not all between them are in it."""
        return self.network, self.network | self.mask ^ _FULL_MASK[self.family]

    @property
    def is_host(self) -> bool:
        """Whether it holds one address only."""
        return self.mask == _FULL_MASK[self.family]

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, IPv4Address | IPv6Address) or address.version != self.family:
            return False
        return int(address) & self.mask == self.network

    def __str__(self) -> str:
        length = self.length
        if length is not None:
            return f"{address_text(self.address)}/{length}"
        mask = IPv4Address(self.mask) if self.family is Family.IPV4 else IPv6Address(self.mask)
        return f"{address_text(self.address)}/{address_text(mask)}"


@dataclass(frozen=True, slots=True)
class AddressRange:
    """Addresses from ``first`` to ``last``, both included."""

    first: Address
    last: Address

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, IPv4Address | IPv6Address) or address.version != self.first.version:
            return False
        return int(self.first) <= int(address) <= int(self.last)

    def __str__(self) -> str:
        first, last = address_text(self.first), address_text(self.last)
        return first if self.first == self.last else f"{first}-{last}"


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers from ``first`` to ``last``, both included; ``first`` may be larger, then no number is in it."""

    first: int
    last: int

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.first <= number <= self.last

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}:{self.last}"


@dataclass(frozen=True, slots=True)
class PortRange(NumberRange):
    """Ports."""


@dataclass(frozen=True, slots=True)
class PortSet:
    """The list of multiport: ports and ranges in the order given."""

    ranges: tuple[PortRange, ...]

    def __contains__(self, port: object) -> bool:
        return any(port in item for item in self.ranges)

    def __str__(self) -> str:
        return ",".join(map(str, self.ranges))


@dataclass(frozen=True, slots=True)
class InterfacePattern:
    """An interface name, or with ``+`` at its end every name that starts with it."""

    text: str

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            # A packet without this interface: only the empty prefix fits (ip_packet_match compares masked zeros).
            return self.text == "+" and name is None
        return name.startswith(self.text[:-1]) if self.text.endswith("+") else name == self.text

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class MaskedMark:
    """``--mark value/mask``: fits where ``mark & mask == value``; the value is not masked (xt_mark.c, mark_mt)."""

    value: int
    mask: int = 0xFFFFFFFF

    def __contains__(self, mark: object) -> bool:
        return isinstance(mark, int) and mark & self.mask == self.value

    def __str__(self) -> str:
        return f"{self.value:#x}" if self.mask == 0xFFFFFFFF else f"{self.value:#x}/{self.mask:#x}"


@dataclass(frozen=True, slots=True)
class MarkEdit:
    """``--set-xmark value/mask``: the new mark is ``(mark & ~mask) ^ value`` (xt_mark.c, mark_tg)."""

    value: int
    mask: int

    def apply(self, mark: int) -> int:
        """Return the mark after the edit."""
        return (mark & ~self.mask & 0xFFFFFFFF) ^ self.value

    def __str__(self) -> str:
        return f"{self.value:#x}/{self.mask:#x}"


@dataclass(frozen=True, slots=True)
class Names:
    """A set of names out of a fixed list, such as ``NEW,ESTABLISHED``; printed in the order of that list."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, names: Iterable[str], order: tuple[str, ...]) -> Names:
        """Return the set in canonical order, duplicates folded."""
        chosen = set(names)
        return cls(tuple(name for name in order if name in chosen))

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __str__(self) -> str:
        return ",".join(self.names)


@dataclass(frozen=True, slots=True)
class Probability:
    """A chance as the kernel stores it: ``threshold`` of 2^31 draws hit."""

    threshold: int

    @classmethod
    def parse(cls, text: str) -> Probability:
        """Read a decimal number from 0 to 1 and round it as ``lround(0x80000000 * p)`` does (libxt_statistic.c).

        Raises:
            ValueError: it is not one.
        """
        if not re.fullmatch(_DECIMAL, text):
            raise ValueError(f"{text} is not a number")
        value = float(text)  # a double, as strtod gives it
        if not 0 <= value <= 1:
            raise ValueError(f"{text} is not between 0 and 1")
        return cls(int(value * RANDOM_STEPS + 0.5))

    def __str__(self) -> str:
        return f"{self.threshold / RANDOM_STEPS:.11f}"


@dataclass(frozen=True, slots=True)
class Odds:
    """An exact chance; numerator and denominator stay unreduced, because reducing at every step is what is slow."""

    numerator: int
    denominator: int

    def __mul__(self, other: Odds) -> Odds:
        return Odds(self.numerator * other.numerator, self.denominator * other.denominator)

    def __add__(self, other: Odds) -> Odds:
        return _sum(self, other)

    @property
    def complement(self) -> Odds:
        """The chance that it does not happen."""
        return Odds(self.denominator - self.numerator, self.denominator)

    @property
    def fraction(self) -> Fraction:
        """The reduced fraction."""
        from fractions import Fraction  # noqa: PLC0415 - what reads rules does not need it

        return Fraction(self.numerator, self.denominator)

    @property
    def percent(self) -> str:
        """The chance in percent with three decimals, ``33.333%``."""
        scaled = (self.numerator * 200_000 + self.denominator) // (2 * self.denominator)
        return f"{scaled // 1000}.{scaled % 1000:03d}%"

    def __str__(self) -> str:
        return str(self.fraction)


def _sum(one: Odds, other: Odds) -> Odds:
    if one.denominator == other.denominator:
        return Odds(one.numerator + other.numerator, one.denominator)
    # Denominators are nearly always powers of two, so the larger is a multiple of the smaller.
    small, large = sorted((one, other), key=lambda odds: odds.denominator)
    factor, rest = divmod(large.denominator, small.denominator)
    if not rest:
        return Odds(small.numerator * factor + large.numerator, large.denominator)
    return Odds(
        one.numerator * other.denominator + other.numerator * one.denominator,
        one.denominator * other.denominator,
    )


CERTAIN: Final = Odds(1, 1)
