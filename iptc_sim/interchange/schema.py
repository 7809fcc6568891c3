"""The JSON schema of a ruleset, made from the declarations: ``python -m iptc_sim.interchange.schema`` prints it.

It is checked in as ``render/schemas/ruleset.json``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

from iptc_sim.builtin import BaseMatch
from iptc_sim.extension import Extension
from iptc_sim.interchange.extensions import extension_schema, foreign_schema, lead_schemas, options_schema
from iptc_sim.interchange.rules import CHAIN, DOCUMENT, TABLE, rule_record
from iptc_sim.interchange.scalars import Json
from iptc_sim.matches import MATCHES
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family


def ruleset_schema() -> dict[str, Json]:
    """Return the schema (draft 2020-12), without the definitions that it refers to."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "iptc-sim ruleset, version 1",
        **DOCUMENT.schema(),
    }


def definitions() -> dict[str, Json]:
    """Return what the schema and the definitions refer to, by name; each extension is one of them."""
    kinds: dict[str, list[type[Extension]]] = {"match": [*MATCHES.all()], "target": [*TARGETS.all()]}
    return {
        "table": TABLE.schema(),
        "chain": CHAIN.schema(),
        "rule": rule_record(Family.IPV4).schema(),
        "base": options_schema(BaseMatch),
        "match": {"anyOf": [*_references("match", kinds["match"]), foreign_schema()]},
        "target": {"anyOf": [*lead_schemas(), *_references("target", kinds["target"]), foreign_schema()]},
        **{f"{kind} {cls.NAME}": extension_schema(cls) for kind, found in kinds.items() for cls in found},
    }


def _references(kind: str, found: Iterable[type[Extension]]) -> list[Json]:
    return [{"$ref": f"#/$defs/{kind}%20{cls.NAME}"} for cls in found]


def schema_text() -> str:
    """Return the schema as it is checked in: a line for each definition."""
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(found)}" for name, found in definitions().items())
    return f'{json.dumps(ruleset_schema(), indent=1)[:-2]},\n "$defs": {{\n{rows}\n }}\n}}\n'


if __name__ == "__main__":
    sys.stdout.write(schema_text())
