"""Traces as JSON; the schema is ``schemas/trace-2.json``, the forms of the parts are in :mod:`iptc_sim.render.forms`.

Beside what the trace holds the JSON tells what follows from it, for readers that are no Python program: sentences, the
text of each rule, and for each end the rules that the packet fits and its headers at every hook.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from iptc_sim.engine.outcomes import Outcome
from iptc_sim.interchange.scalars import Json
from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.render.explained import explain_rule
from iptc_sim.render.forms import Forms
from iptc_sim.render.leaf_forms import short_odds
from iptc_sim.render.matched import HookPass, Matched, Ways
from iptc_sim.render.words import Labels, action_text, end_label, label_of, translation_text, verdict
from iptc_sim.steps import RuleStep, Step, Trace, TranslateStep
from iptc_sim.syntax.write import write_rule
from iptc_sim.values import CERTAIN, Odds

TRACE_SCHEMA: Final = "iptc-sim/trace/2"
ODDS_SCHEMA: Final = "iptc-sim/odds/2"

#: Keys that follow from others, of an end and of each kind of step; a reader leaves them out.
TOLD_OF_ENDS: Final = ("verdict", "matched", "hooks")
TOLD_OF_STEPS: Final = {
    "rule": ("text", "file", "line", "why_not", "did", "label", "explain"),
    "translate": ("text",),
}

#: What is told of a packet at each hook.
HEADERS: Final = (
    "source", "sport", "destination", "dport", "mark", "in_interface", "out_interface", "ttl", "tos",
)  # fmt: skip


def trace_json(trace: Trace, labels: Labels | None = None, *, indent: int | None = 2, explain: bool = False) -> str:
    """Return a trace as JSON text; :func:`trace_from_json` reads it back.

    Args:
        trace: the trace.
        labels: names for chains.
        indent: blanks for each level; None: all on one line.
        explain: whether each rule that fits says in a sentence what it means.
    """
    family = trace.flow.packet.family
    record: dict[str, Json] = {"schema": TRACE_SCHEMA, "family": int(family)}
    forms = Forms(family)
    return json.dumps(record | _Teller(forms, labels or {}, explain=explain).trace(trace), indent=indent)


def trace_to_json(trace: Trace) -> str:
    """Return a trace as JSON text, all on one line; :func:`trace_from_json` reads it back."""
    return trace_json(trace, indent=None)


def odds_json(trace: Trace, found: Sequence[Outcome], labels: Labels | None = None, *, indent: int | None = 2) -> str:
    """Return the outcomes of a trace as JSON text.

    Args:
        trace: the trace.
        found: its outcomes.
        labels: names for chains.
        indent: blanks for each level; None: all on one line.
    """
    forms = Forms(trace.flow.packet.family)
    odds = forms.of(Odds | None)
    rows: list[Json] = [
        {
            "fate": str(item.fate),
            "destination": item.destination,
            "source": item.source,
            "source_translated": item.masqueraded,
            "code": item.code,
            "odds": odds.encode(item.odds),
            "branches": list(item.ends),
            "label": end_label(trace, trace.ends[item.ends[0] - 1], labels or {}) or None,
            **({"proxied_to": item.proxied_to} if item.proxied_to else {}),
        }
        for item in found
    ]
    record: dict[str, Json] = {
        "schema": ODDS_SCHEMA,
        "packet": forms.of(Packet).encode(trace.flow.packet),
        "assumptions": list(trace.assumptions),
    }
    return json.dumps({**record, "outcomes": rows}, indent=indent)


class _Teller:
    """Writes one trace and its replies."""

    def __init__(self, forms: Forms, labels: Labels, *, explain: bool) -> None:
        self.forms, self.labels, self.explain = forms, labels, explain
        self._headers = {item.key: item for item in forms.record(Packet).members if item.key in HEADERS}

    def trace(self, trace: Trace) -> dict[str, Json]:
        """Return the parts of a trace with what follows from them."""
        found: dict[str, Any] = {}
        products = branch_odds(trace)
        plain = [replace(end, odds=None) if end.odds == products[end.segment] else end for end in trace.ends]
        for member in self.forms.record(Trace).members:
            if member.field != "replies":
                found[member.key] = member.codec.encode(
                    plain if member.field == "ends" else getattr(trace, member.field)
                )
        for record, segment in zip(found["segments"], trace.segments, strict=True):
            for item, step in zip(record["steps"], segment.steps, strict=True):
                item.update(self._step(step))
        ways = Ways(trace)
        for record, end in zip(found["ends"], trace.ends, strict=True):
            if record["odds"] is None and end.odds is not None:
                record["odds"] = short_odds(end.odds)
            record["verdict"] = verdict(trace, end)
            record["matched"] = [_matched(item) for item in ways.matched(end)]
            record["hooks"] = [self._hook(item) for item in ways.hooks(end)]
        found["replies"] = [None if reply is None else self.trace(reply) for reply in trace.replies]
        return found

    def _step(self, step: Step) -> dict[str, Json]:
        if isinstance(step, TranslateStep):
            return {"text": translation_text(step)}
        if not isinstance(step, RuleStep):
            return {}
        told: dict[str, Json] = {
            "text": write_rule(step.rule, step.chain),
            "file": step.rule.source.name if step.rule.source else None,
            "line": step.rule.line or None,
            "why_not": str(step.reason) if step.reason is not None else None,
            "did": action_text(step) if step.matched else None,
            "label": label_of(step, self.labels) or None,
        }
        if self.explain and step.matched:
            told["explain"] = explain_rule(step.rule)
        return told

    def _hook(self, item: HookPass) -> Json:
        end = None if item.end is None else self._packet(item.end.packet)
        return {"hook": str(item.begin.hook), "begin": self._packet(item.begin.packet), "end": end}

    def _packet(self, packet: Packet) -> Json:
        return {key: item.codec.encode(getattr(packet, item.field)) for key, item in self._headers.items()}


def branch_odds(trace: Trace) -> list[Odds | None]:
    """Return for each segment the product of the chances of those that lead to it, None where one has none."""
    found: list[Odds | None] = []
    for segment in trace.segments:
        before = CERTAIN if segment.parent is None else found[segment.parent]
        if segment.parent is not None and before is not None:
            before = None if segment.chance is None else before * segment.chance
        found.append(before)
    return found


def _matched(item: Matched) -> Json:
    return {
        "hook": item.hook,
        "table": item.table,
        "chain": item.chain,
        "rule": item.rule,
        "verdict": item.verdict,
        "target": item.target,
        "target_chain": item.target_chain,
        "maybe": item.maybe,
    }
