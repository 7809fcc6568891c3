"""Things to draw at random, put together out of smaller ones.

Hypothesis has more of them, but varies what it has drawn by small steps to find a failure fast; here every draw asks
iptables something, so each shall be new, and cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Chance(Generic[T]):
    """Something that can be drawn."""

    draw: Callable[[Random], T]

    def map(self, change: Callable[[T], U]) -> Chance[U]:
        """Change what is drawn."""
        return Chance(lambda random: change(self.draw(random)))

    def filter(self, keep: Callable[[T], bool]) -> Chance[T]:
        """Draw until it is fit to keep."""

        def draw(random: Random) -> T:
            while not keep(found := self.draw(random)):
                pass
            return found

        return Chance(draw)


def just(value: T) -> Chance[T]:
    """Draw always the same."""
    return Chance(lambda _random: value)


def integers(low: int, high: int) -> Chance[int]:
    """Draw a number from ``low`` to ``high``."""
    return Chance(lambda random: random.randint(low, high))


def fractions() -> Chance[float]:
    """Draw a number from 0 to 1."""
    return Chance(lambda random: random.random())


def sampled_from(values: Iterable[T]) -> Chance[T]:
    """Draw one of the values."""
    known = tuple(values)
    return Chance(lambda random: random.choice(known))


def one_of(*choices: Chance[T]) -> Chance[T]:
    """Draw one of these."""
    return Chance(lambda random: random.choice(choices).draw(random))


def builds(make: Callable[..., T], *parts: Chance[Any]) -> Chance[T]:
    """Make something of drawn parts."""
    return Chance(lambda random: make(*(part.draw(random) for part in parts)))


def tuples(*parts: Chance[T]) -> Chance[tuple[T, ...]]:
    """Draw all of these."""
    return builds(lambda *found: found, *parts)


def lists(item: Chance[T], *, least: int = 0, most: int = 5) -> Chance[list[T]]:
    """Draw several of one kind."""
    return Chance(lambda random: [item.draw(random) for _ in range(random.randint(least, most))])


def text(characters: Chance[str] | str, *, least: int = 0, most: int = 20) -> Chance[str]:
    """Draw a string of these characters."""
    one = sampled_from(characters) if isinstance(characters, str) else characters
    return lists(one, least=least, most=most).map("".join)


def binary(least: int, most: int) -> Chance[bytes]:
    """Draw bytes."""
    return lists(integers(0, 255), least=least, most=most).map(bytes)


def shuffled(random: Random, values: Sequence[T]) -> list[T]:
    """Return the values in random order."""
    return random.sample(values, len(values))
