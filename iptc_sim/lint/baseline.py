"""A file of findings that were there already: only what is new is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final

from iptc_sim.diagnostics import Diagnostic, InputError, SourceFile
from iptc_sim.lint.finding import SEVERITIES, Finding, about_file

#: What the file is.
KIND: Final = "iptc-sim/baseline/1"


def baseline_text(findings: Iterable[Finding]) -> str:
    """Return the file for some findings: fingerprints, each with code and place for people."""
    rows = [
        {"fingerprint": found.fingerprint, "code": found.code, "place": f"{found.spot.table} {found.spot.chain}"}
        for found in findings
        if found.fingerprint and found.spot
    ]
    return json.dumps({"schema": KIND, "findings": rows}, indent=2) + "\n"


def without_known(
    findings: Iterable[Finding], baseline: SourceFile, codes: Collection[str] | None = None
) -> tuple[Finding, ...]:
    """Leave out the findings of a baseline, and tell of entries that are no more found.

    Args:
        findings: what was found.
        baseline: the file.
        codes: what was looked for; None: everything.

    Raises:
        InputError: IPT055, it is not JSON; IPT056, it is no baseline.
    """
    known = Counter(_entries(baseline))
    kept = []
    for found in findings:
        entry = (found.code, found.fingerprint)
        if found.fingerprint and known[entry]:
            known[entry] -= 1
        else:
            kept.append(found)
    if codes is not None and "IPT119" not in codes:
        return tuple(kept)
    gone = Counter(code for (code, _), count in known.items() for _ in range(count) if codes is None or code in codes)
    for code, count in sorted(gone.items()):
        message = f"{count} {'entry' if count == 1 else 'entries'} of the baseline for {code} hit nothing any more"
        kept.append(about_file("IPT119", baseline, message, "write the baseline again: --write-baseline"))
    return tuple(kept)


def _entries(baseline: SourceFile) -> list[tuple[str, str]]:
    try:
        record = json.loads(baseline.text)
    except (ValueError, RecursionError) as error:
        raise InputError(Diagnostic("IPT055", f"not JSON: {error}", subject=baseline.name)) from error
    expected = "a file that check --lint --write-baseline has written"
    wrong = InputError(Diagnostic("IPT056", "this is no baseline", subject=baseline.name, expected=expected))
    rows = record.get("findings") if isinstance(record, dict) and record.get("schema") == KIND else None
    if not isinstance(rows, list):
        raise wrong
    found = []
    for row in rows:
        code, fingerprint = (row.get("code"), row.get("fingerprint")) if isinstance(row, dict) else (None, None)
        if not isinstance(code, str) or not isinstance(fingerprint, str) or code not in SEVERITIES:
            raise wrong
        found.append((code, fingerprint))
    return found
