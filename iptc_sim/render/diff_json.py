"""A difference as JSON."""

from __future__ import annotations

import json

from iptc_sim.compare.edits import (
    Added,
    ChainAdded,
    ChainRemoved,
    Changed,
    Difference,
    Edit,
    Moved,
    PolicyChanged,
    Removed,
)
from iptc_sim.interchange.scalars import Json
from iptc_sim.render.words import Labels
from iptc_sim.syntax.write import write_rule

DIFF_SCHEMA = "iptc-sim/diff/1"


def diff_json(found: Difference, labels: Labels | None = None) -> str:
    """Return the difference as JSON text."""
    names = labels or {}
    edits: list[Json] = [_edit(edit) | {"label": names.get(edit.chain)} for edit in found.edits]
    record: dict[str, Json] = {
        "schema": DIFF_SCHEMA,
        "different": bool(found),
        "chains_compared": found.compared,
        "rules_compared": found.rules,
        "not_compared": list(found.left_out),
        "edits": edits,
    }
    return json.dumps(record, indent=2)


def _edit(edit: Edit) -> dict[str, Json]:
    place: dict[str, Json] = {"table": edit.table, "chain": edit.chain}
    match edit:
        case Added(number=number, rule=rule):
            return {"edit": "added", **place, "rule": number, "text": write_rule(rule)}
        case Removed(number=number, rule=rule):
            return {"edit": "removed", **place, "rule": number, "text": write_rule(rule)}
        case Moved(before=before, after=after, rule=rule):
            return {"edit": "moved", **place, "from": before, "to": after, "text": write_rule(rule)}
        case Changed():
            changes: list[Json] = [
                {"option": item.option, "before": item.before, "after": item.after} for item in edit.changes
            ]
            texts: dict[str, Json] = {"old": write_rule(edit.old), "new": write_rule(edit.new)}
            return {
                "edit": "changed",
                **place,
                "from": edit.before,
                "to": edit.after,
                **texts,
                "changes": changes,
            }
        case ChainAdded(rules=rules):
            return {"edit": "chain added", **place, "rules": [write_rule(rule) for rule in rules]}
        case ChainRemoved(rules=rules):
            return {"edit": "chain removed", **place, "rules": [write_rule(rule) for rule in rules]}
        case PolicyChanged(before=before, after=after):
            return {"edit": "policy", **place, "before": before, "after": after}
