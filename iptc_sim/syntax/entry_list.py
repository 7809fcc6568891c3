"""The entries of a chain to which commands have been given: as quick to put in front as at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import overload


class EntryList(Sequence[int]):
    """Numbers in order; 100,000 of ``-I CHAIN`` do not move those behind them 100,000 times.

    Args:
        entries: the numbers at the beginning.
    """

    __slots__ = ("_back", "_front")

    def __init__(self, entries: Iterable[int] = ()) -> None:
        self._front: list[int] = []  # the last of it comes first
        self._back = list(entries)

    def __len__(self) -> int:
        return len(self._front) + len(self._back)

    def __iter__(self) -> Iterator[int]:
        return chain(reversed(self._front), self._back)

    @overload
    def __getitem__(self, position: int) -> int: ...

    @overload
    def __getitem__(self, position: slice) -> Sequence[int]: ...

    def __getitem__(self, position: int | slice) -> int | Sequence[int]:
        """Return the number at a position from 0, or a part.

        Raises:
            IndexError: there is none.
        """
        if isinstance(position, slice):
            return list(self)[position]
        front = len(self._front)
        return self._front[front - 1 - position] if position < front else self._back[position - front]

    def __setitem__(self, position: int, entry: int) -> None:
        front = len(self._front)
        if position < front:
            self._front[front - 1 - position] = entry
        else:
            self._back[position - front] = entry

    def insert(self, position: int, entry: int) -> None:
        """Put a number before the one at a position, or behind all."""
        front = len(self._front)
        if position <= front:
            self._front.insert(front - position, entry)
        else:
            self._back.insert(position - front, entry)

    def append(self, entry: int) -> None:
        """Put a number behind all."""
        self._back.append(entry)

    def pop(self, position: int) -> int:
        """Take the number at a position out and return it.

        Raises:
            IndexError: there is none.
        """
        front = len(self._front)
        return self._front.pop(front - 1 - position) if position < front else self._back.pop(position - front)

    def first_of(self, wanted: set[int]) -> int | None:
        """Return the position of the first of some numbers; None where none of them is here."""
        if len(wanted) == 1:  # as always but for rules that stand several times: list.index is four times as quick
            (entry,) = wanted
            for part, before in ((self._front[::-1], 0), (self._back, len(self._front))):
                with suppress(ValueError):
                    return before + part.index(entry)
            return None
        return next((position for position, entry in enumerate(self) if entry in wanted), None)

    def clear(self) -> None:
        """Take all out."""
        self._front, self._back = [], []
