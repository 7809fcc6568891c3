"""``-m u32``: arithmetic on four bytes at a time (xt_u32.c)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from iptc_sim.constraint import Asked, Constraint
from iptc_sim.extension import Placement, extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass
from iptc_sim.values import Negatable, NumberRange

if TYPE_CHECKING:
    from iptc_sim.wire.packets import Octets

#: The kernel's structure has this many tests, and in each this many numbers and ranges (XT_U32_MAXSIZE less one).
MOST = 10
_NUMBER = r"(0[xX][0-9A-Fa-f]+|\d+)"
_FIRST = re.compile(rf"\s*{_NUMBER}\s*", re.ASCII)
_STEP = re.compile(rf"(&|<<|>>|@)\s*{_NUMBER}\s*", re.ASCII)
_RANGE = re.compile(rf"\s*{_NUMBER}\s*(?::\s*{_NUMBER}\s*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Location:
    """Where four bytes are read, and what is done with them: an offset, then operators with numbers."""

    offset: int
    steps: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return f"{self.offset:#x}" + "".join(f"{operator}{number:#x}" for operator, number in self.steps)


@dataclass(frozen=True, slots=True)
class Test:
    """A location and the ranges one of which its value must lie in."""

    location: Location
    ranges: tuple[NumberRange, ...]

    def __str__(self) -> str:
        return f"{self.location}={','.join(map(_range_text, self.ranges))}"


@dataclass(frozen=True, slots=True)
class Tests:
    """Tests all of which must hold."""

    tests: tuple[Test, ...]

    def __str__(self) -> str:
        return "&&".join(map(str, self.tests))


def _range_text(value: NumberRange) -> str:
    return f"{value.first:#x}" if value.first == value.last else f"{value.first:#x}:{value.last:#x}"


class TestsType(ValueType[Tests]):
    """``location=ranges``, several of them with ``&&``; printed in hex, without blanks and in quotes."""

    expected = 'a test such as "6&0xFF=1", several with && between them'

    def read(self, words: tuple[str, ...], context: Reading) -> Tests:  # noqa: ARG002 - the interface
        """Return the tests."""
        # A location holds a single & only, so && is always between tests.
        tests = tuple(_test(text) for text in words[0].split("&&"))
        if len(tests) > MOST:
            raise ValueError(f"it has {len(tests)} tests, at most {MOST} fit")
        return Tests(tests)

    def write(self, value: Tests) -> tuple[str, ...]:
        """Return the tests in quotes."""
        return (f'"{value}"',)


def _test(text: str) -> Test:
    left, equals, right = text.partition("=")
    if not equals:
        raise ValueError(f"{text.strip() or 'an empty test'} has no = with values behind it")
    first = _FIRST.match(left)
    if first is None:
        raise ValueError(f"{text.strip()} does not begin with an offset")
    steps, end = [], first.end()
    while end < len(left):
        step = _STEP.match(left, end)
        if step is None:
            raise ValueError(f"{left[end:].strip()} is not an operator (& << >> @) with a number")
        steps.append((step[1], _number(step[2])))
        end = step.end()
    items = right.split(",")
    if len(steps) >= MOST or len(items) > MOST:
        raise ValueError(f"a test has at most {MOST} numbers on each side")
    return Test(Location(_number(first[1]), tuple(steps)), tuple(map(_range, items)))


def _range(text: str) -> NumberRange:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text.strip() or 'an empty word'} is not a number or a range A:B")
    low = _number(found[1])
    return NumberRange(low, _number(found[2]) if found[2] else low)


def _number(text: str) -> int:
    number = parse_integer(text)
    if number is None or number > 0xFFFFFFFF:
        raise ValueError(f"{text} is not a number of 32 bits")
    return number


@extension
class U32(HeaderMatch):
    """Reads from the network header on; ``@`` moves to where the value so far points."""

    NAME = "u32"

    tests: Negatable[Tests] = option(TestsType(), "--u32", negatable=True, required=True)

    def refusal(self, place: Placement) -> str:
        """Four bytes can be shifted by 31 bits at most."""
        steps = (step for test in self.tests.value.tests for step in test.location.steps)
        if any(operator in {"<<", ">>"} and number > 31 for operator, number in steps):
            return "--u32 shifts by more than 31 bits"
        return Match.refusal(self, place)

    def judge(self, at: Moment) -> Outcome:
        """Read and compare, test after test."""
        octets = self.octets(at)
        try:
            holds = all(_holds(test, octets) for test in self.tests.value.tests)
        except LookupError:
            return Unclear(self, f"{self.option_text('tests')}: bytes that it asks for are not known")
        if holds != self.tests.negated:
            return YES
        return No(self, "tests", "the bytes are such" if holds else "the bytes are others, or not there")

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say that bytes of the headers may be looked at."""
        return self.free("tests", reads=None)


def _holds(test: Test, octets: Octets) -> bool:
    """Whether one test holds; bytes that the packet does not have make it fail.

    Raises:
        LookupError: it hangs on bytes that are not known.
    """
    base, value = 0, _word(octets, 0, test.location.offset)
    for operator, number in test.location.steps:
        if value is None:
            return False
        if operator == "&":
            value &= number
        elif operator == "<<":
            value = value << number & 0xFFFFFFFF
        elif operator == ">>":
            value >>= number
        else:
            base += value
            value = _word(octets, base, number)
    return value is not None and any(value in item for item in test.ranges)


def _word(octets: Octets, base: int, offset: int) -> int | None:
    """Return four bytes; None where the packet ends before, or the place is past what 32 bits can tell."""
    first = base + offset
    if base > 0xFFFFFFFF or first + 4 > len(octets.data):
        return None
    if not octets.knows(first, first + 4):
        raise LookupError
    return int.from_bytes(octets.data[first : first + 4])
