"""What the doctor says: checks in the order in which they were made."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from iptc_sim.records import dataclass


class Verdict(StrEnum):
    """What came of a check."""

    OK = "ok"
    WRONG = "WRONG"
    UNCLEAR = "unclear"


#: The stages, in order: what a Service is, what it leads to, what the node does about it, what becomes of a packet.
STAGES: Final = ("objects", "endpoints", "rules", "path")


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Args:
        stage: one of :data:`STAGES`.
        verdict: what came of it.
        said: in a sentence.
        details: more of it, a line each.
        look_at: what to look at where it is wrong.
    """

    stage: str
    verdict: Verdict
    said: str
    details: tuple[str, ...] = ()
    look_at: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer.

    Args:
        question: what was asked, ``svc/shop/edge:80 from pod/shop/client``.
        checks: in order; stages behind the first that is wrong are missing, unless all were asked for.
    """

    question: str
    checks: tuple[Check, ...]

    @property
    def fault(self) -> Check | None:
        """The first check that is wrong; None where all are right, as far as can be told."""
        return next((check for check in self.checks if check.verdict is Verdict.WRONG), None)
