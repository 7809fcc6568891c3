"""What expectations are made of: destinations, places in the rules, chances."""

from __future__ import annotations

import re
from fractions import Fraction
from math import isfinite
from typing import Final

from iptc_sim.flows import read_endpoint
from iptc_sim.flows.resolver import Resolver
from iptc_sim.options import Reading
from iptc_sim.packet import Packet, endpoint_text
from iptc_sim.protocols import PORT_PROTOCOLS, parse_integer
from iptc_sim.records import dataclass
from iptc_sim.steps import ChainStep, PolicyStep, RuleStep, Step
from iptc_sim.targets.reject import RejectType
from iptc_sim.values import UNKNOWN, Address, Family, MaskedMark, Unknown

#: Stands for every place, code or address: it is told only that there is one.
ANY: Final = "any"

#: How far a chance may be from a fraction with a small denominator: kube-proxy writes five digits up to 1.16, and the
#: kernel keeps 31 bits of any, so that three endpoints never get exactly a third each.
ROUNDING: Final = Fraction(1, 100_000)
_FRACTION: Final = re.compile(r"([0-9]{1,4000})/([0-9]{1,4000})")
_DECIMAL: Final = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,30}))?(%?)")
_DIGITS: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a packet goes; without a port every port of the address."""

    address: Address
    port: int | Unknown | None = None

    def __str__(self) -> str:
        return endpoint_text(self.address, None if self.port is UNKNOWN else self.port)

    def fits(self, address: Address | Unknown, port: int | Unknown | None) -> bool:
        """Whether an end of a packet is this one."""
        return address == self.address and (self.port in {None, UNKNOWN} or port == self.port)

    def is_destination_of(self, packet: Packet) -> bool:
        """Whether the packet goes there."""
        return self.fits(packet.destination, packet.dport)


@dataclass(frozen=True, slots=True)
class Place:
    """A chain, or a rule of it, as ``[TABLE/]CHAIN[:NUMBER]``; number 0, also written ``policy``, is the policy."""

    chain: str
    number: int | None = None
    table: str | None = None

    def __str__(self) -> str:
        number = "" if self.number is None else f":{self.number or 'policy'}"
        return f"{self.table + '/' if self.table else ''}{self.chain}{number}"

    def holds(self, decided_by: tuple[str, str, int] | None) -> bool:
        """Whether the rule or policy that ended a branch is in it."""
        if decided_by is None:
            return False
        table, chain, number = decided_by
        return (
            chain == self.chain
            and (self.table is None or table == self.table)
            and (self.number is None or number == self.number)
        )

    def is_passed_in(self, step: Step) -> bool:
        """Whether a step enters the chain, fits the rule, or comes to the policy."""
        if not isinstance(step, ChainStep | RuleStep | PolicyStep) or step.chain != self.chain:
            return False
        if self.table is not None and step.table != self.table:
            return False
        match step:
            case ChainStep():
                return self.number is None
            case RuleStep():
                return step.matched and step.number == self.number
            case PolicyStep():
                return self.number == 0


@dataclass(frozen=True, slots=True)
class Chance:
    """A chance as somebody wrote it, and between which bounds it is meant."""

    text: str
    least: Fraction
    most: Fraction

    def __str__(self) -> str:
        return self.text

    def holds(self, chance: Fraction) -> bool:
        """Whether an exact chance is within the bounds."""
        return self.least <= chance <= self.most


def read_destination(text: str, protocol: int, names: Resolver | None = None) -> Destination:
    """Read ``ADDRESS``, ``ADDRESS:PORT``, or a name that ``names`` knows.

    Args:
        text: the word.
        protocol: of the flow; a name may stand for several ports.
        names: knows what names of objects stand for.

    Raises:
        ValueError: it is none of them.
    """
    named = names.resolve(text, protocol) if names else None
    if named is not None:
        return Destination(named.address, named.port)
    found = read_endpoint(text, with_port=protocol in PORT_PROTOCOLS)
    return Destination(found.address, found.port)


def read_place(text: str) -> Place:
    """Read ``[TABLE/]CHAIN[:NUMBER|:policy]``.

    Raises:
        ValueError: there is no chain in it, or what follows the colon is neither a number nor ``policy``.
    """
    table, slash, rest = text.partition("/")
    chain, colon, number = (rest if slash else text).partition(":")
    if not chain or (slash and not table):
        raise ValueError(f"{text or 'an empty text'} names no chain")
    if not colon:
        return Place(chain, None, table if slash else None)
    if number != "policy" and not _DIGITS.fullmatch(number):
        raise ValueError(f"{number or 'nothing'} is not the number of a rule")
    return Place(chain, 0 if number == "policy" else int(number), table if slash else None)


def read_chance(given: str | float) -> Chance:
    """Read ``1/3``, ``33.3%`` or ``0.333``; a number of Python stands for the fraction that it is nearest to.

    A decimal or percentage is meant to the digits that are given. A fraction is meant to within :data:`ROUNDING`, and
    exactly where its denominator is larger than that can tell apart, as in what ``--record`` writes.

    Raises:
        ValueError: it is none of them, or not between 0 and 1.
    """
    text = given if isinstance(given, str) else _nearest(given)
    if found := _FRACTION.fullmatch(text):
        over, under = int(found[1]), int(found[2])
        if not under or over > under:
            raise ValueError(f"{text} is not between 0 and 1")
        value = Fraction(over, under)
        spread = Fraction(0) if under > 1 / ROUNDING or over in {0, under} else ROUNDING
        return Chance(text, value - spread, value + spread)
    if found := _DECIMAL.fullmatch(text):
        digits = len(found[2] or "")
        scale = 10**digits * (100 if found[3] else 1)
        value = Fraction(int(found[1] + (found[2] or "")), scale)
        if value > 1:
            raise ValueError(f"{text} is not between 0 and 1")
        spread = Fraction(0) if value in {0, 1} else Fraction(1, 2 * scale)
        return Chance(text, value - spread, value + spread)
    raise ValueError(f"{text} is not a chance")


def _nearest(number: float) -> str:
    found = Fraction(number).limit_denominator(10_000) if isfinite(number) else Fraction(-1)
    return f"{found.numerator}/{found.denominator}"


def read_code(text: str, family: Family) -> str:
    """Read ``any``, or what ``--reject-with`` takes, and return its full name.

    Raises:
        ValueError: it is none.
    """
    return text if text == ANY else RejectType().read((text,), Reading(family))


def read_mark(text: str) -> MaskedMark:
    """Read ``VALUE[/MASK]``, numbers as iptables takes them.

    Raises:
        ValueError: it is none, or has more than 32 bits.
    """
    word, slash, mask = text.partition("/")
    numbers = [parse_integer(word), parse_integer(mask) if slash else 0xFFFFFFFF]
    if any(number is None or number > 0xFFFFFFFF for number in numbers):
        raise ValueError(f"{text} is not a mark of 32 bits")
    return MaskedMark(numbers[0] or 0, numbers[1] or 0)
