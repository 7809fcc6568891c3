"""Files that travel with the package: the grammars and the seed fixtures."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent


def resource(*parts: str) -> Path:
    """Return a packaged file or folder, such as ``resource("grammar", "dump.lark")``.

    In a wheel the files lie inside the package; in a checkout (also an editable install) the top-level folder is the
    one that counts, so that an edited grammar is the one in force.

    Raises:
        FileNotFoundError: neither place has it.
    """
    checkout = _CHECKOUT.joinpath(*parts)
    if (_CHECKOUT / "pyproject.toml").is_file() and checkout.exists():
        return checkout
    packaged = _PACKAGE.joinpath(*parts)
    if packaged.exists():
        return packaged
    raise FileNotFoundError("/".join(parts))
