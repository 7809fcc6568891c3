"""Marks as terms of the bits that packets came with, against the arithmetic of the kernel on numbers."""

from __future__ import annotations

from random import Random

from iptc_sim.constraint import Bits, Field
from iptc_sim.symbolic.conditions import Conditions
from iptc_sim.symbolic.deeds import copied, edited
from iptc_sim.symbolic.store import ENTRY_CTMARK, ENTRY_MARK, BitTerm, Mark, Opaque, Store
from iptc_sim.symbolic.variables import Space
from iptc_sim.target import CopyMark
from iptc_sim.values import Family

_ALL = 0xFFFFFFFF


def _mask(random: Random) -> int:
    return random.choice((0, _ALL, 0x4000, 0xFF, 0xF0, random.getrandbits(32)))


def _sequence(random: Random, *, shifts: bool) -> tuple[Mark, Mark, tuple[int, int], tuple[int, int]]:
    """Return both marks after the same edits as terms and as numbers; then the numbers at first."""
    entered = random.getrandbits(32), random.getrandbits(32)
    marks: list[Mark] = [ENTRY_MARK, ENTRY_CTMARK]
    numbers = list(entered)
    for _ in range(random.randrange(1, 7)):
        to, keep = random.randrange(2), _mask(random)
        if random.random() < 0.5:
            xor = random.getrandbits(32) & _mask(random)
            marks[to], numbers[to] = edited(marks[to], keep, xor), numbers[to] & keep ^ xor
            continue
        take = _mask(random)
        left = random.choice((0, 0, 4)) if shifts else 0
        deed = CopyMark((Field.MARK, Field.CTMARK)[to], (Field.CTMARK, Field.MARK)[to], keep, take, left, 0)
        marks[to] = copied(deed, marks[to], marks[1 - to])
        numbers[to] = numbers[to] & keep ^ (numbers[1 - to] & take) << left & _ALL
    return marks[0], marks[1], (numbers[0], numbers[1]), entered


def test_edits_and_copies() -> None:
    random = Random(6)
    for _ in range(3_000):
        mark, ctmark, numbers, entered = _sequence(random, shifts=False)
        assert isinstance(mark, BitTerm)
        assert isinstance(ctmark, BitTerm)
        assert (mark.value(*entered), ctmark.value(*entered)) == numbers


def test_shifts_are_reckoned_where_the_bits_are_known() -> None:
    random, known, unknown = Random(6), 0, 0
    for _ in range(3_000):
        mark, _, numbers, entered = _sequence(random, shifts=True)
        if isinstance(mark, Opaque):
            unknown += 1
        else:
            known += 1
            assert mark.value(*entered) == numbers[0]
    assert known > 1_000
    assert unknown > 100


def test_tests_of_marks() -> None:
    random = Random(7)
    space = Space(Family.IPV4)
    conditions = Conditions(space)
    holds = 0
    for _ in range(600):
        mark, ctmark, numbers, entered = _sequence(random, shifts=False)
        mask = random.choice((0x4000, 0xF, 0x3, 0xF0F, _ALL))
        wanted = random.choice((numbers[0], random.getrandbits(32))) & mask
        store = Store(mark=mark, ctmark=ctmark)
        condition = conditions.of(Bits(Field.MARK, wanted, mask), store)
        levels = {space.level(Field.MARK, bit): entered[0] >> bit & 1 for bit in range(32)}
        levels |= {space.level(Field.CTMARK, bit): entered[1] >> bit & 1 for bit in range(32)}
        expected = numbers[0] & mask == wanted
        assert space.diagrams.value(condition, levels) is expected
        holds += expected
    assert 200 < holds < 500
