"""``dataclass``, ``field`` and ``replace`` as in the standard library, made quickly.

The standard module imports a Python disassembler and compiles six functions for every class, which for the hundred
classes that reading a dump needs takes longer than reading a small dump. Here only ``__init__`` is compiled; everything
else is shared. What asks for the standard's fields (``dataclasses.fields``, ``is_dataclass``, pytest) gets them, made
when asked for; ``copy``, ``pickle`` and ``match`` work as they do there; a type checker sees the original.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

__all__ = ["MISSING", "dataclass", "field", "fields", "hash_of", "replace"]

if TYPE_CHECKING:
    from dataclasses import MISSING, Field, dataclass, field, fields, replace
else:

    class _Missing:
        __slots__ = ()

    MISSING = _Missing()

    class Field:
        """What a class declares about one of its fields."""

        __slots__ = ("compare", "default", "default_factory", "init", "kw_only", "metadata", "name", "repr", "type")

        def __init__(self, default, default_factory, init, repr, compare, metadata):  # noqa: A002 - its names
            self.name = self.type = ""
            self.default, self.default_factory = default, default_factory
            self.init, self.repr, self.compare, self.metadata = init, repr, compare, metadata
            self.kw_only = False

        @property
        def required(self):
            return self.default is MISSING and self.default_factory is MISSING

        def standard(self):
            """Return the field of the standard library that says the same."""
            from dataclasses import field as make  # noqa: PLC0415 - slow to import

            given = {"default": self.default, "default_factory": self.default_factory}
            told = {name: value for name, value in given.items() if value is not MISSING}
            flags = {name: getattr(self, name) for name in ("init", "repr", "compare", "kw_only", "metadata")}
            return make(**told, **flags)

    def field(*, default=MISSING, default_factory=MISSING, init=True, repr=True, compare=True, metadata=None):  # noqa: A002
        """Declare a field with more than a default."""
        return Field(default, default_factory, init, repr, compare, metadata or {})

    def fields(cls):
        """Return the fields of a class or record, in order."""
        return cls.__record_fields__

    def replace(record, /, **changes):
        """Return the record with other values in some of its fields."""
        places, values, named = record.__record_values__
        if named:
            return type(record)(**dict(zip(places, values(record), strict=True)) | changes)
        given = list(values(record))
        for name, value in changes.items():
            if name not in places:
                raise TypeError(f"{type(record).__name__} has no field {name!r}")
            given[places[name]] = value
        return type(record)(*given)

    def dataclass(*, frozen=False, slots=False, kw_only=False, eq=True):
        """Return the decorator."""
        return lambda cls: _made(cls, frozen=frozen, slots=slots, kw_only=kw_only, eq=eq)


def _made(cls: type, *, frozen: bool, slots: bool, kw_only: bool, eq: bool) -> type:
    """Return the class made anew: one that exists cannot get slots any more."""
    own = vars(cls)
    here = [item for name, text in own.get("__annotations__", {}).items() if (item := _own(cls, name, text, kw_only))]
    above = [item for base in cls.__mro__[:0:-1] for item in vars(base).get("__record_fields__", ())]
    declared = tuple({item.name: item for item in (*above, *here)}.values())
    kept = {name: value for name, value in own.items() if name not in ("__dict__", "__weakref__")}
    for item in here:
        kept.pop(item.name, None)
    space = _shared(declared, frozen=frozen, slots=slots, eq=eq) | kept
    if eq and own.get("__hash__") is None:
        space["__hash__"] = hash_of if frozen else None
    if slots:
        below = {name for base in cls.__mro__[1:-1] for name in getattr(base, "__slots__", ())}
        space["__slots__"] = tuple(item.name for item in here if item.name not in below)
    else:
        space |= {item.name: item.default for item in here if item.default is not MISSING}
    made = type(cls)(cls.__name__, cls.__bases__, space)
    made.__qualname__ = cls.__qualname__
    return made


def _shared(declared: tuple[Field[Any], ...], *, frozen: bool, slots: bool, eq: bool) -> dict[str, Any]:
    """Return what a class gets that has no such attribute of its own."""
    compared = [item.name for item in declared if item.compare]
    shared: dict[str, Any] = {
        "__record_fields__": declared,
        "__record_values__": _values(declared),
        "__init__": _Later(partial(_init, declared, frozen)),
        "__repr__": _text,
        "__match_args__": tuple(item.name for item in declared if item.init and not item.kw_only),
        "__dataclass_fields__": _Later(partial(_standard, declared, frozen, "__dataclass_fields__")),
        "__dataclass_params__": _Later(partial(_standard, declared, frozen, "__dataclass_params__")),
    }
    if eq:
        shared |= {"__record_compared__": attrgetter(*compared) if compared else type, "__eq__": _equal}
    if frozen:
        shared |= {"__setattr__": _refuse_set, "__delattr__": _refuse_delete}
    if frozen and slots:
        shared |= {"__getstate__": _state, "__setstate__": _restore}
    return shared


def _own(cls: type, name: str, text: str, kw_only: bool) -> Field[Any] | None:
    """Return the field of an annotation, None for a class variable."""
    if text.startswith("ClassVar"):
        return None
    default = vars(cls).get(name, MISSING)
    item = default if isinstance(default, Field) else field(default=default)
    item.name, item.type, item.kw_only = name, text, kw_only
    return item


def _values(declared: tuple[Field[Any], ...]) -> tuple[dict[str, int], Callable[[Any], tuple[Any, ...]], bool]:
    """Return what ``replace`` needs.

    That is the places of the fields that ``__init__`` takes, what gets them all from a record, and whether some are
    given by name only.
    """
    taken = [item for item in declared if item.init]
    names = [item.name for item in taken]
    one = (lambda record: tuple(getattr(record, name) for name in names)) if len(names) < 2 else attrgetter(*names)
    return {name: place for place, name in enumerate(names)}, one, any(item.kw_only for item in taken)


class _Later:
    """An attribute of a class that is made when somebody asks for it: most classes are never made a record of."""

    __slots__ = ("made", "make", "name")

    def __init__(self, make: Callable[[type], Any]) -> None:
        self.make = make

    def __set_name__(self, made: type, name: str) -> None:
        self.made, self.name = made, name

    def __get__(self, record: object, owner: type) -> Any:
        value = self.make(self.made)
        setattr(self.made, self.name, value)
        return value if record is None or not callable(value) else value.__get__(record, owner)


def _standard(declared: tuple[Field[Any], ...], frozen: bool, name: str, made: type) -> Any:
    """Return what the standard library would note on the class under that name."""
    from dataclasses import make_dataclass  # noqa: PLC0415 - slow to import

    told = [(item.name, item.type, item.standard()) for item in declared]  # type: ignore[attr-defined]
    return getattr(make_dataclass(made.__name__, told, frozen=frozen), name)


def _init(declared: tuple[Field[Any], ...], frozen: bool, made: type) -> Any:
    """Compile ``__init__``: what the caller does not give comes from the default or its factory."""
    known: dict[str, object] = {"_set": object.__setattr__, "_MISSING": MISSING}
    places: list[str] = []
    named: list[str] = []
    body: list[str] = []
    for item in declared:
        name, value = item.name, item.name
        if item.default_factory is not MISSING:
            known[f"_make_{name}"] = item.default_factory
            value = f"_make_{name}() if {name} is _MISSING else {name}" if item.init else f"_make_{name}()"
        elif item.default is not MISSING:
            known[f"_default_{name}"] = item.default
            value = name if item.init else f"_default_{name}"
        elif not item.init:
            continue
        if item.init:
            default = "_MISSING" if item.default_factory is not MISSING else f"_default_{name}"
            (named if item.kw_only else places).append(name if item.required else f"{name}={default}")  # type: ignore[attr-defined]
        slot = getattr(made, name, None)
        if not frozen:
            body.append(f"self.{name} = {value}")
        elif isinstance(slot, MemberDescriptorType):  # no look-up of the name, at two thirds of the cost
            known[f"_set_{name}"] = slot.__set__
            body.append(f"_set_{name}(self, {value})")
        else:
            body.append(f"_set(self, {name!r}, {value})")
    if hasattr(made, "__post_init__"):
        body.append("self.__post_init__()")
    arguments = ", ".join(["self", *places, *(["*", *named] if named else [])])
    exec(f"def __init__({arguments}):\n " + "\n ".join(body or ["pass"]), known)  # noqa: S102 - names of fields only
    return known["__init__"]


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    compared = self.__record_compared__
    return compared(self) == compared(other)


def hash_of(record: Any) -> int:
    """Return the hash of the fields that a record is compared by."""
    return hash(record.__record_compared__(record))


def _text(self: Any) -> str:
    shown = ", ".join(f"{item.name}={getattr(self, item.name)!r}" for item in self.__record_fields__ if item.repr)
    return f"{type(self).__qualname__}({shown})"


def _refuse_set(self: object, name: str, value: object) -> None:  # noqa: ARG001 - the interface
    raise _frozen()(f"cannot assign to field {name!r}")


def _refuse_delete(self: object, name: str) -> None:  # noqa: ARG001 - the interface
    raise _frozen()(f"cannot delete field {name!r}")


def _frozen() -> type[AttributeError]:
    from dataclasses import FrozenInstanceError  # noqa: PLC0415 - slow to import, and for errors only

    return FrozenInstanceError


def _state(self: Any) -> list[object]:
    return [getattr(self, item.name) for item in self.__record_fields__]


def _restore(self: Any, state: list[object]) -> None:
    for item, value in zip(self.__record_fields__, state, strict=True):
        object.__setattr__(self, item.name, value)
