"""How an extension declares its options: names, value type, negation, defaults, print order.

An extension is a frozen dataclass whose fields *are* its options, in the order in which iptables prints them::

    @extension
    class Mark(Match):
        NAME = "mark"
        mark: Negatable[MaskedMark] = option(MARK, "--mark", negatable=True, required=True)

Parser, writer, JSON, documentation and random tests all read these fields; nothing about an option stands elsewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, replace
from typing import Any, Generic, TypeVar

from iptc_sim.values import Family

T = TypeVar("T")

_KEY = "iptc_sim.option"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a value type may look at while it reads a word.

    Args:
        family: of the ruleset.
        protocol: number of the rule's ``-p``, None without one or with ``! -p``.
        negated: whether ``!`` stands before the option being read.
    """

    family: Family
    protocol: int | None = None
    negated: bool = False


class ValueType(ABC, Generic[T]):
    """Turns the words after an option into a typed value and back.

    ``words`` is how many words the option takes (0 for a flag); ``expected`` says in a few words what is right.
    """

    words: int = 1
    expected: str = ""

    @abstractmethod
    def read(self, words: tuple[str, ...], context: Reading) -> T | None:
        """Return the value; None where iptables drops the option because it says nothing (``--dport 0:65535``).

        Raises:
            ValueError: the words are no such value; the message says why.
        """

    def write(self, value: T) -> tuple[str, ...]:
        """Return the words as iptables-save prints them, quoting included."""
        return (str(value),)


@dataclass(frozen=True, slots=True)
class Option:
    """One declared option.

    Args:
        field: the dataclass field that holds its value.
        names: every spelling with the same value type; the first one is printed.
        kind: the value type.
        negatable: whether ``!`` may stand before it; the field then holds a ``Negatable``.
        required: whether the extension is refused without it.
        default: gives the value where the option is absent (a function of the family), None for none.
        hidden: a value that is not printed.
        also: further spellings with a value type of their own, such as ``--or-mark`` for ``--set-xmark``.
    """

    field: str
    names: tuple[str, ...]
    kind: ValueType[Any]
    negatable: bool = False
    required: bool = False
    default: Callable[[Family], object] | None = None
    hidden: object = None
    also: Mapping[str, ValueType[Any]] | None = None

    @property
    def spellings(self) -> dict[str, ValueType[Any]]:
        """Every accepted name with its value type."""
        return dict.fromkeys(self.names, self.kind) | dict(self.also or {})


def option(
    kind: ValueType[Any],
    *names: str,
    negatable: bool = False,
    required: bool = False,
    default: object = None,
    hidden: object = None,
    also: Mapping[str, ValueType[Any]] | None = None,
) -> Any:
    """Declare an option as a dataclass field; see :class:`Option` for the arguments.

    ``default`` may be a value or a function of the family.
    """
    function = default if callable(default) else (None if default is None else lambda _family: default)
    declared = Option("", names, kind, negatable, required, function, hidden, also)
    plain = None if callable(default) else default
    return field(default=MISSING if required else plain, metadata={_KEY: declared})


class Flag(ValueType[bool]):
    """An option without a value."""

    words = 0

    def read(self, words: tuple[str, ...], context: Reading) -> bool:  # noqa: ARG002 - the interface
        """Return True: the option stands there."""
        return True

    def write(self, value: bool) -> tuple[str, ...]:  # noqa: ARG002 - the interface
        """Return no words: the name says it all."""
        return ()


FLAG = Flag()


def flag(*names: str, negatable: bool = False) -> Any:
    """Declare an option without a value; the field is False (None if negatable) where it is absent."""
    return option(FLAG, *names, negatable=negatable, default=None if negatable else False, hidden=False)


def declared_options(cls: type) -> tuple[Option, ...]:
    """Return the options that a dataclass declares, in print order."""
    declared = ((name, item.metadata.get(_KEY)) for name, item in cls.__dataclass_fields__.items())  # type: ignore[attr-defined]
    return tuple(replace(option, field=name) for name, option in declared if option is not None)
