"""Files that travel with the package: the grammars and the seed fixtures."""

from __future__ import annotations

import os.path  # pathlib takes a tenth of the time in which a small dump is read

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_CHECKOUT = os.path.dirname(_PACKAGE)


def resource(*parts: str) -> str:
    """Return the path of a packaged file or folder, such as ``resource("grammar", "dump.lark")``.

    In a wheel the files lie inside the package; in a checkout (also an editable install) the top-level folder is the
    one that counts, so that an edited grammar is the one in force.

    Raises:
        FileNotFoundError: neither place has it.
    """
    is_checkout = os.path.isfile(os.path.join(_CHECKOUT, "pyproject.toml"))
    for folder in (_CHECKOUT, _PACKAGE) if is_checkout else (_PACKAGE,):
        path = os.path.join(folder, *parts)
        if os.path.exists(path):
            return path
    raise FileNotFoundError("/".join(parts))


def resource_text(*parts: str) -> str:
    """Return what stands in a packaged text file; errors as :func:`resource`."""
    with open(resource(*parts), encoding="utf-8") as file:
        return file.read()
