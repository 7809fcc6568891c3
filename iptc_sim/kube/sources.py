"""Which files hold the objects that somebody names: files as they are, folders with what is in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from iptc_sim.diagnostics import Diagnostic, InputError, SourceFile

#: The files of a folder that are read, as kubectl apply -f FOLDER -R reads them.
ENDINGS: Final = (".json", ".yaml", ".yml")


def object_sources(names: Iterable[str], read: Callable[[str], SourceFile]) -> list[SourceFile]:
    """Return the texts that names stand for, in order.

    Args:
        names: files, folders, and whatever else ``read`` knows, such as ``-``.
        read: reads one file by its name.

    Raises:
        InputError: IPT003, a folder holds no file of objects; whatever ``read`` raises.
    """
    return [read(path) for name in names for path in (_files(name) if name != "-" and Path(name).is_dir() else [name])]


def _files(folder: str) -> list[str]:
    found = sorted(_walk(folder))
    if not found:
        message = f"there is no {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} file in this folder"
        raise InputError(Diagnostic("IPT003", message, subject=folder))
    return found


def _walk(folder: str) -> Iterator[str]:
    """Yield the files of a folder and of those in it; hidden ones are left out, and links are not followed round."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (str(Path(place, name)) for name in files if name.endswith(ENDINGS) and not name.startswith("."))
