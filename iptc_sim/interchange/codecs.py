"""How a typed value stands in JSON, worked out from the type hints of the declared dataclasses.

A dataclass becomes an object, one that only wraps a list or a text becomes that list or text; tuples and sets become
arrays, addresses, prefixes, times and bytes become text. Each codec also tells its JSON schema, so that what is
written, what is read and what the schema allows cannot part.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from iptc_sim.diagnostics import suggestion
from iptc_sim.interchange.scalars import LEAVES, Codec, Json, OneOf, UnfitError, shown, unfit
from iptc_sim.records import dataclass


@dataclass(frozen=True, slots=True)
class Listed(Codec):
    """A tuple in its order, or a set in the order of its JSON; ``make`` says which."""

    item: Codec
    make: type[tuple[Any, ...] | frozenset[Any]]

    def encode(self, value: Any) -> Json:
        """Return an array."""
        return [self.item.encode(one) for one in (sorted(value) if self.make is frozenset else value)]

    def decode(self, data: Json) -> Any:
        """Return the tuple or set."""
        return self.make(_items(data, lambda _number: self.item))

    def schema(self) -> dict[str, Json]:
        """Return an array."""
        unique: dict[str, Json] = {"uniqueItems": True} if self.make is frozenset else {}
        return {"type": "array", "items": self.item.schema(), **unique}


@dataclass(frozen=True, slots=True)
class Fixed(Codec):
    """A tuple of so many values, each of its own type."""

    items: tuple[Codec, ...]

    def encode(self, value: Any) -> Json:
        """Return an array."""
        return [item.encode(one) for item, one in zip(self.items, value, strict=True)]

    def decode(self, data: Json) -> Any:
        """Return the tuple."""
        if isinstance(data, list) and len(data) != len(self.items):
            raise UnfitError(f"the array has {len(data)} items", f"{len(self.items)} items")
        return tuple(_items(data, self.items.__getitem__))

    def schema(self) -> dict[str, Json]:
        """Return an array of that length."""
        count = len(self.items)
        return {
            "type": "array",
            "prefixItems": [item.schema() for item in self.items],
            "minItems": count,
            "maxItems": count,
        }


def _items(data: Json, codec: Callable[[int], Codec]) -> list[Any]:
    if not isinstance(data, list):
        raise unfit(data, "an array")
    made = []
    for number, item in enumerate(data):
        try:
            made.append(codec(number).decode(item))
        except UnfitError as error:
            raise error.under(number) from None
    return made


@dataclass(frozen=True, slots=True)
class Either(Codec):
    """One of several types, told apart by their JSON; ``alternatives`` by type, in the order of the hint."""

    alternatives: tuple[tuple[type, Codec], ...]

    def encode(self, value: Any) -> Json:
        """Return the JSON of the type that the value has."""
        for kind, codec in self.alternatives:
            if isinstance(value, kind):
                return codec.encode(value)
        raise TypeError(f"{value!r} is of none of the declared types")

    def decode(self, data: Json) -> Any:
        """Return the value by the first type that takes it; the error is that of the only type that could."""
        errors = []
        for kind, codec in self.alternatives:
            try:
                return codec.decode(data)
            except UnfitError as error:
                if kind is not types.NoneType:
                    errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        raise unfit(data, " or ".join(dict.fromkeys(error.expected for error in errors if error.expected)))

    def schema(self) -> dict[str, Json]:
        """Return the alternatives."""
        return {"anyOf": [codec.schema() for _, codec in self.alternatives]}


#: Stands for the default of a key that must be there.
REQUIRED: Final = object()


@dataclass(frozen=True, slots=True)
class Member:
    """One key of an object: the field, its key in JSON, its codec, its value where the key is absent."""

    field: str
    key: str
    codec: Codec
    default: object = REQUIRED


@dataclass(frozen=True, slots=True)
class Record(Codec):
    """A dataclass as an object with a key for each field; fields that have their default may be left out."""

    make: Callable[..., Any]
    members: tuple[Member, ...]

    def encode(self, value: Any) -> Json:
        """Return the object with every field."""
        return {item.key: item.codec.encode(getattr(value, item.field)) for item in self.members}

    def decode(self, data: Json) -> Any:
        """Return the dataclass."""
        return self.make(**decode_members(self.members, data))

    def schema(self) -> dict[str, Json]:
        """Return a closed object."""
        return closed({item.key: item.codec.schema() for item in self.members}, _required(self.members))


def decode_members(members: tuple[Member, ...], data: Json) -> dict[str, object]:
    """Return the fields by name, those that the object does not give with their default.

    Raises:
        UnfitError: it is no object, a key is unknown or missing, or a value does not fit.
    """
    if not isinstance(data, dict):
        raise unfit(data, "an object")
    known = {item.key: item for item in members}
    made: dict[str, object] = {}
    for key, value in data.items():
        if key not in known:
            raise UnfitError(
                f"there is no key {shown(key)} here", ", ".join(known) or "no keys", suggestion(key, known)
            )
        item = known[key]
        try:
            made[item.field] = item.codec.decode(value)
        except UnfitError as error:
            raise error.under(key) from None
    for item in members:
        if item.field not in made:
            if item.default is REQUIRED:
                raise UnfitError(f'"{item.key}" is missing')
            made[item.field] = item.default
    return made


def _required(members: tuple[Member, ...]) -> list[str]:
    return [item.key for item in members if item.default is REQUIRED]


def closed(properties: dict[str, Json], required: Sequence[str]) -> dict[str, Json]:
    """Return the schema of an object that has no other keys."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Wrapped(Codec):
    """A dataclass that only gives a list or a text its meaning: that list or text."""

    make: Callable[..., Any]
    field: str
    codec: Codec

    def encode(self, value: Any) -> Json:
        """Return the JSON of the only field."""
        return self.codec.encode(getattr(value, self.field))

    def decode(self, data: Json) -> Any:
        """Return the dataclass."""
        return self.make(self.codec.decode(data))

    def schema(self) -> dict[str, Json]:
        """Return the schema of the only field."""
        return self.codec.schema()


