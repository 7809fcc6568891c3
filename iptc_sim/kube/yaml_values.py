"""YAML to plain values, safe against hostile input.

The values are built from the parser's events, so no tag can construct anything, and depth and alias expansion
are bounded while reading; PyYAML's own composer has no such bounds, and the one in C overflows its stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Protocol

import yaml

from iptc_sim.records import dataclass

#: Nesting deeper than this is refused; a Pod with everything in it has about 15 levels.
MAX_DEPTH: Final = 100

#: How many values the aliases of a document may add to it.
MAX_ALIAS_GROWTH: Final = 1_000_000

_TRUE: Final = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE: Final = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_RESOLVED_TAGS: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,200})", re.ASCII)
_BASED = re.compile(r"[-+]?0(b[01]{1,200}|o?[0-7]{1,200}|x[0-9a-fA-F]{1,200})", re.ASCII)
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,5})?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII
)


class _Mark(Protocol):
    """A place, as both of PyYAML's parsers tell it; counts from 0."""

    line: int
    column: int


class YamlFaultError(Exception):
    """The text is not YAML, or beyond the bounds; ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, mark: _Mark | None = None) -> None:
        super().__init__(message)
        self.line, self.column = _place(mark)


@dataclass(frozen=True, slots=True)
class Marked:
    """A value with its place; lines and columns count from 1, the end is where the next character stands.

    Args:
        start: line and column.
        end: of a scalar, or of a list or mapping in brackets, line and column.
        is_block: whether it is a list or mapping without brackets, or a text of several lines behind ``|`` or ``>``.
        value: of a scalar the plain value; None for anything else.
        text: of a scalar, as it is written, without quotes: ``1.30`` and ``0x4000`` are no numbers there.
        items: of a list.
        pairs: of a mapping, keys and values in order.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    is_block: bool
    value: object = None
    text: str | None = None
    items: tuple[Marked, ...] | None = None
    pairs: tuple[tuple[Marked, Marked], ...] | None = None


def read_yaml(text: str) -> Iterator[tuple[int, object]]:
    """Yield the number, from 1, and the value of each document.

    Raises:
        YamlFaultError: it cannot be read.
    """
    return _documents(text, _Builder)


def read_marked(text: str) -> Iterator[tuple[int, Marked]]:
    """Yield the number, from 1, and the value of each document with the places of all that is in it.

    Of keys that are there twice both are kept, and ``<<`` is a key like any other.

    Raises:
        YamlFaultError: it cannot be read.
    """
    for number, value in _documents(text, _MarkedBuilder):
        if isinstance(value, Marked):
            yield number, value


def _documents(text: str, builder: type[_Builder]) -> Iterator[tuple[int, object]]:
    number = 0
    try:
        events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                number += 1
                yield number, builder(events).build()
    except yaml.MarkedYAMLError as error:
        reason = error.problem or error.context
        raise YamlFaultError(f"this is not YAML: {reason}", error.problem_mark or error.context_mark) from error
    except yaml.YAMLError as error:
        raise YamlFaultError(f"this is not YAML: {str(error).splitlines()[0]}") from error


