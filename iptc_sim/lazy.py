"""Packages that import what they offer when somebody asks for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module

from iptc_sim.collector import collector_paused


def imported_when_used(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package; what it has found stands in the package from then on.

    That also puts a function in the place of a module of the same name, such as ``iptc_sim.steps``.

    Args:
        package: its name.
        homes: the modules inside it, each with the names that it has for the package.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def find(name: str) -> object:
        home = home_of.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with collector_paused():
            value: object = getattr(import_module(f"{package}.{home}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return find
