"""Records behave as the standard library's do, which is asked the same."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from iptc_sim import records


@records.dataclass(frozen=True, slots=True)
class Ours:
    first: int
    second: str = "b"
    kept: list[int] = records.field(default_factory=list, compare=False)
    own: int = records.field(default=7, init=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    first: int
    second: str = "b"
    kept: list[int] = dataclasses.field(default_factory=list, compare=False)
    own: int = dataclasses.field(default=7, init=False)


@records.dataclass(frozen=True, slots=True)
class Below(Ours):
    third: int = 3


@records.dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    first: int
    second: int = 2


@records.dataclass()
class Open:
    first: int
    second: int = 2


def values(record: Any) -> list[object]:
    return [getattr(record, name) for name in ("first", "second", "kept", "own")]


def test_replace() -> None:
    ours, theirs = Ours(1, "x", [5]), Theirs(1, "x", [5])
    for changes in ({}, {"first": 9}, {"kept": [8], "second": "z"}):
        assert values(records.replace(ours, **changes)) == values(dataclasses.replace(theirs, **changes))
    assert records.replace(Below(1, third=4), first=2) == Below(2, third=4)
    assert records.replace(Named(first=1), second=5) == Named(first=1, second=5)
    assert records.replace(Open(1), second=5) == Open(1, 5)
    assert values(ours) == [1, "x", [5], 7]


@pytest.mark.parametrize("record", [Ours(1), Named(first=1), Open(1)])
def test_replace_of_what_is_not_there(record: Any) -> None:
    with pytest.raises(TypeError):
        records.replace(record, fourth=1)


def test_frozen() -> None:
    ours = Ours(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        ours.first = 2  # type: ignore[misc]
    assert ours.first == 1
    opened = Open(1)
    opened.first = 2
    assert opened.first == 2


def test_copies() -> None:
    below = Below(1, "x", [5], 4)
    for made in (copy.copy(below), copy.deepcopy(below), pickle.loads(pickle.dumps(below))):  # noqa: S301 - its own
        assert made == below
        assert made.kept == [5]
        assert made.own == 7
