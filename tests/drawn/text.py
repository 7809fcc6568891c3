"""Words as a person may write them: numbers in any base, addresses in any spelling, text that needs quotes."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import IPv6Address

from iptc_sim.values import Family
from tests.drawn import chance
from tests.drawn.chance import Chance

Words = Chance[str]

_PLAIN = re.compile(r"[^\s\"\\]+")
_FULL = 2**32 - 1


def quoted(word: str) -> str:
    """Return a word for a restore line: in quotes where it needs them."""
    if _PLAIN.fullmatch(word):
        return word
    return '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'


def _spell(number: int, base: str) -> str:
    match base:
        case "x":
            return f"{number:#x}"
        case "X":
            return f"0x{number:X}"
        case "o":
            return f"0{number:o}"
    return str(number)


@cache
def integers(low: int, high: int) -> Chance[int]:
    """Numbers, often at the ends."""
    ends = sorted({number for number in (low, low + 1, high - 1, high) if low <= number <= high})
    return chance.one_of(
        chance.integers(low, min(high, low + 99)), chance.integers(low, high), chance.sampled_from(ends)
    )


@cache
def numbers(low: int, high: int) -> Words:
    """Numbers, now and then in hexadecimal or octal."""
    return chance.builds(_spell, integers(low, high), chance.sampled_from("ddddddxXo"))


@cache
def pairs(number: Words, separator: str = ":", *, open_ended: bool = True, low: int = 0) -> Words:
    """``A``, ``A:B`` with A below B, and with an end left open. The ends are plain numbers."""
    both = chance.tuples(integers(low, 65535), integers(low, 65535)).map(
        lambda ends: separator.join(map(str, sorted(ends)))
    )
    half = chance.one_of(number.map(lambda text: f"{text}{separator}"), number.map(lambda text: f"{separator}{text}"))
    return chance.one_of(number, both, half) if open_ended else chance.one_of(number, both)


def listed(item: Words, most: int = 4, *, least: int = 1, separator: str = ",") -> Words:
    """Several words in one, between commas."""
    return chance.lists(item, least=least, most=most).map(separator.join)


def cased(*names: str) -> Words:
    """One of some names in lower, upper or mixed case."""
    return chance.builds(
        lambda name, form: form(name),
        chance.sampled_from(names),
        chance.sampled_from([str, str.lower, str.upper, str.title]),
    )


#: Names without anything that needs quotes, for options that are printed as they stand.
NAME = chance.builds(
    lambda first, rest: first + rest, chance.sampled_from("abcdxyzABC"), chance.text("abcXYZ0189._-", least=5, most=9)
)
_CHARACTERS = chance.one_of(
    chance.sampled_from("abcXYZ019 _-.,:;"),
    chance.sampled_from("\"\\'`$|#!*&()<>=+%/?[]{}~^@"),
    chance.sampled_from("äßéΩж漢🙂"),
)
SERVICES = chance.sampled_from(["ssh", "http", "https", "domain", "smtp", "ftp-data", "x11", "http-alt"])
PORT = chance.one_of(numbers(0, 65535), numbers(0, 65535), SERVICES)
INTERFACE = chance.sampled_from(
    ["eth0", "lo", "eth+", "wg0.100", "br-0a1b2c3d4e5f", "cali+", "+", "veth_1@x", "a", "exactly15bytes_"]
)


@cache
def text(most: int, *, least: int = 0) -> Words:
    """Text of ``least`` to ``most`` bytes with blanks, quotes, backslashes and UTF-8; as a bare word it looks no option."""
    return (
        chance.one_of(chance.text(_CHARACTERS, least=least, most=most), chance.text("ab c", least=least, most=most))
        .filter(lambda found: least <= len(found.encode()) <= most)
        .filter(lambda found: found[:1] not in {"-", "!"})
    )


# --- addresses ------------------------------------------------------------------------------------------------------

_FOUR = chance.one_of(
    chance.sampled_from(["10.0.0.1", "127.0.0.1", "192.168.1.0", "0.0.0.1", "255.255.255.255", "224.0.0.251"]),
    integers(1, _FULL).map(lambda number: ".".join(map(str, number.to_bytes(4)))),
)
_SIX_NUMBERS = chance.one_of(
    chance.sampled_from(
        [1, 0xFE80 << 112 | 1, 0x20010DB8 << 96 | 1, 0x0064FF9B << 96 | 0x0A000001, 0xFFFF0A000001, 0x0A000001]
    ),
    integers(1, 2**128 - 1),
    chance.integers(0, 2**64 - 1).map(lambda number: 0x20010DB8 << 96 | number & 0xFFFF0000FFFF),
)
_SIX = chance.builds(
    lambda number, form: form(IPv6Address(number)),
    _SIX_NUMBERS,
    chance.sampled_from(
        [
            str,
            str,
            lambda address: address.exploded,
            lambda address: str(address).upper(),
            lambda address: f"{':'.join(address.exploded.split(':')[:6])}:{'.'.join(map(str, address.packed[12:]))}",
        ]
    ),
)


def address(family: Family) -> Words:
    """One address."""
    return _FOUR if family is Family.IPV4 else _SIX


@cache
def mask(family: Family) -> Words:
    """A prefix length, or a mask; rarely one with holes."""
    lengths = chance.integers(0, family.bits)
    made = chance.one_of(lengths, chance.just(family.bits)).map(
        lambda length: _address(family, (1 << family.bits) - (1 << (family.bits - length)))
    )
    holes = chance.sampled_from(["255.0.255.0", "0.0.0.255"] if family is Family.IPV4 else ["ffff::ffff", "::ffff:0"])
    return chance.one_of(numbers(1, family.bits).filter(str.isdigit), lengths.map(str), lengths.map(str), made, holes)


def _address(family: Family, number: int) -> str:
    return ".".join(map(str, number.to_bytes(4))) if family is Family.IPV4 else str(IPv6Address(number))


@cache
def network(family: Family) -> Words:
    """An address, alone or with a length or a mask."""
    masked = chance.builds(lambda host, length: f"{host}/{length}", address(family), mask(family))
    short = chance.sampled_from(["10/8", "172.16/12", "192.168.1/24", "10.1", "0/0", "0x0a.1.010.1"])
    return chance.one_of(address(family), masked, masked, *([short] if family is Family.IPV4 else []))


@cache
def address_range(family: Family) -> Words:
    """``A`` or ``A-B`` with A below B."""
    count = chance.integers(0, 2**family.bits - 1)
    both = chance.tuples(count, count).map(lambda ends: "-".join(_address(family, end) for end in sorted(ends)))
    return chance.one_of(address(family), both)
