"""Times on a machine that has other work as well: the least of several counts is what the code itself needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: How often is counted at most. Whatever shares the core or its caches seldom slows all of them down.
TRIES: Final = 12


def least(*counts: Callable[[], float], until: Callable[..., bool]) -> tuple[float, ...]:
    """Count in turn, until the least of each will do or often enough.

    Args:
        counts: each runs something and returns its seconds.
        until: told the least of each so far, says whether that will do.

    Returns:
        the least seconds of each.
    """
    found = [float("inf")] * len(counts)
    for _ in range(TRIES):
        found = [min(before, count()) for before, count in zip(found, counts, strict=True)]
        if until(*found):
            break
    return tuple(found)