class _Builder:
    """Builds one document from its events.

    Args:
        events: what follows the document's start.
    """

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, tuple[object, int]] = {}
        self._growth = 0

    def build(self) -> object:
        """Return the document's value, and read up to its end."""
        value, _ = self._node(next(self._events), 0)
        next(self._events)
        return value

    def _node(self, event: yaml.Event, depth: int) -> tuple[object, int]:
        """Return the value that starts with ``event``, and how many values it holds, aliases written out."""
        end = event
        if isinstance(event, yaml.ScalarEvent):
            value, size = _scalar(event), 1
        elif isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        elif depth >= MAX_DEPTH:
            raise YamlFaultError(f"the YAML is nested more than {MAX_DEPTH} levels deep", event.start_mark)
        elif isinstance(event, yaml.SequenceStartEvent):
            value, size, end = self._sequence(depth + 1)
        else:
            value, size, end = self._mapping(depth + 1)
        value = self._made(value, event, end)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._anchors[event.anchor] = value, size
        return value, size

    def _made(self, value: object, event: yaml.Event, end: yaml.Event) -> object:  # noqa: ARG002 - for who wants places
        """Return what stands for a value that begins with one event and ends with the other."""
        return value

    def _sequence(self, depth: int) -> tuple[object, int, yaml.Event]:
        items: list[object] = []
        total = 1
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            value, size = self._node(event, depth)
            items.append(value)
            total += size
        return items, total, event

    def _mapping(self, depth: int) -> tuple[object, int, yaml.Event]:
        pairs: list[tuple[yaml.Event, object, object]] = []
        total = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, size = self._node(event, depth)
            value, more = self._node(next(self._events), depth)
            total += size + more
            if not isinstance(event, yaml.ScalarEvent | yaml.AliasEvent) or self._is_collection(key):
                raise YamlFaultError("a mapping's key is a list or a mapping", event.start_mark)
            pairs.append((event, key, value))
        return self._joined(pairs), total, event

    def _is_collection(self, key: object) -> bool:
        return isinstance(key, list | dict)

    def _joined(self, pairs: list[tuple[yaml.Event, object, object]]) -> object:
        """Return what stands for a mapping: of a key that is there twice the last one counts, as in kubectl."""
        own: dict[object, object] = {}
        merged: dict[object, object] = {}
        for event, key, value in pairs:
            if key == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
                _merge(merged, value)
            else:
                own[key] = value
        return {**merged, **own} if merged else own

    def _alias(self, event: yaml.AliasEvent) -> tuple[object, int]:
        if event.anchor not in self._anchors:
            raise YamlFaultError(f"the alias *{event.anchor} has no anchor before it", event.start_mark)
        value, size = self._anchors[event.anchor]
        self._growth += size
        if self._growth > MAX_ALIAS_GROWTH:
            raise YamlFaultError(f"the aliases add more than {MAX_ALIAS_GROWTH:,} values", event.start_mark)
        return value, size


class _MarkedBuilder(_Builder):
    """Builds one document whose values know where they stand."""

    def _made(self, value: object, event: yaml.Event, end: yaml.Event) -> object:
        start, behind = _place(event.start_mark), _place(end.end_mark)
        if isinstance(event, yaml.ScalarEvent):
            return Marked(start, behind, event.style in {"|", ">"}, value, event.value)
        is_block = isinstance(event, yaml.CollectionStartEvent) and not event.flow_style
        if isinstance(event, yaml.SequenceStartEvent) and isinstance(value, list):
            return Marked(start, behind, is_block, items=tuple(value))
        return Marked(start, behind, is_block, pairs=tuple(value) if isinstance(value, list) else ())

    def _is_collection(self, key: object) -> bool:
        return isinstance(key, Marked) and key.text is None

    def _joined(self, pairs: list[tuple[yaml.Event, object, object]]) -> object:
        return [(key, value) for _, key, value in pairs]


def _place(mark: _Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _merge(merged: dict[object, object], value: object) -> None:
    """Add the mappings of a merge key ``<<``; the first of several wins, and own keys win over all."""
    for mapping in value if isinstance(value, list) else [value]:
        if isinstance(mapping, dict):
            merged |= {key: item for key, item in mapping.items() if key not in merged}


def _scalar(event: yaml.ScalarEvent) -> object:
    """Return a scalar's value; as in Kubernetes, plain words are never dates or numbers of base 60."""
    text: str = event.value
    if not event.implicit[0] and event.tag not in _RESOLVED_TAGS:
        return text  # quoted, or tagged as something that is text to Kubernetes
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    first = text[0]
    if first.isdigit() or first in "+-.":
        if _INTEGER.fullmatch(text):
            return int(text)
        if based := _BASED.fullmatch(text):
            digits = based[1]
            base = {"b": 2, "x": 16}.get(digits[0], 8)
            number = int(digits[1:] if digits[0] in "box" else digits, base)
            return -number if first == "-" else number
        if _FLOAT.fullmatch(text):
            return float(text.replace(".", "", 1) if text.lstrip("+-")[:2].lower() in {".i", ".n"} else text)
    return text
