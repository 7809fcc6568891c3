"""Drawn values: the odds are exact, and equal distributions are found to be."""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from random import Random

from iptc_sim.diagram.nodes import Diagrams
from iptc_sim.symbolic.odds import Distributions, Split


def _drawn(odds: Distributions, random: Random, depth: int) -> tuple[Hashable, dict[Hashable, Fraction]]:
    """Return a random distribution, and its odds reckoned beside it."""
    if not depth or random.random() < 0.2:
        leaf = random.choice("abcd")
        return leaf, {leaf: Fraction(1)}
    (hit, mine), (miss, theirs) = (_drawn(odds, random, depth - 1) for _ in range(2))
    denominator = random.choice((2**31, 3, 7))
    share = Fraction(random.randint(0, denominator), denominator)
    expected: dict[Hashable, Fraction] = {}
    for part, weight in ((mine, share), (theirs, 1 - share)):
        for end, chance in part.items():
            expected[end] = expected.get(end, Fraction(0)) + chance * weight
    numerator = share * denominator
    assert numerator.denominator == 1
    return odds.split(int(numerator), denominator, hit, miss), {k: v for k, v in expected.items() if v}


def test_odds_are_exact() -> None:
    odds, random = Distributions(Diagrams([1])), Random(6)
    for _ in range(400):
        value, expected = _drawn(odds, random, 5)
        found = {leaf: chance.fraction for leaf, chance in odds.exact(value).items()}
        assert {leaf: chance for leaf, chance in found.items() if chance} == expected
        assert set(odds.leaves(value)) == set(expected)


def test_the_same_odds_drawn_otherwise() -> None:
    odds = Distributions(Diagrams([1]))
    half = odds.split(1, 2, "a", "b")
    once = odds.split(3, 4, "a", "b")
    twice = odds.split(2, 4, "a", half)
    assert once is not twice
    assert odds.same(once, twice)
    assert not odds.same(once, half)
    assert odds.split(1, 2, half, half) is half
    assert odds.split(0, 2, "a", "b") == "b"
    assert odds.split(2, 2, "a", "b") == "a"


def test_one_changed_threshold_is_another_distribution() -> None:
    odds = Distributions(Diagrams([1]))
    thresholds = [715827883, 1073741824]

    def of(first: int, second: int) -> Hashable:
        return odds.split(first, 2**31, "a", odds.split(second, 2**31, "b", "c"))

    assert odds.same(of(*thresholds), of(*thresholds))
    assert not odds.same(of(*thresholds), of(thresholds[0] + 1, thresholds[1]))


def test_thousands_of_endpoints_are_one_list() -> None:
    diagrams = Diagrams([1])
    odds = Distributions(diagrams)
    count = 5_000
    found = diagrams.terminal(0)
    for number in range(1, count):
        found = odds.mix(round(2**31 / (number + 1)), 2**31, diagrams.terminal(number), found)
    assert isinstance(found.value, Split)
    followed = odds.bind(found, lambda leaf: diagrams.terminal(("end", leaf)))
    exact = odds.exact(followed.value)
    assert len(exact) == count
    last = exact["end", count - 1].fraction
    assert last == Fraction(round(2**31 / count), 2**31)
    before = (1 - last) * Fraction(round(2**31 / (count - 1)), 2**31)
    assert exact["end", count - 2].fraction == before
    assert abs(float(exact["end", 0].fraction) - 1 / count) < 1e-6
