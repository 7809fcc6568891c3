"""Finds extensions by name: one extension, one file, one class, and no list to keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib import import_module
from keyword import iskeyword
from os import listdir
from typing import Generic, TypeVar

from iptc_sim.extension import Extension

E = TypeVar("E", bound=Extension)


class Registry(Generic[E]):
    """The extensions of one package, imported when first asked for.

    Args:
        package: the dotted name of the package.
        path: its ``__path__``.
        base: the class that its extensions derive from.
        aliases: further names, each with the name that is printed.
    """

    def __init__(
        self, package: str, path: Iterable[str], base: type[E], aliases: Mapping[str, str] | None = None
    ) -> None:
        self._package, self._path, self._base = package, list(path), base
        self._aliases = aliases or {}
        self._found: dict[str, type[E]] = {}

    @cached_property
    def _modules(self) -> frozenset[str]:
        names = (name for folder in self._path for name in listdir(folder))  # noqa: PTH208 - names are all it needs
        return frozenset(name.removesuffix(".py") for name in names if name.endswith(".py") and name[0] != "_")

    def find(self, name: str) -> type[E] | None:
        """Return the extension called ``name`` (as after ``-m`` or ``-j``), or None."""
        name = self._aliases.get(name, name)
        if name not in self._found:
            if not name.isidentifier():  # chains are asked for, too, and most of their names have a dash
                return None
            module = name.lower() + ("_" if iskeyword(name.lower()) else "")
            if module not in self._modules:
                return None
            loaded = import_module(f"{self._package}.{module}")
            for item in vars(loaded).values():
                if isinstance(item, type) and issubclass(item, self._base) and item.__module__ == loaded.__name__:
                    self._found[item.NAME] = item
        return self._found.get(name)

    def all(self) -> list[type[E]]:
        """Return every extension, by name."""
        for module in sorted(self._modules):
            self.find(module.removesuffix("_"))
            self.find(module.removesuffix("_").upper())
        return [self._found[name] for name in sorted(self._found)]
