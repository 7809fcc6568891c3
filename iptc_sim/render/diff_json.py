"""A difference as JSON; the schema is ``schemas/diff-3.json``."""

from __future__ import annotations

import json

from iptc_sim.compare.by_service import Grouped
from iptc_sim.compare.edits import (
    Added,
    ChainAdded,
    ChainRemoved,
    Changed,
    Difference,
    Edit,
    Moved,
    MovedBetween,
    PolicyChanged,
    Removed,
    Renamed,
    TableAdded,
    TableRemoved,
)
from iptc_sim.interchange.scalars import Json
from iptc_sim.render.diff_services import Around, services_summary
from iptc_sim.render.diff_text import summary
from iptc_sim.render.words import Labels
from iptc_sim.ruleset import Chain
from iptc_sim.syntax.write import write_rule

DIFF_SCHEMA = "iptc-sim/diff/3"


def diff_json(found: Difference, labels: Labels | None = None) -> str:
    """Return the difference as JSON text."""
    return json.dumps(_record(found, labels or {}, summary(found)), indent=2)


def services_json(found: Grouped, around: Around, labels: Labels) -> str:
    """Return a difference by Service as JSON text; findings name the edits by their numbers, from 0."""
    numbers = {id(edit): number for number, edit in enumerate(found.difference.edits)}
    services: list[Json] = [
        {
            "service": part.service or None,
            "exists": part.exists,
            "findings": [
                {"kind": str(item.kind), "edits": sorted(numbers[id(edit)] for edit in item.edits)}
                for item in part.findings
            ],
        }
        for part in found.services
    ]
    others: list[Json] = [
        {"table": table, "chain": chain, "rules": count} for (table, chain), count in (around.others or {}).items()
    ]
    record = _record(found.difference, labels, services_summary(found))
    record |= {
        "release": around.release,
        "agree": found.agree,
        "counts": {str(kind): count for kind, count in found.counts.items()},
        "services": services,
        "not_counted": others,
        "mind": list(around.mind),
        "explained_by": around.explained or None,
    }
    return json.dumps(record, indent=2)


def _record(found: Difference, labels: Labels, said: str) -> dict[str, Json]:
    edits: list[Json] = [_edit(edit) | {"label": labels.get(edit.chain)} for edit in found.edits]
    return {
        "schema": DIFF_SCHEMA,
        "different": bool(found),
        "summary": said,
        "chains_compared": found.compared,
        "rules_compared": found.rules,
        "not_compared": list(found.left_out),
        "edits": edits,
    }


def _edit(edit: Edit) -> dict[str, Json]:
    place: dict[str, Json] = {"table": edit.table, "chain": edit.chain or None}
    match edit:
        case Added(number=number, rule=rule):
            return {"edit": "added", **place, "rule": number, "text": write_rule(rule)}
        case Removed(number=number, rule=rule):
            return {"edit": "removed", **place, "rule": number, "text": write_rule(rule)}
        case Moved(before=before, after=after, rule=rule):
            return {"edit": "moved", **place, "from": before, "to": after, "text": write_rule(rule)}
        case MovedBetween(before=before, to=to, after=after, rule=rule):
            where: dict[str, Json] = {"from": before, "to": after, "to_chain": to}
            return {"edit": "moved between chains", **place, **where, "text": write_rule(rule)}
        case Changed():
            return _changed(edit, place)
        case Renamed(former=former, rules=rules):
            return {"edit": "renamed", **place, "former": former, "rules": rules}
        case ChainAdded(rules=rules):
            return {"edit": "chain added", **place, "rules": [write_rule(rule) for rule in rules]}
        case ChainRemoved(rules=rules):
            return {"edit": "chain removed", **place, "rules": [write_rule(rule) for rule in rules]}
        case PolicyChanged(before=before, after=after):
            return {"edit": "policy", **place, "before": before, "after": after}
        case TableAdded(chains=chains):
            return {"edit": "table added", **place, "chains": [_chain(chain) for chain in chains]}
        case TableRemoved(chains=chains):
            return {"edit": "table removed", **place, "chains": [_chain(chain) for chain in chains]}


def _changed(edit: Changed, place: dict[str, Json]) -> dict[str, Json]:
    changes: list[Json] = [{"option": item.option, "before": item.before, "after": item.after} for item in edit.changes]
    return {
        "edit": "changed",
        **place,
        "from": edit.before,
        "to": edit.after,
        "old": write_rule(edit.old),
        "new": write_rule(edit.new),
        "changes": changes,
    }


def _chain(chain: Chain) -> Json:
    return {"chain": chain.name, "policy": chain.policy, "rules": [write_rule(rule) for rule in chain.rules]}
