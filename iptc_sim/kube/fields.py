"""Typed reading of an object's fields. A wrong type is an error that names file, document and field."""

from __future__ import annotations

import re
from collections.abc import Iterable, KeysView
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final

from iptc_sim.diagnostics import Diagnostic, InputError, suggestion
from iptc_sim.kube.documents import Document
from iptc_sim.values import Family, Prefix

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.ASCII)
_ONE_LABEL = re.compile(_LABEL, re.ASCII)
#: The texts of an octet.
OCTETS: Final = frozenset(map(str, range(256)))
#: To ask the class for a member each time takes ten times as long (Python 3.11).
_IPV4: Final = Family.IPV4

_KIND_OF_VALUE: Final = (
    (bool, "true or false"),
    (str, "a string"),
    ((int, float), "a number"),
    (list, "a list"),
    (dict, "a mapping"),
)


def family_of(address: str) -> Family | None:
    """Return the family of an address without leading zeros and zone; None where it is none."""
    head, _, last = address.rpartition(".")
    if last in OCTETS and _are_three_octets(head):
        return _IPV4
    if ":" not in address or "%" in address:
        return None
    try:
        IPv6Address(address)
    except ValueError:
        return None
    return Family.IPV6


@lru_cache(1 << 14)
def _are_three_octets(text: str) -> bool:
    """Whether a text is the front of IPv4 addresses; most addresses of a cluster share theirs with others."""
    octets = text.split(".", 3)
    return len(octets) == 3 and OCTETS.issuperset(octets)


