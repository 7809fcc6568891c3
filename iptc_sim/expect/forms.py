"""Shapes of what may stand in a flows file: each judges a value where it stands, and gives its JSON schema."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from iptc_sim.diagnostics import suggestion
from iptc_sim.expect.faults import Faults
from iptc_sim.interchange.codecs import closed
from iptc_sim.interchange.scalars import Json
from iptc_sim.kube.yaml_values import Marked
from iptc_sim.records import dataclass

#: How much of a wrong value an error shows.
_SHOWN: Final = 40


class Shape(ABC):
    """What a value may be."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """What would be right, in words."""

    @abstractmethod
    def fits(self, given: Marked) -> bool:
        """Whether a value is of the right kind; what is in it is for :meth:`judge`."""

    @abstractmethod
    def schema(self) -> dict[str, Json]:
        """Return the JSON schema."""

    def judge(self, given: Marked, faults: Faults) -> None:
        """Note what is wrong with a value."""
        if not self.fits(given):
            faults.add(given, f"this is {_kind(given)}", self.expected)


@dataclass(frozen=True, slots=True)
class Word(Shape):
    """A text, or a number, which is taken as it is written."""

    meaning: str

    @property
    def expected(self) -> str:
        """What it stands for."""
        return self.meaning

    def fits(self, given: Marked) -> bool:
        """Whether there is a text: no list, and neither empty nor ``true``."""
        return bool(given.text) and given.value is not None and not isinstance(given.value, bool)

    def schema(self) -> dict[str, Json]:
        """Return a text or a number."""
        return {"type": ["string", "number"], "minLength": 1, "description": self.meaning}


@dataclass(frozen=True, slots=True)
class Truth(Shape):
    """``true`` or ``false``."""

    meaning: str

    @property
    def expected(self) -> str:
        """Both words."""
        return "true or false"

    def fits(self, given: Marked) -> bool:
        """Whether it is one of the two."""
        return isinstance(given.value, bool)

    def schema(self) -> dict[str, Json]:
        """Return a boolean."""
        return {"type": "boolean", "description": self.meaning}


@dataclass(frozen=True, slots=True)
class Yes(Shape):
    """``true``, where ``false`` would say nothing."""

    meaning: str

    @property
    def expected(self) -> str:
        """The word."""
        return "true"

    def fits(self, given: Marked) -> bool:
        """Whether it is that."""
        return given.value is True

    def schema(self) -> dict[str, Json]:
        """Return the one value."""
        return {"const": True, "description": self.meaning}


@dataclass(frozen=True, slots=True)
class Choice(Shape):
    """One of some words or numbers."""

    words: tuple[str | int, ...]
    meaning: str

    @property
    def expected(self) -> str:
        """All of them."""
        return " or ".join(map(str, self.words))

    def fits(self, given: Marked) -> bool:
        """Whether it is one of them."""
        return given.text is not None and given.text in map(str, self.words)

    def schema(self) -> dict[str, Json]:
        """Return the words."""
        return {"enum": list(self.words), "description": self.meaning}


@dataclass(frozen=True, slots=True)
class Listing(Shape):
    """A list that is not empty; ``single``: one value may stand without brackets."""

    item: Shape
    meaning: str
    single: bool = True

    @property
    def expected(self) -> str:
        """What its items are."""
        return f"{self.item.expected}, or a list of them" if self.single else f"a list: {self.item.expected}"

    def fits(self, given: Marked) -> bool:
        """Whether there is something in it."""
        return bool(given.items) if given.items is not None else self.single and self.item.fits(given)

    def judge(self, given: Marked, faults: Faults) -> None:
        """Judge the list and each item."""
        if not self.fits(given):
            faults.add(given, f"this is {_kind(given)}", self.expected)
        for item in given.items or ():
            self.item.judge(item, faults)

    def schema(self) -> dict[str, Json]:
        """Return the list, or what may stand for it."""
        items: dict[str, Json] = {"type": "array", "items": self.item.schema(), "minItems": 1}
        if not self.single:
            return {**items, "description": self.meaning}
        return {"anyOf": [self.item.schema(), items], "description": self.meaning}


@dataclass(frozen=True, slots=True)
class Named(Shape):
    """Values by names that the file gives; there is at least one."""

    item: Shape
    name: str
    meaning: str

    @property
    def expected(self) -> str:
        """What its names and values are."""
        return f"a mapping of {self.name} to {self.item.expected}"

    def fits(self, given: Marked) -> bool:
        """Whether it is a mapping that has something."""
        return bool(given.pairs)

    def judge(self, given: Marked, faults: Faults) -> None:
        """Judge the mapping, its names and each value."""
        if not self.fits(given):
            faults.add(given, f"this is {_kind(given)}", self.expected)
        for key, value in _once(given, faults):
            if not key.text:
                faults.add(key, "this name is empty", self.name)
            self.item.judge(value, faults)

    def schema(self) -> dict[str, Json]:
        """Return an object of any keys."""
        return {
            "type": "object",
            "additionalProperties": self.item.schema(),
            "minProperties": 1,
            "description": self.meaning,
        }


@dataclass(frozen=True, slots=True)
class Either(Shape):
    """One of several shapes, of which the kind of value tells which."""

    shapes: tuple[Shape, ...]

    @property
    def expected(self) -> str:
        """All of them."""
        return ", or ".join(shape.expected for shape in self.shapes)

    def fits(self, given: Marked) -> bool:
        """Whether it fits one."""
        return any(shape.fits(given) for shape in self.shapes)

    def judge(self, given: Marked, faults: Faults) -> None:
        """Judge it by the first that it fits."""
        for shape in self.shapes:
            if shape.fits(given):
                shape.judge(given, faults)
                return
        faults.add(given, f"this is {_kind(given)}", self.expected)

    def schema(self) -> dict[str, Json]:
        """Return all of them."""
        return {"anyOf": [shape.schema() for shape in self.shapes]}


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a form.

    Args:
        name: as it is written.
        shape: of its value.
        required: whether it must be there.
        beside: another key without which it says nothing; empty: there is none.
    """

    name: str
    shape: Shape
    required: bool = False
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Form(Shape):
    """A mapping with fixed keys.

    Args:
        name: what errors call it: ``an expectation``.
        keys: in the order in which help shows them.
        one_of: keys of which exactly one must stand there; empty: all go together.
        needs_one: whether it is an error if there is none at all; the text says why.
    """

    name: str
    keys: tuple[Key, ...]
    one_of: tuple[str, ...] = ()
    needs_one: str = ""

    @property
    def expected(self) -> str:
        """Its keys."""
        return f"{self.name} with {', '.join(key.name for key in self.keys)}"

    def fits(self, given: Marked) -> bool:
        """Whether it is a mapping."""
        return given.pairs is not None

    def judge(self, given: Marked, faults: Faults) -> None:
        """Judge the mapping: its keys, those that are missing, and each value."""
        if not self.fits(given):
            faults.add(given, f"this is {_kind(given)}", self.expected)
            return
        known = {key.name: key for key in self.keys}
        pairs = _once(given, faults)
        for key, value in pairs:
            if (found := known.get(key.text or "")) is None:
                message = f"{_short(key.text or 'an empty text')} is not a key of {self.name}"
                faults.add(key, message, ", ".join(known), suggestion(key.text or "", known))
            else:
                found.shape.judge(value, faults)
        there = {key.text for key, _ in pairs}
        for wanted in self.keys:
            if wanted.required and wanted.name not in there:
                faults.add(given, f"{self.name} has no {wanted.name}", f"{wanted.name}: {wanted.shape.expected}")
            if wanted.beside and wanted.name in there and wanted.beside not in there:
                key = next(key for key, _ in pairs if key.text == wanted.name)
                faults.add(key, f"{wanted.name} says nothing without {wanted.beside}", f"{wanted.beside}, too")
        if self.one_of and len(there & set(self.one_of)) != 1:
            faults.add(given, f"{self.name} needs exactly one of {', '.join(self.one_of)}")
        if self.needs_one and not pairs:
            faults.add(given, self.needs_one, ", ".join(known))

    def schema(self) -> dict[str, Json]:
        """Return a closed object."""
        required = [key.name for key in self.keys if key.required]
        made: dict[str, Json] = {**closed({key.name: key.shape.schema() for key in self.keys}, required)}
        if self.needs_one:
            made["minProperties"] = 1
        if beside := {key.name: [key.beside] for key in self.keys if key.beside}:
            made["dependentRequired"] = beside
        if self.one_of:
            made["oneOf"] = [{"required": [name]} for name in self.one_of]
        return made


