"""The value types that options share: how a port, a mark, an address, a name is read and printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from iptc_sim.diagnostics import suggestion
from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import PORT_PROTOCOLS, parse_integer, protocol_name, protocol_names, protocol_number
from iptc_sim.services import service_port
from iptc_sim.values import (
    Address,
    AddressRange,
    Family,
    InterfacePattern,
    MarkEdit,
    MaskedMark,
    Names,
    Negatable,
    PortRange,
    PortSet,
    Prefix,
    Probability,
)

_DOTTED = re.compile(r"\.".join([r"(0|1\d{0,2}|2(?:[0-4]\d?|5[0-5]?|[6-9])?|[3-9]\d?)"] * 4), re.ASCII)
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_HOST_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.-]*", re.ASCII)
_ALL = 0xFFFFFFFF

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_HEXTETS = r"[0-9a-f]{1,4}(?::[0-9a-f]{1,4})"
_ADDRESS_PATTERNS = {
    Family.IPV4: rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}",
    Family.IPV6: rf"(?:{_HEXTETS}{{7}}|{_HEXTETS}{{0,3}}::{_HEXTETS}{{0,2}})",
}
_LENGTH_PATTERNS = {Family.IPV4: r"(?:3[0-2]|[12][0-9]|[1-9])", Family.IPV6: r"(?:12[0-8]|1[01][0-9]|[1-9][0-9]|[1-9])"}

#: A port number from 0 to 65535 in decimal.
PORT_PATTERN: Final = r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]|0)"


def address_pattern(family: Family) -> str:
    """Return a regular expression of addresses as iptables prints most of them; it fits nothing else."""
    return _ADDRESS_PATTERNS[family]


def quoted(text: str) -> str:
    """Return a string as libxtables' ``xtables_save_string`` prints it: bare if it may be, else quoted and escaped."""
    if _BARE.fullmatch(text):
        return text
    return '"' + re.sub(r'(["\\\'])', r"\\\1", text) + '"'


class Integer(ValueType[int]):
    """An unsigned number, decimal, 0x or octal; printed in decimal."""

    def __init__(self, minimum: int = 0, maximum: int = _ALL) -> None:
        self.minimum, self.maximum = minimum, maximum
        self.expected = f"a number from {minimum} to {maximum}"

    def read(self, words: tuple[str, ...], context: Reading) -> int:  # noqa: ARG002 - the interface
        """Return the number."""
        value = parse_integer(words[0])
        if value is None:
            raise ValueError(f"{words[0]} is not a number")
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{words[0]} is out of range")
        return value

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return decimal numbers with fewer digits than the largest one has."""
        digits = len(str(self.maximum)) - 1
        return None if self.minimum > 1 or not digits else rf"[1-9][0-9]{{0,{digits - 1}}}"


class Text(ValueType[str]):
    """A string of ``least`` bytes or more.

    ``limit`` of them are kept as the kernel's structure has no more, or more are refused if ``strict``.
    """

    def __init__(self, expected: str, limit: int, *, strict: bool = False, quote: bool = True, least: int = 0) -> None:
        self.expected, self.limit, self.strict, self.quote, self.least = expected, limit, strict, quote, least

    def read(self, words: tuple[str, ...], context: Reading) -> str:  # noqa: ARG002 - the interface
        """Return the string."""
        data = words[0].encode()
        if len(data) < self.least:
            raise ValueError("the text is empty")
        if len(data) > self.limit:
            if self.strict:
                raise ValueError(f"it has {len(data)} bytes, at most {self.limit} fit")
            return data[: self.limit].decode(errors="ignore")
        return words[0]

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return bare and quoted words without escapes."""
        longest = min(self.limit, 255)
        if self.strict:
            return rf"[!#-~]{{1,{longest}}}"
        return rf'(?:[^\s"]{{1,{longest}}}|"[^"\\\n]{{{self.least},{longest}}}")'

    def write(self, value: str) -> tuple[str, ...]:
        """Return the word, quoted where the option's printer does so."""
        return (quoted(value) if self.quote else value,)


class Choice(ValueType[str]):
    """One of a few words; ``short`` maps further spellings to them."""

    def __init__(self, choices: tuple[str, ...], short: dict[str, str] | None = None) -> None:
        self.choices, self.short = choices, short or {}
        self.expected = "one of " + ", ".join(choices)

    def read(self, words: tuple[str, ...], context: Reading) -> str:  # noqa: ARG002 - the interface
        """Return the choice."""
        word = self.short.get(words[0], words[0])
        if word not in self.choices:
            raise _not_one(words[0], (*self.choices, *self.short))
        return word


