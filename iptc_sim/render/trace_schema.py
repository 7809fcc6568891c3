"""The JSON schemas of traces and odds, made from the forms: ``python -m iptc_sim.render.trace_schema trace``.

They are checked in as ``schemas/trace-2.json`` and ``schemas/odds-2.json``.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from iptc_sim.interchange.codecs import closed
from iptc_sim.interchange.scalars import Json
from iptc_sim.moment import Hook
from iptc_sim.packet import Packet
from iptc_sim.render.as_json import HEADERS, ODDS_SCHEMA, TRACE_SCHEMA
from iptc_sim.render.forms import Forms, with_key
from iptc_sim.ruleset import BUILTIN_CHAINS
from iptc_sim.steps import Fate, Trace
from iptc_sim.values import Family, Odds

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final[Json] = {"type": "string"}
_TEXTS: Final[Json] = {"type": "array", "items": _TEXT}
_MAYBE_TEXT: Final[Json] = {"type": ["string", "null"]}
_MAYBE_NUMBER: Final[Json] = {"type": ["integer", "null"], "minimum": 1}
_VERDICTS: Final = ("ACCEPT", "DROP", "CONTINUE", "JUMP", "GOTO", "RETURN", "STOLEN")

_TOLD_OF_RULES: Final[dict[str, Json]] = {
    "text": {**_TEXT, "description": "the rule as iptables -S prints it"},  # type: ignore[dict-item]
    "file": _MAYBE_TEXT,
    "line": _MAYBE_NUMBER,
    "why_not": _MAYBE_TEXT,
    "did": _MAYBE_TEXT,
    "label": _MAYBE_TEXT,
}


def trace_schema() -> dict[str, Json]:
    """Return the schema of a trace (draft 2020-12)."""
    forms = Forms(Family.IPV4)
    forms.record(Trace)
    named: dict[str, Any] = forms.definitions()
    for key, value in _TOLD_OF_RULES.items():
        named["step rule"] = with_key(named["step rule"], key, value)
    named["step rule"] = with_key(named["step rule"], "explain", _TEXT, required=False)
    named["step translate"] = with_key(named["step translate"], "text", _TEXT)
    for key, value in _told_of_ends(forms).items():
        named["End"] = with_key(named["End"], key, value)
    document: Any = with_key(named["Trace"], "family", {"enum": [int(family) for family in Family]})
    return {
        "$schema": _DRAFT,
        "title": "iptc-sim trace, version 2",
        "description": (
            "What happens to one packet. Segments form a tree by their parent; each end names its last segment. An "
            'address, port or interface "?" is there and not known; null: there is none. The rule of a step has the '
            "form of ruleset.json."
        ),
        **with_key(document, "schema", {"const": TRACE_SCHEMA}),
        "$defs": named,
    }


def _told_of_ends(forms: Forms) -> dict[str, Json]:
    headers: dict[str, Json] = {
        item.key: item.codec.schema() for item in forms.record(Packet).members if item.key in HEADERS
    }
    packet = closed(headers, HEADERS)
    hook: dict[str, Json] = {"enum": [str(hook) for hook in Hook]}
    matched: dict[str, Json] = {
        "hook": hook,
        "table": {"enum": list(BUILTIN_CHAINS)},
        "chain": _TEXT,
        "rule": {**_MAYBE_NUMBER, "description": "null: the policy"},  # type: ignore[dict-item]
        "verdict": {"enum": list(_VERDICTS)},
        "target": _MAYBE_TEXT,
        "target_chain": _MAYBE_TEXT,
        "maybe": {"type": "boolean", "description": "whether it cannot be told if it fits, and does not matter"},
    }
    passed: dict[str, Json] = {"hook": hook, "begin": packet, "end": {"anyOf": [packet, {"type": "null"}]}}
    return {
        "verdict": _TEXT,
        "matched": {"type": "array", "items": closed(matched, tuple(matched))},
        "hooks": {"type": "array", "items": closed(passed, tuple(passed))},
    }


def odds_schema() -> dict[str, Json]:
    """Return the schema of odds (draft 2020-12)."""
    forms = Forms(Family.IPV4)
    outcome: dict[str, Json] = {
        "fate": {"enum": [str(fate) for fate in Fate]},
        "destination": _TEXT,
        "source": _TEXT,
        "source_translated": {"type": "boolean"},
        "code": _TEXT,
        "odds": forms.of(Odds | None).schema(),
        "branches": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        "label": _MAYBE_TEXT,
    }
    proxied = {**_TEXT, "description": "where a proxy on the node that takes the packet connects to"}  # type: ignore[dict-item]
    document: dict[str, Json] = {
        "schema": {"const": ODDS_SCHEMA},
        "packet": forms.of(Packet).schema(),
        "assumptions": _TEXTS,
        "outcomes": {
            "type": "array",
            "minItems": 1,
            "items": closed({**outcome, "proxied_to": proxied}, tuple(outcome)),
        },
    }
    return {
        "$schema": _DRAFT,
        "title": "iptc-sim odds, version 2",
        **closed(document, tuple(document)),
        "$defs": forms.definitions(),
    }


def schema_text(schema: dict[str, Json]) -> str:
    """Return a schema as it is checked in: a line for each definition."""
    rest = {key: value for key, value in schema.items() if key != "$defs"}
    named: Any = schema["$defs"]
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(found)}" for name, found in named.items())
    return f'{json.dumps(rest, indent=1)[:-2]},\n "$defs": {{\n{rows}\n }}\n}}\n'


if __name__ == "__main__":
    sys.stdout.write(schema_text(odds_schema() if sys.argv[1:] == ["odds"] else trace_schema()))