class Fields:
    """The fields of a mapping inside a document.

    Every method that returns a field's value raises an InputError (IPT051) where the field holds something else.

    Args:
        document: where it stands.
        data: the mapping; anything else is an error.
        parent: the mapping that holds it, None for the object itself.
        key: its key there, for a list's item with ``index``.
        index: its place in the list; -1 outside of lists.

    Raises:
        InputError: IPT051, it is no mapping.
    """

    __slots__ = ("_data", "_index", "_key", "_parent", "document")

    def __init__(
        self, document: Document, data: object, parent: Fields | None = None, key: str = "", index: int = -1
    ) -> None:
        self.document, self._parent, self._key, self._index = document, parent, key, index
        if not isinstance(data, dict):
            self._data: dict[object, object] = {}
            raise self.fault("", f"{_described(data)} stands where a mapping belongs")
        self._data = data

    def path(self, key: str = "") -> str:
        """Return the path of a field, ``spec.ports[0].port``."""
        own = self._key if self._index < 0 else f"{self._key}[{self._index}]"
        above = self._parent.path() if self._parent else ""
        return ".".join(part for part in (above, own, key) if part)

    def fault(self, key: str, message: str, expected: str = "", code: str = "IPT051", hint: str = "") -> InputError:
        """Return the error for a field, to be raised."""
        return InputError(Diagnostic(code, message, subject=self.place(key), expected=expected, hint=hint))

    def place(self, key: str = "") -> str:
        """Return how messages call a field, or this mapping: file, document and path."""
        path = self.path(key)
        return f"{self.document.name}: {path}" if path else self.document.name

    def keys(self) -> KeysView[object]:
        """Return the names of its fields."""
        return self._data.keys()

    def has(self, key: str) -> bool:
        """Whether the field is there, null or not."""
        return key in self._data

    def raw(self, key: str) -> object:
        """Return the value whatever it is; None where it is missing."""
        return self._data.get(key)

    def text(self, key: str, default: str = "") -> str:
        """Return a string; the default where it is missing or null."""
        value = self._data.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.fault(key, f"{_described(value)} stands where a string belongs", hint=_quote_hint(value))
        return value

    def choice(self, key: str, known: Iterable[str], default: str) -> str:
        """Return one of a list of words; the default where it is missing, null or empty."""
        value = self.text(key) or default
        names = tuple(known)
        if value not in names:
            raise self.fault(key, f"{value} is not one of its values", ", ".join(names), hint=suggestion(value, names))
        return value

    def boolean(self, key: str) -> bool | None:
        """Return true or false; None where it is missing or null."""
        value = self._data.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise self.fault(key, f"{_described(value)} stands where true or false belongs")

    def integer(self, key: str, first: int, last: int) -> int | None:
        """Return a number from ``first`` to ``last``; None where it is missing or null."""
        value = self._data.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.fault(key, f"{_described(value)} stands where a whole number belongs", f"{first} to {last}")
        if not first <= value <= last:
            shown = str(value) if -(10**20) < value < 10**20 else "a huge number"
            raise self.fault(key, f"{shown} is out of range", f"{first} to {last}")
        return value

    def name(self, key: str, default: str = "") -> str:
        """Return the name of an object (DNS subdomain); missing is an error unless there is a default."""
        value = self.text(key) or default
        if not value:
            raise self.fault(key, "it is missing")
        if not is_name(value):
            raise self.fault(key, f"{value} cannot be a name", "lower-case letters, digits, - and .")
        return value

    def label(self, key: str, what: str = "a name here") -> str:
        """Return a DNS label (RFC 1123), empty where it is missing; ``what`` says what a wrong one cannot be."""
        value = self.text(key)
        if value and not is_label(value):
            raise self.fault(key, f"{value} cannot be {what}", "up to 63 lower-case letters, digits and -")
        return value

    def child(self, key: str) -> Fields | None:
        """Return the mapping in a field; None where it is missing or null."""
        value = self._data.get(key)
        return None if value is None else Fields(self.document, value, self, key)

    def items(self, key: str) -> list[object]:
        """Return the values of a list; none where it is missing or null."""
        value = self._data.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.fault(key, f"{_described(value)} stands where a list belongs")
        return value

    def children(self, key: str) -> list[Fields]:
        """Return the mappings of a list; none where it is missing or null."""
        document = self.document
        return [Fields(document, item, self, key, index) for index, item in enumerate(self.items(key))]

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the strings of a list; none where it is missing or null."""
        values = self.items(key)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise self.fault(f"{key}[{index}]", f"{_described(value)} stands where a string belongs")
        return tuple(value for value in values if isinstance(value, str))

    def addresses(self, key: str) -> tuple[str, ...]:
        """Return the IP addresses of a list, each as its text."""
        values = self.texts(key)
        for index, value in enumerate(values):
            self.check_address(f"{key}[{index}]", value)
        return values

    def check_address(self, key: str, value: str) -> Family:
        """Return the family of an address that stands in a field.

        Raises:
            InputError: IPT051, it is no address.
        """
        family = family_of(value)
        if family is None:
            raise self.fault(key, f"{value} is not an IP address")
        return family

    def ranges(self, key: str) -> tuple[str, ...]:
        """Return the CIDR ranges of a list as they stand; blanks around them are fine for the API server."""
        values = self.texts(key)
        for index, value in enumerate(values):
            if not is_range(value.strip(" \t")):
                raise self.fault(f"{key}[{index}]", f"{value} is not an address range", "such as 203.0.113.0/24")
        return values

    def strings(self, key: str) -> dict[str, str]:
        """Return a mapping of strings to strings (labels); empty where it is missing or null."""
        data = self._data.get(key)
        self.child(key)  # judges that it is a mapping
        found: dict[str, str] = {}
        for name, value in data.items() if isinstance(data, dict) else ():
            if not isinstance(name, str):
                raise self.fault(key, f"a key is {_described(name)}, not a string")
            if value is not None and not isinstance(value, str):
                message = f"{_described(value)} stands where a string belongs"
                raise self.fault(f"{key}.{name}", message, hint=_quote_hint(value))
            found[name] = value or ""
        return found


@lru_cache(1 << 12)
def is_name(text: str) -> bool:
    """Whether a text is a DNS subdomain (RFC 1123), as names of objects are."""
    return len(text) <= 253 and _NAME.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """Whether a text is a DNS label (RFC 1123)."""
    return len(text) <= 63 and _ONE_LABEL.fullmatch(text) is not None


def is_range(text: str) -> bool:
    """Whether a text is an address range ``ADDRESS/LENGTH``; bits right of the length may be set."""
    address, slash, _ = text.partition("/")
    if not slash or family_of(address) is None:
        return False
    try:
        Prefix.parse(text)
    except ValueError:
        return False
    return True


def _described(value: object) -> str:
    for kind, words in _KIND_OF_VALUE:
        if isinstance(value, kind):
            return words
    return "nothing"


def _quote_hint(value: object) -> str:
    return "put it in quotes" if isinstance(value, bool | int | float) else ""