class NameList(ValueType[Names]):
    """A comma list out of fixed names, in any case; printed in the order of that list."""

    def __init__(self, order: tuple[str, ...]) -> None:
        self.order = order
        self.expected = "a comma list of " + ", ".join(order)

    def read(self, words: tuple[str, ...], context: Reading) -> Names:  # noqa: ARG002 - the interface
        """Return the set of names."""
        names = [name.upper() for name in words[0].split(",")]
        for name in names:
            if name not in self.order:
                raise _not_one(name, self.order)
        return Names.of(names, self.order)


#: The range that says nothing, and the same after ``!``: no port fits, and tcp and udp print nothing of it.
EVERY_PORT: Final = PortRange(0, 65535)
NO_PORT: Final = Negatable(EVERY_PORT, negated=True)


def read_port(text: str, protocol: str = "") -> int:
    """Read a port: a number 0-65535 or the name of a service, of one protocol or of any.

    Raises:
        ValueError: it is neither.
    """
    number = parse_integer(text)
    if number is None:
        number = service_port(text, protocol)
    if number is None:
        raise ValueError(f"{text or 'an empty word'} is not a port")
    if number > 65535:
        raise ValueError(f"port {text} is out of range")
    return number


class PortRangeType(ValueType[PortRange]):
    """``P``, ``P:P``, ``:P`` or ``P:``; the full range says nothing and disappears, unless ``!`` stands before it.

    Args:
        ordered: whether a range that ends before it begins is refused (tcp: yes; udp and others: no, in 1.8.9).
        separator: between the two ports.
        vanishes: whether the full range disappears.
        number: reads one port.
    """

    expected = "a port 0-65535, a range A:B, or a service name"

    def __init__(
        self, *, ordered: bool, separator: str = ":", vanishes: bool = True, number: Callable[[str], int] = read_port
    ) -> None:
        self.ordered, self.separator, self.vanishes, self.number = ordered, separator, vanishes, number

    def read(self, words: tuple[str, ...], context: Reading) -> PortRange | None:
        """Return the range, None for all ports."""
        first, separator, last = words[0].partition(self.separator)
        low = self.number(first) if first or not separator else 0
        high = low if not separator else (self.number(last) if last else 65535)
        if self.ordered and low > high:
            raise ValueError(f"the range {words[0]} ends before it begins")
        value = PortRange(low, high)
        return None if self.vanishes and value == EVERY_PORT and not context.negated else value

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return single ports."""
        return PORT_PATTERN

    def write(self, value: PortRange) -> tuple[str, ...]:
        """Return ``P`` or ``P:P``."""
        return (str(value).replace(":", self.separator),)


class PortSetType(ValueType[PortSet]):
    """The list of multiport: at most 15 slots, a range takes two."""

    expected = "up to 15 ports or ranges A:B, between commas"

    def read(self, words: tuple[str, ...], context: Reading) -> PortSet:
        """Return the list, in the order given."""
        if context.protocol not in PORT_PROTOCOLS:
            raise ValueError("-p with tcp, udp, udplite, sctp or dccp must stand before it")
        protocol = protocol_name(context.protocol)
        ranges = []
        for item in words[0].split(","):
            first, separator, last = item.partition(":")
            low = read_port(first, protocol)
            high = read_port(last, protocol) if separator else low
            if separator and low >= high:
                raise ValueError(f"the range {item} ends before it begins")
            ranges.append(PortRange(low, high))
        if sum(2 if item.first != item.last else 1 for item in ranges) > 15:
            raise ValueError("it has more than 15 slots")
        return PortSet(tuple(ranges))


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


_LOCALHOST: Final[dict[Family, Address]] = {
    Family.IPV4: IPv4Address("127.0.0.1"),
    Family.IPV6: IPv6Address("::1"),
}


def read_host(text: str, family: Family) -> Address:
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
    if _HOST_NAME.fullmatch(text):
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
        if (mask == "32" or not slash) and context.family is Family.IPV4 and _DOTTED.fullmatch(text):
            return Prefix(Family.IPV4, _inet_aton(text), _ALL)  # a single address, by far the most frequent
        if "/" in mask:
            raise ValueError(f"{words[0]} has two masks")
        value = self._mask(mask, context.family) if slash else (1 << context.family.bits) - 1
        if not value:  # iptables does not look at the address then: any/0
            return Prefix(context.family, 0, 0) if context.negated or self.bare else None
        address = read_host(text.lstrip(" \t\n\v\f\r"), context.family)
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


class AddressType(ValueType[Address]):
    """One address of the family."""

    expected = "an address"

    def read(self, words: tuple[str, ...], context: Reading) -> Address:
        """Return the address."""
        return read_address(words[0], context.family)


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


class ProtocolType(ValueType[int]):
    """``-p``: a name or number; ``all`` disappears."""

    expected = "a protocol name or number"

    def read(self, words: tuple[str, ...], context: Reading) -> int | None:
        """Return the number, None for all."""
        try:
            number = protocol_number(words[0])
        except ValueError:
            raise _not_one(words[0], protocol_names(), "a protocol") from None
        if not number and context.negated:
            raise ValueError("! -p all never fits; iptables refuses it")
        return number or None

    def write(self, value: int) -> tuple[str, ...]:
        """Return the name."""
        return (protocol_name(value),)


def _value_and_mask(text: str) -> tuple[int, int | None]:
    first, slash, second = text.partition("/")
    value, mask = parse_integer(first), parse_integer(second) if slash else None
    if value is None or (slash and mask is None):
        raise ValueError(f"{text} is not a mark")
    if value > _ALL or (mask or 0) > _ALL:
        raise ValueError(f"{text} does not fit in 32 bits")
    return value, mask


class MarkType(ValueType[MaskedMark]):
    """``value[/mask]`` to compare with."""

    expected = "a mark value, or value/mask"

    def read(self, words: tuple[str, ...], context: Reading) -> MaskedMark:  # noqa: ARG002 - the interface
        """Return the mark with its mask."""
        value, mask = _value_and_mask(words[0])
        return MaskedMark(value, _ALL if mask is None else mask)

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return hexadecimal numbers."""
        return r"0x[0-9a-f]{1,8}(?:/0x[0-9a-f]{1,8})?"


