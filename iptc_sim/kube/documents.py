"""Text to plain values: JSON or YAML, one or many documents, safe against hostile input.

YAML is read from libyaml's events (``yaml.parse`` with the safe loader), so no tag can construct anything, and depth and
alias expansion are bounded while reading: the C composer recurses without a limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from iptc_sim.diagnostics import Diagnostic, InputError, SourceFile, Span

if TYPE_CHECKING:
    import yaml

#: Nesting deeper than this is refused; a Pod with everything in it has about 15 levels.
MAX_DEPTH: Final = 100

#: How many values a document may have once its aliases are written out, beyond those that are there.
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


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a text.

    Args:
        source: the text.
        number: its place there, from 1; empty documents count.
        value: what it holds; mappings, lists, strings, numbers, true, false, None.
    """

    source: SourceFile
    number: int
    value: object

    @property
    def name(self) -> str:
        """How errors call it: ``services.yaml: document 2``."""
        return f"{self.source.name}: document {self.number}"


def read_documents(source: SourceFile) -> Iterator[Document]:
    """Yield the documents of a text that are not empty.

    Raises:
        InputError: IPT055, neither YAML nor JSON, or nested or expanding beyond the bounds.
    """
    text = source.text.lstrip("\ufeff \t\r\n")
    if text.startswith(("{", "[")):
        try:
            yield from _json(source, len(source.text) - len(text))
        except json.JSONDecodeError as error:
            # A YAML flow mapping starts like JSON; only where YAML can't read it either, JSON's complaint is the better one.
            try:
                documents = list(_yaml(source))
            except InputError:
                raise _unreadable(
                    source, error.lineno, error.colno, f"this is not JSON: {error.msg}"
                ) from error
            yield from documents
        return
    yield from _yaml(source)


def _json(source: SourceFile, start: int) -> list[Document]:
    text, decoder, documents = source.text, json.JSONDecoder(), []
    while start < len(text):
        try:
            value, end = decoder.raw_decode(text, start)
        except RecursionError:
            raise _unreadable(source, 1, 1, "the JSON is nested too deeply") from None
        except json.JSONDecodeError:
            raise
        except ValueError:  # a number of more digits than int() takes
            raise _unreadable(source, 1, 1, "the JSON holds a number that is too long") from None
        documents.append(Document(source, len(documents) + 1, value))
        start = end
        while start < len(text) and text[start] in " \t\r\n":
            start += 1
    return documents


def _yaml(source: SourceFile) -> Iterator[Document]:
    import yaml  # noqa: PLC0415 - start-up time

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    number = 0
    try:
        events = yaml.parse(source.text, Loader=loader)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                number += 1
                value = _Builder(source).build(events)
                if value is not None:
                    yield Document(source, number, value)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _unreadable(
            source, line, column, f"this is not YAML: {error.problem or error.context}"
        ) from error
    except yaml.YAMLError as error:
        raise _unreadable(source, 1, 1, f"this is not YAML: {str(error).splitlines()[0]}") from error
    except RecursionError:
        raise _unreadable(source, 1, 1, "the YAML is nested too deeply") from None


def _unreadable(source: SourceFile, line: int, column: int, message: str) -> InputError:
    expected = "Kubernetes objects as YAML or JSON, as kubectl get -o yaml prints them"
    return InputError(Diagnostic("IPT055", message, span=Span(source, line, column), expected=expected))


class _Builder:
    """Builds one document from its events, with a stack of its own."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._anchors: dict[str, tuple[object, int]] = {}
        self._growth = 0

    def build(self, events: Iterator[yaml.Event]) -> object:
        """Return the value of the document whose start was just read."""
        value, _ = self._node(next(events), events, 0)
        next(events)  # the document's end
        return value

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> tuple[object, int]:
        """Return the value that starts with ``event``, and how many values it holds."""
        import yaml  # noqa: PLC0415 - start-up time

        if isinstance(event, yaml.ScalarEvent):
            value, size = _scalar(event), 1
        elif isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        elif depth >= MAX_DEPTH:
            raise self._fault(event, f"the YAML is nested more than {MAX_DEPTH} levels deep")
        elif isinstance(event, yaml.SequenceStartEvent):
            value, size = self._sequence(events, depth + 1)
        else:
            value, size = self._mapping(events, depth + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, size
        return value, size

    def _sequence(self, events: Iterator[yaml.Event], depth: int) -> tuple[object, int]:
        import yaml  # noqa: PLC0415 - start-up time

        items: list[object] = []
        total = 1
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            value, size = self._node(event, events, depth)
            items.append(value)
            total += size
        return items, total

    def _mapping(self, events: Iterator[yaml.Event], depth: int) -> tuple[object, int]:
        import yaml  # noqa: PLC0415 - start-up time

        pairs: dict[object, object] = {}
        merged: dict[object, object] = {}
        total = 1
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key, size = self._node(event, events, depth)
            value, more = self._node(next(events), events, depth)
            total += size + more
            if not isinstance(key, str | int | float | bool | None):
                raise self._fault(event, "a mapping's key is a list or a mapping")
            if key == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
                self._merge(merged, value)
            else:
                pairs[key] = value
        return {**merged, **pairs} if merged else pairs, total

    def _merge(self, merged: dict[object, object], value: object) -> None:
        for mapping in value if isinstance(value, list) else [value]:
            if isinstance(mapping, dict):
                # The first of several wins (YAML 1.1, merge key), and own keys win over all.
                merged |= {key: item for key, item in mapping.items() if key not in merged}
                self._growth += len(mapping)

    def _alias(self, event: yaml.Event) -> tuple[object, int]:
        if event.anchor not in self._anchors:
            raise self._fault(event, f"the alias *{event.anchor} has no anchor before it")
        value, size = self._anchors[event.anchor]
        self._growth += size
        if self._growth > MAX_ALIAS_GROWTH:
            raise self._fault(event, f"the aliases expand to more than {MAX_ALIAS_GROWTH:,} values")
        return value, size

    def _fault(self, event: yaml.Event, message: str) -> InputError:
        return _unreadable(self._source, event.start_mark.line + 1, event.start_mark.column + 1, message)


def _scalar(event: yaml.ScalarEvent) -> object:
    """Return a scalar's value: plain words by YAML's core rules, without dates and base 60, as Kubernetes reads them."""
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
