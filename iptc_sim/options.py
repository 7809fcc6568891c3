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
from typing import Any, Generic, TypeVar, dataclass_transform

from iptc_sim.records import MISSING, dataclass, field, fields, replace
from iptc_sim.values import Family, Negatable, Variant

T = TypeVar("T")

_KEY = "iptc_sim.option"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a value type may look at while it reads a word.

    Args:
        family: of the ruleset.
        protocol: number of the rule's ``-p``, None without one or with ``! -p``. To an option's value only a ``-p``
            that stands before it is known, as to iptables.
        negated: whether ``!`` stands before the option being read.
        variant: of the iptables that reads.
        other_than: number after ``! -p``, None without it.
        strict: whether to read as iptables-restore does; else what is not known is kept.
    """

    family: Family
    protocol: int | None = None
    negated: bool = False
    variant: Variant = Variant.NFT
    other_than: int | None = None
    strict: bool = False


class ValueType(ABC, Generic[T]):
    """Turns the words after an option into a typed value and back.

    ``words`` is how many words the option takes (0 for a flag); ``optional`` whether it may also stand without them, as
    a word that begins with ``-`` or ``!`` is none of its own; ``expected`` says in a few words what is right.
    """

    words: int = 1
    optional: bool = False
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

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return a regular expression of words that ``read`` takes and gives a value for, in any rule.

        It describes the word as it stands in the text, quotes included, and need not cover all that ``read`` takes:
        words that do not fit are read one by one. It has no groups that capture and fits no blank outside quotes.
        None: there is no such expression.
        """
        return None


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
        group: the field that holds the elements of which this is an option, empty for an option of its own.
        repeats: whether it may stand several times; the last one counts.
        drops_not: whether ``!`` before it is taken and has no effect.
        begins: the class of the elements that the field holds; the option itself, a flag, begins the next of them.
    """

    field: str
    names: tuple[str, ...]
    kind: ValueType[Any]
    negatable: bool = False
    required: bool = False
    default: Callable[[Family], object] | None = None
    hidden: object = None
    also: Mapping[str, ValueType[Any]] | None = None
    repeats: bool = False
    drops_not: bool = False
    group: str = ""
    begins: type | None = None

    def put(self, fields: dict[str, Any], value: object) -> None:
        """Add the value to the fields of the extension, of an element's option to those of the last element.

        Args:
            fields: so far; a group is a list of the fields of its elements.
            value: that was read, None where the option says nothing.
        """
        if self.begins:
            fields.setdefault(self.field, [{}]).append({})
        elif value is not None:
            (fields.setdefault(self.group, [{}])[-1] if self.group else fields)[self.field] = value

    def gather(self, fields: dict[str, Any]) -> None:
        """Make the elements of a group out of their fields; other options stand as they are."""
        if self.begins and self.field in fields:
            fields[self.field] = tuple(self.begins(**element) for element in fields[self.field])

    def text(self, value: Any, *, hidden: bool = False) -> list[str]:
        """Return the option with a value as iptables-save prints it, no words where it does not.

        Args:
            value: of the field.
            hidden: whether a value that is not printed is wanted too.
        """
        if value is None or (value == self.hidden and not hidden):
            return []
        if self.begins:
            parts = [[word for item in self.members for word in item.text(getattr(one, item.field))] for one in value]
            return [word for number, part in enumerate(parts) for word in (*self.names[: number > 0], *part)]
        negated = isinstance(value, Negatable) and value.negated
        plain = value.value if isinstance(value, Negatable) else value
        return [*(["!"] if negated else []), self.names[0], *self.kind.write(plain)]

    @property
    def members(self) -> tuple[Option, ...]:
        """The options of the elements that the field holds, in print order."""
        return (
            tuple(replace(option, group=self.field) for option in declared_options(self.begins)) if self.begins else ()
        )

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
    repeats: bool = False,
    drops_not: bool = False,
) -> Any:
    """Declare an option as a dataclass field; see :class:`Option` for the arguments.

    ``default`` may be a value or a function of the family.
    """
    function = default if callable(default) else (None if default is None else lambda _family: default)
    declared = Option("", names, kind, negatable, required, function, hidden, also, repeats, drops_not)
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


def flag(*names: str, negatable: bool = False, repeats: bool = False, drops_not: bool = False) -> Any:
    """Declare an option without a value; the field is False (None if negatable) where it is absent."""
    default = None if negatable else False
    return option(
        FLAG, *names, negatable=negatable, default=default, hidden=False, repeats=repeats, drops_not=drops_not
    )


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, flag))
def element(cls: type[T]) -> type[T]:
    """Make a frozen, slotted dataclass of a class that declares the options of one element of a list."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


def elements(kind: type, separator: str) -> Any:
    """Declare a field that holds a tuple of elements, each with the options that the dataclass ``kind`` declares.

    ``separator`` is the flag that ends one element and begins the next; there is always one element at least.
    """
    declared = Option("", (separator,), FLAG, begins=kind)
    return field(default=(), metadata={_KEY: declared})


def declared_options(cls: type) -> tuple[Option, ...]:
    """Return the options that a dataclass declares, in print order."""
    declared = ((item.name, item.metadata.get(_KEY)) for item in fields(cls))
    return tuple(replace(option, field=name) for name, option in declared if option is not None)
