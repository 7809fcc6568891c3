"""What came of tests, as data: every format of ``iptc-sim test`` is a pure function of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from iptc_sim.records import dataclass


class Status(StrEnum):
    """What came of one flow or sequence."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


class Subject(StrEnum):
    """What a test is about."""

    FLOW = "flow"
    RULESET = "ruleset"


@dataclass(frozen=True, slots=True)
class Missed:
    """A part of an expectation, or a claim about rules, that does not hold.

    Args:
        key: which part: ``reaches``, ``dropped-by``, ``equivalent-to``; ``kernel`` where simulator and kernel differ.
        sentence: what was expected, and what is so instead.
        nearest: what came closest to what was expected.
        path: what happens to the packet, in path style; of a claim what is different, or found.
        step: of a sequence, from 1; 0 for a flow.
    """

    key: str
    sentence: str
    nearest: tuple[str, ...] = ()
    path: str = ""
    step: int = 0


@dataclass(frozen=True, slots=True)
class FlowResult:
    """What came of one flow or sequence, or of a claim about rules.

    Args:
        name: its name in the file.
        line: where it stands.
        status: what came of it.
        missed: what did not hold.
        error: why it could not be judged, a block of text; empty where it could.
        seconds: how long it took.
        kernel: how many packets the kernel got, and agreed about.
        not_sent: why the kernel was not asked; empty where it was, or was not to be.
        recorded: the expectation that was written into the file; empty where none was.
        note: what there is to say of it all the same; empty where there is nothing.
        subject: what it is about.
    """

    name: str
    line: int
    status: Status
    missed: tuple[Missed, ...] = ()
    error: str = ""
    seconds: float = 0.0
    kernel: int = 0
    not_sent: str = ""
    recorded: str = ""
    note: str = ""
    subject: Subject = Subject.FLOW


@dataclass(frozen=True, slots=True)
class FileResult:
    """What came of one file, in its order."""

    name: str
    flows: tuple[FlowResult, ...]

    def count(self, status: Status) -> int:
        """Return how many flows ended so."""
        return sum(flow.status is status for flow in self.flows)


def total(files: Sequence[FileResult], status: Status) -> int:
    """Return how many flows of all files ended so."""
    return sum(file.count(status) for file in files)


def missed_text(found: Missed) -> str:
    """Return a failure as people read it: the sentence, what came closest, the path."""
    head = f"step {found.step}: {found.sentence}" if found.step else found.sentence
    return "\n".join([head, *(f"nearest: {text}" for text in found.nearest), *_lines(found.path)])


def _lines(path: str) -> list[str]:
    return ["", *path.rstrip("\n").split("\n")] if path else []
