"""The outcomes of a trace as a small table in text."""

from __future__ import annotations

from collections.abc import Sequence

from iptc_sim.diagnostics import printable
from iptc_sim.engine.outcomes import Outcome
from iptc_sim.render.words import Labels, end_label, fraction_text
from iptc_sim.steps import Trace


def render_odds(trace: Trace, found: Sequence[Outcome], labels: Labels | None = None) -> str:
    """Return one line per outcome: where it ends, the exact fraction, the percentage, the Service that led there.

    Args:
        trace: the trace.
        found: its outcomes.
        labels: names for chains.
    """
    lines = [f"packet   {printable(str(trace.flow.packet))}"]
    lines += [f"assumed  {printable(text)}" for text in trace.assumptions]
    rows = [(_where(item), "" if item.odds is None else fraction_text(item.odds), _percent(item)) for item in found]
    widths = [min(60, max((len(row[column]) for row in rows), default=0)) for column in (0, 1)]
    lines += [
        f"{where:<{widths[0]}}  {fraction:>{widths[1]}}  {percent:>9}{_label(trace, item, labels)}".rstrip()
        for (where, fraction, percent), item in zip(rows, found, strict=True)
    ]
    return "\n".join(lines) + "\n"


def _label(trace: Trace, item: Outcome, labels: Labels | None) -> str:
    label = end_label(trace, trace.ends[item.ends[0] - 1], labels or {})
    return f"  ({label.removesuffix(f' -> {item.destination}')})" if label else ""


def _percent(item: Outcome) -> str:
    return "odds not known" if item.odds is None else item.odds.percent


def _where(item: Outcome) -> str:
    source = f", source {item.source}" if item.masqueraded else ""
    code = f" {item.code}" if item.code else ""
    proxied = f", proxied to {item.proxied_to}" if item.proxied_to else ""
    return printable(f"{item.fate}{code} {item.destination}{source}{proxied}")
