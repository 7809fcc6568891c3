"""Who reaches a destination, as JSON; the schema is ``schemas/reach-1.json``."""

from __future__ import annotations

import json
from typing import Final

from iptc_sim.behaviour.reach_answer import Example, Reach, ReachClass
from iptc_sim.interchange.scalars import Json
from iptc_sim.render.behaviour_words import flow_text, node_words
from iptc_sim.render.reach_words import turns
from iptc_sim.render.words import Labels, action_text, fraction_text
from iptc_sim.steps import PolicyStep, RuleStep
from iptc_sim.values import Odds

SCHEMA: Final = "iptc-sim/reach/1"


def reach_json(found: Reach, labels: Labels | None = None) -> str:
    """Return the answer as JSON text; ``labels`` names chains."""
    return json.dumps(_answer(found, labels or {}), indent=2)


def _answer(found: Reach, labels: Labels) -> dict[str, Json]:
    return {
        "schema": SCHEMA,
        "to": str(found.to),
        "from": None if found.source is None else str(found.source),
        "wanted": str(found.wanted),
        "states": list(found.states),
        "classes": [_class(item, found, labels) for item in found.classes],
        "more": found.left,
        "undecided": [{"why": item.why, "places": list(item.places)} for item in found.undecided],
        "assumptions": list(found.assumptions),
    }


def _class(item: ReachClass, found: Reach, labels: Labels) -> dict[str, Json]:
    return {
        "entries": list(item.entries),
        "conditions": [{"field": one.field, "text": one.text} for one in item.conditions],
        "facts": list(item.facts),
        "size": str(item.size),
        "odds": _odds(item.odds),
        "fates": [str(fate) for fate in item.fates],
        "destination_translated": item.translated,
        "source_translated": item.masqueraded,
        "code": item.code,
        "examples": [_example(one, found, labels) for one in item.examples],
    }


def _odds(odds: Odds) -> dict[str, Json]:
    return {"fraction": fraction_text(odds) or None, "percent": odds.percent}


def _example(item: Example, found: Reach, labels: Labels) -> dict[str, Json]:
    end = item.end
    return {
        "entry": item.entry,
        "flow": flow_text(item.flow),
        "node": [*node_words(item.node)] if found.made else [],
        "fate": str(end.fate),
        "destination": end.packet.destination_text,
        "source": end.packet.source_text,
        "odds": _odds(item.odds),
        "answers": list(item.answers),
        "rules": [_rule(step, labels) for turn in turns(item) for step in turn.steps],
    }


def _rule(step: RuleStep | PolicyStep, labels: Labels) -> dict[str, Json]:
    found: dict[str, Json] = {"hook": str(step.hook), "table": step.table, "chain": step.chain}
    name = labels.get(step.chain, "")
    if isinstance(step, PolicyStep):
        return found | {"rule": 0, "does": step.policy}
    found |= {"rule": step.number, "does": action_text(step)}
    if step.rule.line:
        found["line"] = step.rule.line
    return found | ({"name": name} if name else {})
