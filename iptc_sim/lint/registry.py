"""The checks, and which codes each of them gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from iptc_sim.lint.finding import Finding
from iptc_sim.lint.view import View
from iptc_sim.records import dataclass

Run = Callable[[View], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """A check.

    Args:
        codes: that it may give.
        run: yields the findings.
    """

    codes: frozenset[str]
    run: Run


#: All checks in the order in which they run.
CHECKS: Final[list[Check]] = []


def check(*codes: str) -> Callable[[Run], Run]:
    """Register a check that gives these codes."""

    def register(run: Run) -> Run:
        CHECKS.append(Check(frozenset(codes), run))
        return run

    return register
