"""What came of tests, for programs: JUnit XML, and JSON (``schemas/test-1.json``)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from iptc_sim.diagnostics import printable
from iptc_sim.render.tested import FileResult, FlowResult, Status, missed_text, total

TEST_SCHEMA: Final = "iptc-sim/test/1"


def render_junit(files: Sequence[FileResult]) -> str:
    """Return JUnit XML: a suite for each file, a case for each flow."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>']
    counts = [sum(len(file.flows) for file in files), total(files, Status.FAILED), total(files, Status.ERROR)]
    spent = sum(flow.seconds for file in files for flow in file.flows)
    lines.append(f'<testsuites name="iptc-sim" {_counts(counts, spent)}>')
    for file in files:
        counts = [len(file.flows), file.count(Status.FAILED), file.count(Status.ERROR)]
        spent = sum(flow.seconds for flow in file.flows)
        lines.append(f"  <testsuite name={_quoted(file.name)} {_counts(counts, spent)}>")
        lines += [line for flow in file.flows for line in _case(file, flow)]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _counts(counts: Sequence[int], seconds: float) -> str:
    tests, failures, errors = counts
    return f'tests="{tests}" failures="{failures}" errors="{errors}" skipped="0" time="{seconds:.3f}"'


def _case(file: FileResult, flow: FlowResult) -> Iterator[str]:
    words = f"classname={_quoted(file.name)} name={_quoted(flow.name)}"
    head = f'    <testcase {words} file={_quoted(file.name)} line="{flow.line}" time="{flow.seconds:.3f}"'
    if flow.status is Status.PASSED:
        yield f"{head}/>"
        return
    yield f"{head}>"
    if flow.error:
        yield f"      <error message={_quoted(flow.error.split(chr(10))[0])}>{_text(flow.error)}</error>"
    else:
        message = "; ".join(found.sentence for found in flow.missed)
        text = "\n\n".join(map(missed_text, flow.missed))
        yield f'      <failure type="expectation" message={_quoted(message)}>{_text(text)}</failure>'
    yield "    </testcase>"


def _quoted(text: str) -> str:
    return f'"{escape(printable(text))}"'


def _text(text: str) -> str:
    """Return text for an element; what XML cannot hold is escaped as for a terminal."""
    return escape("\n".join(map(printable, text.split("\n"))), quote=False)


def results_json(files: Sequence[FileResult]) -> str:
    """Return everything as JSON, version 1."""
    told = {
        "schema": TEST_SCHEMA,
        "passed": total(files, Status.PASSED),
        "failed": total(files, Status.FAILED),
        "errors": total(files, Status.ERROR),
        "files": [{"file": file.name, "flows": [_flow(flow) for flow in file.flows]} for file in files],
    }
    return json.dumps(told, indent=2) + "\n"


def _flow(flow: FlowResult) -> dict[str, object]:
    missed = [
        {
            "key": found.key,
            "step": found.step or None,
            "message": found.sentence,
            "nearest": list(found.nearest),
            "path": found.path,
        }
        for found in flow.missed
    ]
    return {
        "name": flow.name,
        "line": flow.line,
        "status": str(flow.status),
        "seconds": round(flow.seconds, 6),
        "missed": missed,
        "error": flow.error,
        "kernel": flow.kernel,
        "not_sent": flow.not_sent,
        "recorded": flow.recorded,
        "note": flow.note,
        "subject": str(flow.subject),
    }
