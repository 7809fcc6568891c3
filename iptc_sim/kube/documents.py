"""Text to plain values: JSON or YAML, one or many documents."""

from __future__ import annotations

import json
from collections.abc import Iterator

from iptc_sim.diagnostics import Diagnostic, InputError, SourceFile, Span
from iptc_sim.records import dataclass


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
            # A YAML flow mapping starts like JSON. If it is neither, JSON's complaint is the better one.
            try:
                documents = list(_yaml(source))
            except InputError:
                raise _unreadable(source, error.lineno, error.colno, f"this is not JSON: {error.msg}") from error
            yield from documents
        return
    yield from _yaml(source)


def _json(source: SourceFile, start: int) -> list[Document]:
    text, decoder = source.text, json.JSONDecoder()
    documents: list[Document] = []
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
    from iptc_sim.kube.yaml_values import YamlFaultError, read_yaml  # noqa: PLC0415 - PyYAML costs start-up time

    try:
        for number, value in read_yaml(source.text):
            if value is not None:
                yield Document(source, number, value)
    except YamlFaultError as error:
        raise _unreadable(source, error.line, error.column, str(error)) from error


def _unreadable(source: SourceFile, line: int, column: int, message: str) -> InputError:
    expected = "Kubernetes objects as YAML or JSON, as kubectl get -o yaml prints them"
    return InputError(Diagnostic("IPT055", message, span=Span(source, line, column), expected=expected))
