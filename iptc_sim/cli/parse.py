"""``iptc-sim parse``."""

from __future__ import annotations

from typing import Annotated

import typer

from iptc_sim.cli.common import DumpFlags, Rules, one_of, read_ruleset, write
from iptc_sim.cli.grouped import grouped

EPILOG = """Examples:

\b
  iptc-sim parse node.save > node.json
  iptables-save | iptc-sim parse - | jq '.tables.nat.chains[] | select(.name == "PREROUTING") | .rules'

Every command that reads rules takes this JSON too; fmt turns it back into text.
Exit status: 0 read, 2 wrong input."""


@grouped
def parse(
    rules: Rules,
    read: DumpFlags,
    output: Annotated[str, typer.Option("--format", help="json.")] = "json",
) -> None:
    """Write a ruleset as typed JSON.

    One rule a line; every option has its value, nothing is left to be parsed.
    """
    from iptc_sim.interchange import ruleset_to_json

    one_of(output, ("json",), "--format")
    write(ruleset_to_json(read_ruleset(rules, read)))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("parse", epilog=EPILOG)(parse)
