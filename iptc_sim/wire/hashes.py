"""Bob Jenkins' hash of 32 bit words (lookup3, ``hashword``), by which the kernel spreads addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_ALL: Final = 0xFFFFFFFF
#: What the kernel begins with, beside the seed.
_BEGIN: Final = 0xDEADBEEF


def jenkins(words: Sequence[int], seed: int) -> int:
    """Return the hash of words of 32 bits.

    Source: burtleburtle.net/bob/c/lookup3.c, which is in the public domain.
    """
    one = two = three = (_BEGIN + (len(words) << 2) + seed) & _ALL
    rest = list(words)
    while len(rest) > 3:
        one, two, three = _mix((one + rest[0]) & _ALL, (two + rest[1]) & _ALL, (three + rest[2]) & _ALL)
        del rest[:3]
    if not rest:
        return three
    added = [*rest, 0, 0]
    return _final((one + added[0]) & _ALL, (two + added[1]) & _ALL, (three + added[2]) & _ALL)


def _turn(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _ALL


def _mix(one: int, two: int, three: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        one = ((one - three) & _ALL) ^ _turn(three, bits)
        three = (three + two) & _ALL
        one, two, three = two, three, one
    return one, two, three


def _final(one: int, two: int, three: int) -> int:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        three = ((three ^ two) - _turn(two, bits)) & _ALL
        one, two, three = two, three, one
    # After seven turns the word that was changed last stands second.
    return two