class Given:
    """A form as somebody has filled it in, once nothing is wrong with it."""

    def __init__(self, marked: Marked) -> None:
        self.marked = marked
        self._values = {key.text or "": value for key, value in marked.pairs or ()}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def at(self, key: str) -> Marked:
        """Return the value of a key that is there."""
        return self._values[key]

    def text(self, key: str) -> str:
        """Return a word, empty where the key is not there."""
        found = self._values.get(key)
        return (found.text or "") if found else ""

    def truth(self, key: str) -> bool | None:
        """Return true or false; None for something else, or nothing."""
        found = self._values.get(key)
        return found.value if found and isinstance(found.value, bool) else None

    def items(self, key: str) -> tuple[Marked, ...]:
        """Return the values of a list, or the one value that stands for it."""
        found = self._values.get(key)
        if found is None:
            return ()
        return (found,) if found.items is None else found.items

    def pairs(self, key: str) -> tuple[tuple[Marked, Marked], ...]:
        """Return names and values."""
        found = self._values.get(key)
        return (found.pairs or ()) if found else ()

    def given(self, key: str) -> Given | None:
        """Return a form inside this one; None where there is none, or another shape."""
        found = self._values.get(key)
        return Given(found) if found and found.pairs is not None else None


def _once(given: Marked, faults: Faults) -> list[tuple[Marked, Marked]]:
    """Return the pairs of a mapping, the first of each key; a key that is there twice is a fault."""
    found: dict[str, tuple[Marked, Marked]] = {}
    for key, value in given.pairs or ():
        name = key.text or ""
        if name in found:
            line = found[name][0].start[0]
            faults.add(key, f"{_short(name)} stands here twice: it is in line {line}, too", "each name once")
        else:
            found[name] = key, value
    return list(found.values())


def _kind(given: Marked) -> str:
    """Return what a value is, in words."""
    if given.pairs is not None:
        return "a mapping" if given.pairs else "an empty mapping"
    if given.items is not None:
        return "a list" if given.items else "an empty list"
    if given.value is None or not given.text:
        return "empty"
    return _short(given.text)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
