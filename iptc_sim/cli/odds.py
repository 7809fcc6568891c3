"""``iptc-sim odds``."""

from __future__ import annotations

from typing import Annotated

import typer

from iptc_sim.cli.common import (
    FlowFlags,
    NodeFlags,
    ReadFlags,
    RulesOrBundle,
    one_of,
    read_flows,
    read_node_flags,
    read_ruleset,
    with_bundle,
    write,
)
from iptc_sim.cli.grouped import grouped
from iptc_sim.cli.object_flags import ObjectFlags, read_named
from iptc_sim.cli.past import PastFlags, read_past
from iptc_sim.cli.proxied import Proxied

EPILOG = """Examples:

\b
  iptc-sim odds node.rules --flow 'tcp 10.244.1.5:33000 -> 10.97.126.137:8125 in cni0'
  iptc-sim odds node.rules --flows flows.txt --format json"""


@grouped
def odds(
    *,
    rules: RulesOrBundle = None,
    flow: FlowFlags,
    read: ReadFlags,
    node: NodeFlags,
    objects: ObjectFlags,
    past: PastFlags,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Tell where a packet can end, with exact odds.

    Equal ends are merged.
    """
    from iptc_sim.api import trace
    from iptc_sim.engine.outcomes import outcomes
    from iptc_sim.kube.names_of import names_of
    from iptc_sim.render import odds_json, render_odds

    one_of(output, ("text", "json"), "--format")
    named = read_named(objects, read.family)
    flows, before = list(read_flows(flow, named.names)), read_past(past)
    named.tell()
    names, node = with_bundle(rules, read, node, flows)
    ruleset, machine = read_ruleset(names, read), read_node_flags(node)
    proxied = Proxied(ruleset, named.cluster, machine, before, None)
    labels = names_of(ruleset, named.chains)
    for number, item in enumerate(flows):
        found = trace(ruleset, item, machine, as_is=read.as_is, now=before.now, history=proxied.past.packets)
        ends = proxied.spread(found, outcomes(found))
        if output == "json":
            write(odds_json(found, ends, labels, indent=None if len(flows) > 1 else 2))
        else:
            write(("\n" if number else "") + render_odds(found, ends, labels) + proxied.lines(found, "path"))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("odds", epilog=EPILOG)(odds)
