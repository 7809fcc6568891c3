"""Files that travel with the package: the grammars and the seed fixtures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_CHECKOUT = Path(__file__).resolve().parent.parent


def resource(*parts: str) -> Traversable:
    """Return a packaged file or folder, such as ``resource("grammar", "dump.lark")``.

    In a wheel the files lie inside the package; in a checkout (also an editable install) the top-level folder is the
    one that counts, so that an edited grammar is the one in force.

    Raises:
        FileNotFoundError: neither place has it.
    """
    checkout = _CHECKOUT.joinpath(*parts)
    if (_CHECKOUT / "pyproject.toml").is_file() and checkout.exists():
        return checkout
    from importlib.resources import files  # noqa: PLC0415 - 10 ms that a checkout does not need

    packaged = files("iptc_sim").joinpath(*parts)
    if packaged.is_file() or packaged.is_dir():
        return packaged
    raise FileNotFoundError("/".join(parts))