class MarkEditType(ValueType[MarkEdit]):
    """One of the five ways to say how a mark changes (libxt_MARK.c)."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.expected = "a mark value, or value/mask" if operation in {"set", "xset"} else "a mark value"

    def read(self, words: tuple[str, ...], context: Reading) -> MarkEdit:  # noqa: ARG002 - the interface
        """Return the edit in the form of ``--set-xmark``."""
        value, mask = _value_and_mask(words[0])
        match self.operation:
            case "xset":
                return MarkEdit(value, _ALL if mask is None else mask)
            case "set":
                return MarkEdit(value, _ALL if mask is None else mask | value)
            case _ if mask is not None:
                raise ValueError(f"{words[0]} has a mask, which this option does not take")
            case "and":
                return MarkEdit(0, ~value & _ALL)
            case "or":
                return MarkEdit(value, value)
            case _:
                return MarkEdit(value, 0)


class ProbabilityType(ValueType[Probability]):
    """A chance from 0 to 1, kept in steps of 1/2^31."""

    expected = "a number from 0 to 1"

    def read(self, words: tuple[str, ...], context: Reading) -> Probability:  # noqa: ARG002 - the interface
        """Return the chance."""
        return Probability.parse(words[0])


def read_address_range(text: str, family: Family) -> AddressRange:
    """Read ``A`` or ``A-B``.

    Raises:
        ValueError: it is neither.
    """
    first, dash, last = text.partition("-")
    low = read_address(first, family)
    return AddressRange(low, read_address(last, family) if dash else low)


def _not_one(word: str, known: tuple[str, ...] | list[str], what: str = "one of the names") -> ValueError:
    hint = suggestion(word, known)
    return ValueError(f"{word} is not {what}" + (f" ({hint})" if hint else ""))


PREFIX: Final = PrefixType()
BARE_PREFIX: Final = PrefixType(bare=True)
INTERFACE: Final = InterfaceType()
PROTOCOL: Final = ProtocolType()
MARK: Final = MarkType()
PROBABILITY: Final = ProbabilityType()
ADDRESS: Final = AddressType()
PORT_SET: Final = PortSetType()
