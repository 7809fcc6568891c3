"""How a single value stands in JSON: numbers, texts, addresses, times, names."""

from __future__ import annotations

import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from iptc_sim.records import dataclass
from iptc_sim.values import Family, Prefix

Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]

#: No value of a rule is larger than an IPv6 address.
_MOST: Final = (1 << 128) - 1


class UnfitError(Exception):
    """A piece of JSON is not what must stand there.

    Args:
        message: what is wrong.
        expected: what would be right.
        hint: what to try.
        path: where, from the piece that was decoded: ``.options.dport``, ``[3]``.
    """

    def __init__(self, message: str, expected: str = "", hint: str = "", path: str = "") -> None:
        super().__init__(message)
        self.message, self.expected, self.hint, self.path = message, expected, hint, path

    def under(self, key: str | int) -> UnfitError:
        """Return it as seen from the object or array that holds the piece."""
        step = f"[{key}]" if isinstance(key, int) else f".{key}"
        return UnfitError(self.message, self.expected, self.hint, step + self.path)


class Codec(ABC):
    """Turns values of one type into JSON and back."""

    @abstractmethod
    def encode(self, value: Any) -> Json:
        """Return the value as JSON."""

    @abstractmethod
    def decode(self, data: Json) -> Any:
        """Return the value.

        Raises:
            UnfitError: the JSON is no such value.
        """

    @abstractmethod
    def schema(self) -> dict[str, Json]:
        """Return the JSON schema of what :meth:`encode` writes."""


def shown(data: Json) -> str:
    """Return a few words that name a piece of JSON in an error."""
    if isinstance(data, str):
        return f'"{data[:40]}..."' if len(data) > 40 else f'"{data}"'
    if data is None or isinstance(data, bool):
        return {None: "null", True: "true", False: "false"}[data]
    if isinstance(data, int | float):
        text = str(data)
        return text if len(text) <= 40 else f"{text[:20]}..."
    return "an object" if isinstance(data, Mapping) else "an array"


def unfit(data: Json, expected: str) -> UnfitError:
    """Return the error of a piece that cannot stand in its place."""
    return UnfitError(f"{shown(data)} cannot stand here", expected)


@dataclass(frozen=True, slots=True)
class Plain(Codec):
    """A number, text, truth value or null: the same in JSON.

    Args:
        kind: the type.
        name: what JSON schema calls it.
    """

    kind: type
    name: str

    def encode(self, value: Any) -> Json:
        """Return it unchanged."""
        return value  # type: ignore[no-any-return]

    def decode(self, data: Json) -> Any:
        """Return it if it is of the type and can stand in a dump."""
        if type(data) is not self.kind:
            raise unfit(data, f"a value of type {self.name}")
        if isinstance(data, int) and not 0 <= data <= _MOST:
            raise unfit(data, "a number that is not negative and has at most 128 bits")
        if isinstance(data, str) and not _can_stand(data):
            raise unfit(data, "a text of Unicode characters without line breaks and NUL")
        return data

    def schema(self) -> dict[str, Json]:
        """Return the type."""
        return {"type": self.name, "minimum": 0} if self.kind is int else {"type": self.name}


def _can_stand(text: str) -> bool:
    if text.isascii():
        return not ("\n" in text or "\r" in text or "\0" in text)
    return not any(character in "\n\r\0" or 0xD800 <= ord(character) <= 0xDFFF for character in text)


@dataclass(frozen=True, slots=True)
class AsText(Codec):
    """A value that has a spelling of its own.

    Args:
        what: what it is, for errors and the schema.
        read: gives the value of a text, or raises ValueError.
        write: gives its text.
    """

    what: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str

    def encode(self, value: Any) -> Json:
        """Return the text."""
        return self.write(value)

    def decode(self, data: Json) -> Any:
        """Return the value if its text is spelled as :meth:`encode` spells it."""
        if isinstance(data, str):
            try:
                value = self.read(data)
            except ValueError:
                raise unfit(data, self.what) from None
            if self.write(value) == data:
                return value
            raise unfit(data, f"{self.what}; this one is written {self.write(value)}")
        raise unfit(data, self.what)

    def schema(self) -> dict[str, Json]:
        """Return a text with a description."""
        return {"type": "string", "description": self.what}


def _read_prefix(text: str) -> Prefix:
    address, _, mask = text.partition("/")
    if mask.isdigit():
        return Prefix.parse(text)
    network, bits = ip_address(address), ip_address(mask)
    return Prefix(Family(network.version), int(network), int(bits))


#: Nothing.
NULL: Final = Plain(types.NoneType, "null")

#: The types that are not made of others.
LEAVES: Final[Mapping[Any, Codec]] = {
    int: Plain(int, "integer"),
    str: Plain(str, "string"),
    bool: Plain(bool, "boolean"),
    types.NoneType: NULL,
    bytes: AsText("bytes in hexadecimal, such as 0a1b", bytes.fromhex, bytes.hex),
    time: AsText("a time of day, such as 08:30:00", time.fromisoformat, time.isoformat),
    datetime: AsText("a date and time, such as 2026-01-31T08:30:00", datetime.fromisoformat, datetime.isoformat),
    IPv4Address: AsText("an IPv4 address", IPv4Address),
    IPv6Address: AsText("an IPv6 address", IPv6Address),
    Prefix: AsText("an address with its length or mask, such as 10.0.0.0/8", _read_prefix),
}


@dataclass(frozen=True, slots=True)
class OneOf(Codec):
    """A member of an enumeration, by its value."""

    kind: type[Enum]

    def encode(self, value: Any) -> Json:
        """Return its value."""
        return value.value  # type: ignore[no-any-return]

    def decode(self, data: Json) -> Any:
        """Return the member."""
        for member in self.kind:
            if type(data) is not bool and member.value == data:
                return member
        raise unfit(data, "one of " + ", ".join(str(member.value) for member in self.kind))

    def schema(self) -> dict[str, Json]:
        """Return its values."""
        return {"enum": [member.value for member in self.kind]}


@dataclass(frozen=True, slots=True)
class Exactly(Codec):
    """A value that is always the same."""

    value: str | int

    def encode(self, value: Any) -> Json:  # noqa: ARG002 - the interface
        """Return the value."""
        return self.value

    def decode(self, data: Json) -> Any:
        """Return the value if it is that one."""
        if type(data) is not type(self.value) or data != self.value:
            raise unfit(data, shown(self.value))
        return data

    def schema(self) -> dict[str, Json]:
        """Return the value."""
        return {"const": self.value}
