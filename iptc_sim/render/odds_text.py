"""The outcomes of a trace as a small table in text."""

from __future__ import annotations

from collections.abc import Sequence

from iptc_sim.diagnostics import printable
from iptc_sim.engine.outcomes import Outcome
from iptc_sim.render.words import fraction_text
from iptc_sim.steps import Trace


def render_odds(trace: Trace, found: Sequence[Outcome]) -> str:
    """Return one line per outcome: where it ends, the exact fraction, the percentage."""
    lines = [f"packet   {printable(str(trace.flow.packet))}"]
    lines += [f"assumed  {printable(text)}" for text in trace.assumptions]
    rows = [(_where(item), "" if item.odds is None else fraction_text(item.odds), _percent(item)) for item in found]
    widths = [min(60, max((len(row[column]) for row in rows), default=0)) for column in (0, 1)]
    lines += [
        f"{where:<{widths[0]}}  {fraction:>{widths[1]}}  {percent:>9}".rstrip() for where, fraction, percent in rows
    ]
    return "\n".join(lines) + "\n"


def _percent(item: Outcome) -> str:
    return "odds not known" if item.odds is None else item.odds.percent


def _where(item: Outcome) -> str:
    source = f", source {item.source}" if item.masqueraded else ""
    code = f" {item.code}" if item.code else ""
    return printable(f"{item.fate}{code} {item.destination}{source}")
