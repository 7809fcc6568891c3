"""The JSON schema of flows files, for editors: ``python -m iptc_sim.expect.schema`` prints it.

It is made from the forms and checked in as ``render/schemas/flows-1.json``.
"""

from __future__ import annotations

import json
import sys

from iptc_sim.expect.model import FILE
from iptc_sim.interchange.scalars import Json


def flows_schema() -> dict[str, Json]:
    """Return the schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "iptc-sim flows file, version 1",
        "description": "Packets, what is expected of them, and claims about rules; run by iptc-sim test and by pytest.",
        **FILE.schema(),
        "anyOf": [{"required": [name]} for name in ("flows", "sequences", "rulesets")],
    }


def schema_text() -> str:
    """Return the schema as it is checked in: a line for each key of the file."""
    schema = flows_schema()
    rest = {key: value for key, value in schema.items() if key != "properties"}
    rows = ",\n".join(f"  {json.dumps(key.name)}: {json.dumps(key.shape.schema())}" for key in FILE.keys)
    return f'{json.dumps(rest, indent=1)[:-2]},\n "properties": {{\n{rows}\n }}\n}}\n'


if __name__ == "__main__":
    sys.stdout.write(schema_text())
