"""``dataclass`` as in the standard library, made quickly where it is frozen and slotted.

The standard one writes and compiles six functions for every class, which for the hundred classes that reading a dump
needs takes longer than reading a small dump. Here only ``__init__`` is compiled; everything else is shared. ``fields``,
``replace``, ``copy``, ``pickle`` and ``match`` work as they do there; a type checker sees the original.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, fields
from dataclasses import dataclass as standard
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["dataclass"]

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool = False, slots: bool = False, kw_only: bool = False, **others: bool):
        """Return the decorator."""
        if frozen and slots and not others:
            return lambda cls: _frozen(cls, kw_only=kw_only)
        return standard(frozen=frozen, slots=slots, kw_only=kw_only, **others)


def _frozen(cls: type[T], *, kw_only: bool) -> type[T]:
    made = standard(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    declared = fields(made)  # type: ignore[arg-type]
    compared = [item.name for item in declared if item.compare]
    shared: dict[str, Any] = {
        "__init__": _init(made, declared),
        "_compared": attrgetter(*compared) if compared else type,
        "__eq__": _equal,
        "__hash__": _hash,
        "__repr__": _text,
        "__setattr__": _refuse_set,
        "__delattr__": _refuse_delete,
        "__getstate__": _state,
        "__setstate__": _restore,
    }
    own = vars(cls)
    for name, function in shared.items():
        if name not in own or (name == "__hash__" and own[name] is None):
            setattr(made, name, function)
    return made


def _init(made: type, declared: tuple[Field[Any], ...]) -> Any:
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
            (named if item.kw_only else places).append(name if _is_required(item) else f"{name}={default}")
        body.append(f"_set(self, {name!r}, {value})")
    if hasattr(made, "__post_init__"):
        body.append("self.__post_init__()")
    arguments = ", ".join(["self", *places, *(["*", *named] if named else [])])
    exec(f"def __init__({arguments}):\n " + "\n ".join(body or ["pass"]), known)  # noqa: S102 - names of fields only
    return known["__init__"]


def _is_required(item: Field[Any]) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    compared = self._compared
    return compared(self) == compared(other)


def _hash(self: Any) -> int:
    return hash(self._compared(self))


def _text(self: Any) -> str:
    shown = ", ".join(f"{item.name}={getattr(self, item.name)!r}" for item in fields(self) if item.repr)
    return f"{type(self).__qualname__}({shown})"


def _refuse_set(self: object, name: str, value: object) -> None:  # noqa: ARG001 - the interface
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: object, name: str) -> None:  # noqa: ARG001 - the interface
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:
    return [getattr(self, item.name) for item in fields(self)]


def _restore(self: Any, state: list[object]) -> None:
    for item, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, item.name, value)
