"""The value types that options share: how a port, a mark, an address, a name is read and printed."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from iptc_sim.diagnostics import suggestion
from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import parse_integer, protocol_name, protocol_names, protocol_number
from iptc_sim.services import service_port
from iptc_sim.values import (
    Address,
    AddressRange,
    Family,
    InterfacePattern,
    MarkEdit,
    MaskedMark,
    Names,
    PortRange,
    PortSet,
    Prefix,
    Probability,
)

_DOTTED = re.compile(r"\.".join([r"(0|1\d{0,2}|2(?:[0-4]\d?|5[0-5]?|[6-9])?|[3-9]\d?)"] * 4), re.ASCII)
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ALL = 0xFFFFFFFF


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


class Text(ValueType[str]):
    """A string; ``limit`` bytes are kept as the kernel's structure has no more, or more are refused if ``strict``."""

    def __init__(self, expected: str, limit: int, *, strict: bool = False, quote: bool = True) -> None:
        self.expected, self.limit, self.strict, self.quote = expected, limit, strict, quote

    def read(self, words: tuple[str, ...], context: Reading) -> str:  # noqa: ARG002 - the interface
        """Return the string."""
        data = words[0].encode()
        if len(data) > self.limit:
            if self.strict:
                raise ValueError(f"it has {len(data)} bytes, at most {self.limit} fit")
            return data[: self.limit].decode(errors="ignore")
        return words[0]

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


def read_port(text: str) -> int:
    """Read a port: a number 0-65535 or a service name.

    Raises:
        ValueError: it is neither.
    """
    number = parse_integer(text)
    if number is None:
        number = service_port(text)
    if number is None:
        raise ValueError(f"{text or 'an empty word'} is not a port")
    if number > 65535:
        raise ValueError(f"port {text} is out of range")
    return number


class PortRangeType(ValueType[PortRange]):
    """``P``, ``P:P``, ``:P`` or ``P:``; the full range says nothing and disappears.

    Args:
        ordered: whether a range that ends before it begins is refused (tcp: yes; udp and others: no, in 1.8.9).
        separator: between the two ports.
        vanishes: whether the full range disappears.
    """

    expected = "a port 0-65535, a range A:B, or a service name"

    def __init__(self, *, ordered: bool, separator: str = ":", vanishes: bool = True) -> None:
        self.ordered, self.separator, self.vanishes = ordered, separator, vanishes

    def read(self, words: tuple[str, ...], context: Reading) -> PortRange | None:  # noqa: ARG002 - the interface
        """Return the range, None for all ports."""
        first, separator, last = words[0].partition(self.separator)
        low = read_port(first) if first or not separator else 0
        high = low if not separator else (read_port(last) if last else 65535)
        if self.ordered and low > high:
            raise ValueError(f"the range {words[0]} ends before it begins")
        return None if self.vanishes and (low, high) == (0, 65535) else PortRange(low, high)

    def write(self, value: PortRange) -> tuple[str, ...]:
        """Return ``P`` or ``P:P``."""
        return (str(value).replace(":", self.separator),)


class PortSetType(ValueType[PortSet]):
    """The list of multiport: at most 15 slots, a range takes two."""

    expected = "up to 15 ports or ranges A:B, between commas"

    def read(self, words: tuple[str, ...], context: Reading) -> PortSet:  # noqa: ARG002 - the interface
        """Return the list, in the order given."""
        ranges = []
        for item in words[0].split(","):
            first, separator, last = item.partition(":")
            low = read_port(first)
            high = read_port(last) if separator else low
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


def _inet_aton(text: str) -> int:
    """Read dotted parts, missing ones at the end are zero (``xtables_numeric_to_ipaddr`` pads networks so)."""
    plain = _DOTTED.fullmatch(text)
    if plain:
        return (int(plain[1]) << 24) | (int(plain[2]) << 16) | (int(plain[3]) << 8) | int(plain[4])
    parts = [parse_integer(part) for part in text.split(".")]
    if len(parts) > 4 or any(part is None for part in parts):
        raise ValueError(f"{text} is not an IPv4 address")
    numbers = [part for part in parts if part is not None]
    if len(numbers) == 1 and numbers[0] > 255:
        if numbers[0] > _ALL:
            raise ValueError(f"{text} is not an IPv4 address")
        return numbers[0]
    if any(number > 255 for number in numbers):
        raise ValueError(f"{text} is not an IPv4 address: a part is above 255")
    return int.from_bytes(bytes(numbers + [0] * (4 - len(numbers))))


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
        if mask in {"32", ""} and context.family is Family.IPV4 and _DOTTED.fullmatch(text):
            return Prefix(Family.IPV4, _inet_aton(text), _ALL)  # a single address, by far the most frequent
        if not text:
            raise ValueError("the address is missing")
        if context.family is Family.IPV4 and ":" in text:
            raise ValueError(f"{text} is an IPv6 address in an IPv4 ruleset")
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9.-]*", text) and ":" not in text:
            raise ValueError(f"{text} is a host name; only addresses can be used, nothing is looked up")
        address = read_address(text, context.family)
        value = self._mask(mask, context.family) if slash else Prefix.of(address).mask
        if not value and context.negated:
            raise ValueError("! with an address that every packet has never fits; iptables refuses it")
        return Prefix(context.family, int(address) & value, value) if value or self.bare else None

    @staticmethod
    def _mask(text: str, family: Family) -> int:
        if text.isascii() and text.isdigit():
            if int(text) > family.bits:
                raise ValueError(f"/{text} is longer than an IPv{family} address")
            return Prefix.of(IPv4Address(0) if family is Family.IPV4 else IPv6Address(0), int(text)).mask
        try:
            return int(read_address(text, family))
        except ValueError:
            raise ValueError(f"/{text} is neither a length nor a mask") from None

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
