"""Addresses and networks as ``-s`` and ``-d`` read them: ``10`` is 10.0.0.0, masks may have holes."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import parse_integer
from iptc_sim.values import Address, AddressRange, Family, Prefix

_DOTTED = re.compile(r"\.".join([r"(0|1\d{0,2}|2(?:[0-4]\d?|5[0-5]?|[6-9])?|[3-9]\d?)"] * 4), re.ASCII)
_ALL_BITS: Final = 0xFFFFFFFF

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_HEXTETS = r"[0-9a-f]{1,4}(?::[0-9a-f]{1,4})"
_ADDRESS_PATTERNS = {
    Family.IPV4: rf"(?:{_OCTET}\.){{3}}{_OCTET}",
    Family.IPV6: rf"(?:{_HEXTETS}{{7}}|{_HEXTETS}{{0,3}}::{_HEXTETS}{{0,2}})",
}
_LENGTH_PATTERNS = {Family.IPV4: r"(?:3[0-2]|[12][0-9]|[1-9])", Family.IPV6: r"(?:12[0-8]|1[01][0-9]|[1-9][0-9]|[1-9])"}
_LOCALHOST: Final[dict[Family, Address]] = {
    Family.IPV4: IPv4Address("127.0.0.1"),
    Family.IPV6: IPv6Address("::1"),
}


def address_pattern(family: Family) -> str:
    """Return a regular expression of addresses as iptables prints most of them; it fits nothing else."""
    return _ADDRESS_PATTERNS[family]


def is_dotted(text: str) -> bool:
    """Whether a text is four decimal numbers up to 255 without leading zeros."""
    return _DOTTED.fullmatch(text) is not None


def read_address(text: str, family: Family) -> Address:
    """Read an address of the family, IPv4 as inet_aton does (``10`` is 10.0.0.0 for masks, octal and hex parts).

    Raises:
        ValueError: it is none.
    """
    try:
        if family is Family.IPV6:
            return IPv6Address(text)
        return IPv4Address(_inet_aton(text))
    except AddressValueError as error:
        raise ValueError(f"{text} is not an IPv6 address") from error


def read_address_range(
    text: str, family: Family, address: Callable[[str, Family], Address] = read_address
) -> AddressRange:
    """Read ``A`` or ``A-B``.

    Args:
        text: the word.
        family: of the addresses.
        address: reads one address.

    Raises:
        ValueError: it is neither.
    """
    first, dash, last = text.partition("-")
    low = address(first, family)
    return AddressRange(low, address(last, family) if dash else low)


def _inet_aton(text: str) -> int:
    """Read dotted parts, each decimal, octal or 0x.

    Missing ones at the end are zero (``xtables_numeric_to_ipaddr`` pads networks so). Where the last part is above 255
    it fills the rest of the address, as inet_aton has it, which is asked next: ``1.256`` is 1.0.1.0.
    """
    plain = _DOTTED.fullmatch(text)
    if plain:
        return (int(plain[1]) << 24) | (int(plain[2]) << 16) | (int(plain[3]) << 8) | int(plain[4])
    parts = [parse_integer(part) for part in text.split(".")]
    numbers = [part for part in parts if part is not None]
    if len(parts) > 4 or len(numbers) < len(parts):
        raise ValueError(f"{text} is not an IPv4 address")
    *most, last = numbers
    rest = 8 * (4 - len(most))  # bits
    if last <= 255:
        last <<= rest - 8
    if any(number > 255 for number in most) or last >> rest:
        raise ValueError(f"{text} is not an IPv4 address: a part is above 255")
    return int.from_bytes(bytes(most)) << rest | last


def _read_host(text: str, family: Family) -> Address:
    """Read what stands where iptables would look up a host: an address, or ``localhost``; nothing is looked up.

    Raises:
        ValueError: it is none, or of the other family, or a name.
    """
    if not text:
        raise ValueError("the address is missing")
    if text.lower() == "localhost":
        return _LOCALHOST[family]
    if "%" in text:
        raise ValueError(f"{text} names an interface of the machine; only the address can be used")
    if family is Family.IPV4 and ":" in text:
        return _mapped(text)
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9.-]*", text):
        raise ValueError(f"{text} is a host name; only addresses can be used, nothing is looked up")
    return read_address(text, family)


def _mapped(text: str) -> IPv4Address:
    """Read an IPv4 address in the clothes of IPv6, ``::ffff:192.0.2.1``."""
    try:
        mapped = IPv6Address(text).ipv4_mapped
    except AddressValueError:
        mapped = None
    if mapped is None:
        raise ValueError(f"{text} is an IPv6 address in an IPv4 ruleset")
    return mapped


class PrefixType(ValueType[Prefix]):
    """``-s`` and ``-d``: address, address/length or address/mask; /0 says nothing and disappears.

    Args:
        bare: print a single address without its length (conntrack's options do).
    """

    expected = "an address, address/length or address/mask"

    def __init__(self, *, bare: bool = False) -> None:
        self.bare = bare

    def read(self, words: tuple[str, ...], context: Reading) -> Prefix | None:
        """Return the prefix, host bits cleared."""
        text, slash, mask = words[0].partition("/")
        if (mask == "32" or not slash) and context.family is Family.IPV4 and is_dotted(text):
            return Prefix(Family.IPV4, _inet_aton(text), _ALL_BITS)  # a single address, by far the most frequent
        if "/" in mask:
            raise ValueError(f"{words[0]} has two masks")
        value = self._mask(mask, context.family) if slash else (1 << context.family.bits) - 1
        if not value:  # iptables does not look at the address then: any/0
            return Prefix(context.family, 0, 0) if context.negated or self.bare else None
        address = _read_host(text.lstrip(" \t\n\v\f\r"), context.family)
        return Prefix(context.family, int(address) & value, value)

    @staticmethod
    def _mask(text: str, family: Family) -> int:
        length = parse_integer(text)
        if length is not None:
            if length > family.bits:
                raise ValueError(f"/{text} is longer than an IPv{family} address")
            return ((1 << length) - 1) << (family.bits - length)
        try:
            if family is Family.IPV4 and text.count(".") != 3:
                raise ValueError(text)
            return int(read_address(text, family))
        except ValueError:
            raise ValueError(f"/{text} is neither a length nor a mask") from None

    def pattern(self, context: Reading) -> str | None:
        """Return address/length, which is what iptables prints."""
        if self.bare:
            return None
        return f"{_ADDRESS_PATTERNS[context.family]}/{_LENGTH_PATTERNS[context.family]}"

    def write(self, value: Prefix) -> tuple[str, ...]:
        """Return ``address/length``."""
        return (str(value.address),) if self.bare and value.is_host else (str(value),)


PREFIX: Final = PrefixType()
BARE_PREFIX: Final = PrefixType(bare=True)
