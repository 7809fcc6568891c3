"""Findings as JSON; the schema is ``schemas/findings.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from iptc_sim.interchange.scalars import Json
from iptc_sim.lint.finding import Finding, Spot
from iptc_sim.render.lint_text import with_names
from iptc_sim.render.words import Labels

VERSION: Final = 1


def findings_json(found: Sequence[Finding], labels: Labels) -> str:
    """Return the findings, in the order given, as JSON text; ``labels`` names chains."""
    rows = [_row(item, labels) for item in found]
    return json.dumps({"version": VERSION, "kind": "findings", "findings": rows}, indent=2)


def _row(item: Finding, labels: Labels) -> dict[str, Json]:
    row: dict[str, Json] = {**with_names(item.diagnostic, labels).as_dict()}
    if item.spot is not None:
        row |= _place(item.spot)
        row["because"] = [{**_place(spot), **_text(spot)} for spot in item.because]
    if item.fingerprint:
        row["fingerprint"] = item.fingerprint
    return row


def _place(spot: Spot) -> dict[str, Json]:
    place: dict[str, Json] = {"table": spot.table, "chain": spot.chain}
    if spot.number:
        place["rule"] = spot.number
    return place


def _text(spot: Spot) -> dict[str, Json]:
    line: dict[str, Json] = {"line": spot.line} if spot.line else {}
    return {**line, "text": spot.text}
