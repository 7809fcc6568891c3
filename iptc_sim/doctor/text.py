"""A diagnosis as text and as JSON."""

from __future__ import annotations

import json

from iptc_sim.diagnostics import printable
from iptc_sim.doctor.report import STAGES, Diagnosis, Verdict

DOCTOR_SCHEMA = "iptc-sim/doctor/1"

_INDENT = " " * 20


def render_diagnosis(found: Diagnosis) -> str:
    """Return a line for each stage, and below it what is to be known of it."""
    lines: list[str] = []
    for check in found.checks:
        lines.append(f"{check.stage:<9}  {check.verdict:<7}  {check.said}")
        lines += [f"{_INDENT}{text}" for text in check.details]
        if check.look_at:
            lines.append(f"{_INDENT}look at: {check.look_at}")
    seen = {check.stage for check in found.checks}
    lines += [f"{stage:<9}  -        not looked at" for stage in STAGES if stage not in seen]
    return "\n".join(printable(line) for line in [*lines, summary(found)]) + "\n"


def summary(found: Diagnosis) -> str:
    """Return the last line."""
    if found.fault is not None:
        return f"=> {found.question}: the fault is in the {found.fault.stage}"
    unclear = [check.stage for check in found.checks if check.verdict is Verdict.UNCLEAR]
    if unclear:
        return (
            f"=> {found.question}: nothing is wrong on this node as far as can be told; unclear: {', '.join(unclear)}"
        )
    return f"=> {found.question}: nothing is wrong on this node"


def diagnosis_json(found: Diagnosis) -> str:
    """Return a diagnosis as JSON text."""
    checks = [
        {
            "stage": check.stage,
            "verdict": check.verdict.lower(),
            "said": check.said,
            "details": list(check.details),
            "look_at": check.look_at or None,
        }
        for check in found.checks
    ]
    record = {
        "schema": DOCTOR_SCHEMA,
        "question": found.question,
        "fault": found.fault.stage if found.fault else None,
        "checks": checks,
        "summary": summary(found),
    }
    return json.dumps(record, indent=2)
