"""A comparison of behaviours as JSON; the schema is ``schemas/behaviour-1.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from iptc_sim.behaviour.answer import Behaviour, DifferenceClass, Share
from iptc_sim.interchange.scalars import Json
from iptc_sim.render.as_json import trace_json
from iptc_sim.render.behaviour_text import summary
from iptc_sim.render.behaviour_words import command, ending_text, flow_text, node_words
from iptc_sim.render.words import Labels

BEHAVIOUR_SCHEMA: Final = "iptc-sim/behaviour/1"


def behaviour_json(found: Behaviour, names: tuple[str, str], labels: Labels | None = None, *, made: bool = True) -> str:
    """Return the answer as JSON text.

    Args:
        found: the answer.
        names: what to call A and B.
        labels: names for chains.
        made: whether no node was given, so that each witness has one of its own.
    """
    proof = found.proof
    record: dict[str, Json] = {
        "schema": BEHAVIOUR_SCHEMA,
        "a": names[0],
        "b": names[1],
        "verdict": str(found.verdict),
        "summary": summary(found),
        "complete": found.complete,
        "classes": [_class(item, names, labels or {}, made=made) for item in found.classes],
        "undecided": [{"why": item.why, "places": list(item.places)} for item in found.undecided],
        "assumptions": list(found.assumptions),
        "proof": {
            "by_text": proof.by_text, "by_keys": proof.by_keys, "compared": proof.compared, "parts": proof.cells
        },
    }  # fmt: skip
    return json.dumps(record, indent=2)


def _class(item: DifferenceClass, names: tuple[str, str], labels: Labels, *, made: bool) -> Json:
    traces: list[Any] = [json.loads(trace_json(trace, labels, indent=None)) for trace in item.traces]
    return {
        "entry": item.entry,
        "kinds": [str(kind) for kind in item.kinds],
        "conditions": {one.field: one.text for one in item.conditions},
        "parts": item.parts,
        "size": str(item.size),
        "keys": list(item.keys),
        "where": list(item.answers),
        "a": _shares(item.ours, item),
        "b": _shares(item.theirs, item),
        "flow": flow_text(item.flow),
        "node": list(node_words(item.node)) if made else None,
        "commands": [command(item, name, made=made) for name in names],
        "traces": traces,
    }


def _shares(shares: Sequence[Share], item: DifferenceClass) -> list[Json]:
    return [
        {
            "odds": None if share.odds is None else str(share.odds.fraction),
            "fate": str(share.ending.fate),
            "code": share.ending.code,
            "destination": share.ending.destination,
            "source": share.ending.source,
            "mark": share.ending.mark,
            "out_interface": share.ending.out_interface,
            "alterations": list(share.ending.alterations),
            "text": ending_text(share.ending, item.flow),
        }
        for share in shares
    ]
