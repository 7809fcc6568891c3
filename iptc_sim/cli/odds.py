"""``iptc-sim odds``."""

from __future__ import annotations

from typing import Annotated

import typer

from iptc_sim.cli.common import (
    FlowFlags,
    NodeFlags,
    ReadFlags,
    Rules,
    one_of,
    read_flows,
    read_node_flags,
    read_ruleset,
    write,
)
from iptc_sim.cli.grouped import grouped

EPILOG = """Examples:

\b
  iptc-sim odds node.rules --flow 'tcp 10.244.1.5:33000 -> 10.97.126.137:8125 in cni0'
  iptc-sim odds node.rules --flows flows.txt --format json"""


@grouped
def odds(
    rules: Rules,
    flow: FlowFlags,
    read: ReadFlags,
    node: NodeFlags,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Tell where a packet can end, with exact odds.

    Equal ends are merged.
    """
    from iptc_sim.api import trace
    from iptc_sim.engine.outcomes import outcomes
    from iptc_sim.render import odds_json, render_odds

    one_of(output, ("text", "json"), "--format")
    ruleset, machine = read_ruleset(rules, read), read_node_flags(node)
    flows = list(read_flows(flow))
    for number, item in enumerate(flows):
        found = trace(ruleset, item, machine, as_is=read.as_is)
        if output == "json":
            write(odds_json(found, outcomes(found), indent=None if len(flows) > 1 else 2))
        else:
            write(("\n" if number else "") + render_odds(found, outcomes(found)))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("odds", epilog=EPILOG)(odds)
