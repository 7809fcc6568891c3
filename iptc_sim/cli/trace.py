"""``iptc-sim trace``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    usage,
    write,
)
from iptc_sim.cli.grouped import grouped

if TYPE_CHECKING:
    from iptc_sim.packet import Packet
    from iptc_sim.render import Labels
    from iptc_sim.steps import Trace

FORMATS = ("path", "detailed", "json")
EPILOG = """Examples:

\b
  iptc-sim trace node.rules --flow 'tcp 10.244.1.5:33000 -> 10.97.126.137:8125 in cni0'
  iptables-save | iptc-sim trace - --flow 'udp 192.0.2.9:5353 -> 192.0.2.10:53 in eth0' --local 192.0.2.10
  iptc-sim trace nat.txt filter.txt --src 10.0.0.9 --dst 10.0.0.1 --dport 80 -i eth0 --reply
  iptc-sim trace node.rules --flow '...' --pick KUBE-SEP-J5WBW7HEOGAHN6ZG --format detailed
  iptc-sim trace node.rules --pcap capture.pcap -i eth0 --write-pcap out.pcap --format json"""


@grouped
def trace(
    rules: Rules,
    flow: FlowFlags,
    read: ReadFlags,
    node: NodeFlags,
    pick: Annotated[str | None, typer.Option("--pick", metavar="N|ADDR:PORT|CHAIN", help="One branch only.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="One branch only, drawn by the odds.")] = None,
    reply: Annotated[bool, typer.Option("--reply", help="Also follow the answer back.")] = False,
    output: Annotated[str, typer.Option("--format", help="path, detailed or json.")] = "path",
    write_pcap: Annotated[
        Path | None, typer.Option("--write-pcap", metavar="FILE", help="The packet at every hook, as a pcap.")
    ] = None,
) -> None:
    """Tell what happens to a packet, rule by rule, and why."""
    from iptc_sim.api import trace as run
    from iptc_sim.kube.from_comments import comment_names

    one_of(output, FORMATS, "--format")
    if pick is not None and seed is not None:
        raise usage("they exclude each other", "--pick and --seed")
    ruleset, machine = read_ruleset(rules, read), read_node_flags(node)
    labels = comment_names(ruleset)
    packets: list[Packet] = []
    flows = list(read_flows(flow))
    for number, item in enumerate(flows):
        found = run(ruleset, item, machine, reply=reply, pick=pick, seed=seed, as_is=read.as_is)
        if number and output != "json":
            write("")
        write(_shown(found, output, labels, many=len(flows) > 1))
        if write_pcap is not None:
            packets += _at_hooks(found)
    if write_pcap is not None:
        from iptc_sim.flows import write_pcap as save

        save(write_pcap, packets)


def _shown(found: Trace, output: str, labels: Labels, *, many: bool) -> str:
    from iptc_sim.render import render_detailed, render_path, trace_json

    if output == "json":
        return trace_json(found, labels, indent=None if many else 2)
    return render_path(found, labels) if output == "path" else render_detailed(found, labels)


def _at_hooks(found: Trace) -> list[Packet]:
    """Return the packet at every hook and at each end, branch after branch."""
    from iptc_sim.steps import HookStep

    packets = [step.packet for segment in found.segments for step in segment.steps if isinstance(step, HookStep)]
    return packets + [end.packet for end in found.ends]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("trace", epilog=EPILOG)(trace)
