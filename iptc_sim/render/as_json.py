"""Traces as JSON; the schema is ``schemas/trace-1.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence

from iptc_sim.connection import Connection, FlowTuple
from iptc_sim.engine.outcomes import Outcome
from iptc_sim.packet import Packet
from iptc_sim.protocols import TCP_FLAGS
from iptc_sim.render.words import Labels, action_text, label_of, translation_text, verdict
from iptc_sim.steps import (
    BackStep,
    ChainStep,
    ConntrackStep,
    End,
    HookStep,
    NoteStep,
    PolicyStep,
    RouteStep,
    RuleStep,
    Step,
    Trace,
    TranslateStep,
)
from iptc_sim.syntax.write import write_rule
from iptc_sim.values import UNKNOWN, Odds, Unknown

TRACE_SCHEMA = "iptc-sim/trace/1"
ODDS_SCHEMA = "iptc-sim/odds/1"

Json = str | int | bool | None | Sequence["Json"] | dict[str, "Json"]


def trace_json(trace: Trace, labels: Labels | None = None, *, indent: int | None = 2) -> str:
    """Return a trace as JSON text; on one line with ``indent`` None."""
    return json.dumps(_trace(trace, labels or {}), indent=indent)


def odds_json(trace: Trace, found: Sequence[Outcome], *, indent: int | None = 2) -> str:
    """Return the outcomes of a trace as JSON text."""
    rows: list[Json] = [
        {
            "fate": str(item.fate),
            "destination": item.destination,
            "source": item.source,
            "source_translated": item.masqueraded,
            "code": item.code,
            "odds": _odds(item.odds),
            "branches": list(item.ends),
        }
        for item in found
    ]
    record = {
        "schema": ODDS_SCHEMA,
        "packet": _packet(trace.flow.packet),
        "assumptions": list(trace.assumptions),
    }
    return json.dumps({**record, "outcomes": rows}, indent=indent)


def _trace(trace: Trace, labels: Labels) -> dict[str, Json]:
    replies: list[Json] = [None if reply is None else _trace(reply, labels) for reply in trace.replies]
    return {
        "schema": TRACE_SCHEMA,
        "packet": _packet(trace.flow.packet),
        "assumptions": list(trace.assumptions),
        "segments": [
            {
                "number": segment.number,
                "parent": segment.parent,
                "choice": segment.choice,
                "chance": _odds(segment.chance),
                "steps": [_step(step, labels) for step in segment.steps],
            }
            for segment in trace.segments
        ],
        "ends": [_end(trace, end) for end in trace.ends],
        "replies": replies,
    }


def _end(trace: Trace, end: End) -> dict[str, Json]:
    decided: Json = None
    if end.decided_by is not None:
        table, chain, number = end.decided_by
        decided = {"table": table, "chain": chain, "rule": number}
    return {
        "segment": end.segment,
        "fate": str(end.fate),
        "odds": _odds(end.odds),
        "packet": _packet(end.packet),
        "connection": _connection(end.connection),
        "code": end.code,
        "why": end.why,
        "decided_by": decided,
        "verdict": verdict(trace, end),
    }


def _odds(odds: Odds | None) -> Json:
    return None if odds is None else {"fraction": str(odds), "percent": odds.percent}


def _known(value: object) -> Json:
    return None if value is None or value is UNKNOWN else value if isinstance(value, int) else str(value)


def _interface(value: str | Unknown | None) -> Json:
    return "?" if value is UNKNOWN else value


def _packet(packet: Packet) -> dict[str, Json]:
    return {
        "family": int(packet.family),
        "protocol": packet.protocol_name,
        "source": _known(packet.source),
        "sport": _known(packet.sport),
        "destination": _known(packet.destination),
        "dport": _known(packet.dport),
        "flags": [name for name in TCP_FLAGS if name in packet.flags],
        "icmp_type": packet.icmp_type,
        "icmp_code": packet.icmp_code,
        "mark": packet.mark,
        "in_interface": _interface(packet.in_interface),
        "out_interface": _interface(packet.out_interface),
    }


def _connection(entry: Connection | None) -> Json:
    if entry is None:
        return None
    return {
        "state": str(entry.state),
        "direction": str(entry.direction),
        "original": _tuple(entry.original),
        "reply": _tuple(entry.reply),
    }


def _tuple(item: FlowTuple) -> dict[str, Json]:
    return {
        "protocol": item.protocol,
        "source": _known(item.source),
        "sport": _known(item.sport),
        "destination": _known(item.destination),
        "dport": _known(item.dport),
    }


def _step(step: Step, labels: Labels) -> dict[str, Json]:
    match step:
        case HookStep(hook, packet):
            return {"step": "hook", "hook": str(hook), "packet": _packet(packet)}
        case RouteStep(kind, interface, why):
            return {"step": "route", "kind": kind, "interface": _interface(interface), "why": why}
        case ConntrackStep(connection, why):
            return {"step": "conntrack", "connection": _connection(connection), "why": why}
        case ChainStep(hook, table, chain, how):
            return {"step": "chain", "hook": str(hook), "table": table, "chain": chain, "how": how}
        case RuleStep():
            return _rule(step, labels)
        case BackStep(hook, table, left, chain):
            return {"step": "back", "hook": str(hook), "table": table, "left": left, "chain": chain}
        case PolicyStep(hook, table, chain, policy, assumed):
            names: dict[str, Json] = {"step": "policy", "hook": str(hook), "table": table, "chain": chain}
            return {**names, "policy": policy, "assumed": assumed}
        case TranslateStep(hook, manip, before, after, by):
            record: dict[str, Json] = {"step": "translate", "hook": str(hook), "manip": str(manip), "by": by}
            return {
                **record,
                "before": _packet(before),
                "after": _packet(after),
                "text": translation_text(step),
            }
        case NoteStep(text):
            return {"step": "note", "text": text}


def _rule(step: RuleStep, labels: Labels) -> dict[str, Json]:
    return {
        "step": "rule",
        "hook": str(step.hook),
        "table": step.table,
        "chain": step.chain,
        "rule": step.number,
        "file": step.rule.source.name if step.rule.source else None,
        "line": step.rule.line or None,
        "text": write_rule(step.rule, step.chain),
        "matched": step.matched,
        "why_not": str(step.reason) if step.reason is not None else None,
        "did": action_text(step) if step.matched else None,
        "label": label_of(step, labels) or None,
        "mark": list(step.mark) if step.mark else None,
    }