@dataclass(frozen=True, slots=True)
class Keyed(Codec):
    """An object whose keys are one of some names."""

    names: tuple[str, ...]
    item: Codec

    def encode(self, value: Any) -> Json:
        """Return the object."""
        return {key: self.item.encode(one) for key, one in value.items()}

    def decode(self, data: Json) -> Any:
        """Return the mapping."""
        members = tuple(Member(name, name, self.item, None) for name in self.names)
        made = decode_members(members, data)
        return {key: made[key] for key in data} if isinstance(data, dict) else {}

    def schema(self) -> dict[str, Json]:
        """Return a closed object of which no key is required."""
        return closed(dict.fromkeys(self.names, self.item.schema()), ())


def members_of(cls: type, arguments: Mapping[Any, Any] | None = None) -> tuple[Member, ...]:
    """Return the keys of a dataclass; ``arguments`` says what its type variables stand for.

    A field that avoids a word of Python (``set_``) has its plain name in JSON.
    """
    hints = get_type_hints(cls)
    chosen = arguments or {}
    return tuple(
        Member(
            item.name,
            item.name.rstrip("_"),
            codec_of(chosen.get(hints[item.name], hints[item.name])),
            REQUIRED if item.default is MISSING else item.default,
        )
        for item in fields(cls)
    )


@cache
def codec_of(hint: Any) -> Codec:
    """Return the codec of a type.

    Raises:
        TypeError: there is none; a declared field must be of a type that has one.
    """
    if hint in LEAVES:
        return LEAVES[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return Either(tuple((get_origin(one) or one, codec_of(one)) for one in arguments))
    if origin is frozenset or (origin is tuple and arguments[-1] is Ellipsis):
        return Listed(codec_of(arguments[0]), origin)
    if origin is tuple:
        return Fixed(tuple(map(codec_of, arguments)))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return OneOf(hint)
    cls = origin or hint
    if not is_dataclass(cls) or not isinstance(cls, type):
        raise TypeError(f"{hint} has no form in JSON")
    variables: tuple[TypeVar, ...] = getattr(cls, "__parameters__", ())
    members = members_of(cls, dict(zip(variables, arguments, strict=True)))
    if len(members) == 1 and (isinstance(members[0].codec, Listed) or members[0].codec in {LEAVES[str], LEAVES[bytes]}):
        return Wrapped(cls, members[0].field, members[0].codec)
    return Record(cls, members)
