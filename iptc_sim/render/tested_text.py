"""What came of tests, for people and for TAP."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from iptc_sim.diagnostics import printable
from iptc_sim.render.tested import FileResult, FlowResult, Status, Subject, missed_text, total

_WORDS: Final = {Status.PASSED: "ok   ", Status.FAILED: "FAIL ", Status.ERROR: "ERROR"}


def render_tests(files: Sequence[FileResult]) -> str:
    """Return a line for each flow, what did not hold below it, and the count, ending with a newline."""
    lines: list[str] = []
    for file in files:
        for flow in file.flows:
            lines.append(f"{_WORDS[flow.status]} {printable(f'{file.name}:{flow.line}: {flow.name}')}{_notes(flow)}")
            lines += [f"  {line}" if line else "" for line in _below(flow)]
    return "\n".join([*lines, summary(files)]) + "\n"


def _notes(flow: FlowResult) -> str:
    notes = [f"recorded {flow.recorded}"] if flow.recorded else []
    notes += [f"the kernel does the same: {flow.kernel}"] if flow.kernel and flow.status is Status.PASSED else []
    notes += [flow.note] if flow.note else []
    notes += [f"not sent to the kernel: {flow.not_sent}"] if flow.not_sent else []
    return f"  ({printable('; '.join(notes))})" if notes else ""


def _below(flow: FlowResult) -> Iterator[str]:
    for found in flow.missed:
        yield from map(printable, missed_text(found).split("\n"))
    yield from map(printable, flow.error.split("\n") if flow.error else ())


def summary(files: Sequence[FileResult]) -> str:
    """Return ``3 flows, 1 ruleset: 3 passed, 1 failed``; a claim about rules counts as a ruleset."""
    counts = Counter(flow.subject for file in files for flow in file.flows)
    about = [f"{count} {subject}{'' if count == 1 else 's'}" for subject in Subject if (count := counts[subject])]
    parts = [f"{total(files, Status.PASSED)} passed"]
    parts += [f"{count} failed"] if (count := total(files, Status.FAILED)) else []
    parts += [f"{count} with an error"] if (count := total(files, Status.ERROR)) else []
    return f"{', '.join(about) or '0 flows'}: {', '.join(parts)}"


def render_tap(files: Sequence[FileResult]) -> str:
    """Return TAP version 14: a test point for each flow, with a YAML block where it did not pass."""
    points = [(file, flow) for file in files for flow in file.flows]
    lines = ["TAP version 14", f"1..{len(points)}"]
    for number, (file, flow) in enumerate(points, 1):
        word = "ok" if flow.status is Status.PASSED else "not ok"
        lines.append(f"{word} {number} - {_description(f'{file.name}: {flow.name}')}")
        if flow.status is not Status.PASSED:
            lines += [f"  {line}" for line in _block(file, flow)]
    return "\n".join(lines) + "\n"


def _description(text: str) -> str:
    """Return the text of a test point; ``#`` would begin a directive there, and a backslash escapes."""
    return printable(text).replace("\\", "\\\\").replace("#", "\\#")


def _block(file: FileResult, flow: FlowResult) -> Iterator[str]:
    """Yield a YAML block; texts stand in it as JSON, which YAML is a superset of."""
    told = {
        "file": file.name,
        "line": flow.line,
        "status": str(flow.status),
        "messages": [found.sentence for found in flow.missed] or flow.error.split("\n"),
        "nearest": [text for found in flow.missed for text in found.nearest],
        "path": "\n".join(found.path for found in flow.missed if found.path),
    }
    yield "---"
    yield from (f"{key}: {json.dumps(value)}" for key, value in told.items() if value)
    yield "..."
