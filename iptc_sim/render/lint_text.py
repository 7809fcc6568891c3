"""Findings as text: a block each, with the rules that it follows from, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from iptc_sim.diagnostics import Diagnostic, printable
from iptc_sim.lint.finding import Finding, Spot
from iptc_sim.records import replace
from iptc_sim.render.words import Labels, named

#: So many of the rules that a finding follows from are shown.
_SHOWN: Final = 5


def findings_text(found: Sequence[Finding], labels: Labels, files: int) -> str:
    """Return the findings in the order given, and a last line that counts them.

    Args:
        found: the findings.
        labels: names for chains.
        files: in how many files they were looked for.
    """
    counts = Counter(str(item.diagnostic.severity) for item in found)
    parts = [
        f"{counts[kind]} {kind}{'s' * (counts[kind] != 1)}" for kind in ("error", "warning", "note") if counts[kind]
    ]
    summary = f"{', '.join(parts) or 'nothing found'} in {files} file{'s' * (files != 1)}"
    return "\n".join([*(_block(item, labels) for item in found), summary])


def with_names(item: Diagnostic, labels: Labels) -> Diagnostic:
    """Return a diagnostic that says behind the names of chains what they stand for."""
    message = named(item.message, labels)
    return replace(item, message=message) if message != item.message else item


def _block(item: Finding, labels: Labels) -> str:
    rows = [f"  because of {_rule(spot)}" for spot in item.because[:_SHOWN]]
    if len(item.because) > _SHOWN:
        rows.append(f"  and of {len(item.because) - _SHOWN} more rules")
    return "\n".join([with_names(item.diagnostic, labels).render(), *rows])


def _rule(spot: Spot) -> str:
    return printable(f"{spot}: {spot.text}")
