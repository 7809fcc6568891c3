"""``iptc-sim trace``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import (
    FlowFlags,
    NodeFlags,
    ReadFlags,
    RulesOrBundle,
    read_flows,
    read_node_flags,
    read_ruleset,
    usage,
    with_bundle,
    write,
)
from iptc_sim.cli.grouped import grouped
from iptc_sim.cli.object_flags import ObjectFlags, read_named
from iptc_sim.cli.past import PastFlags, read_past
from iptc_sim.cli.proxied import Proxied
from iptc_sim.cli.shown import HELP, Show, ShowFlags

if TYPE_CHECKING:
    from iptc_sim.packet import Packet
    from iptc_sim.steps import Trace

EPILOG = f"""Examples:

\b
  iptc-sim trace node.rules --flow 'tcp 10.244.1.5:33000 -> 10.97.126.137:8125 in cni0'
  iptables-save | iptc-sim trace - --flow 'udp 192.0.2.9:5353 -> 192.0.2.10:53 in eth0' --local 192.0.2.10
  iptc-sim trace nat.txt filter.txt --src 10.0.0.9 --dst 10.0.0.1 --dport 80 -i eth0 --reply
  iptc-sim trace node.rules --flow '...' --pick KUBE-SEP-J5WBW7HEOGAHN6ZG --format detailed
  iptc-sim trace node.rules --pcap capture.pcap -i eth0 --write-pcap out.pcap --format json
  iptc-sim trace node.rules --flow '...' --why DOCKER:2 --why nat/POSTROUTING
  iptc-sim trace node.rules --flow '...' --explain
  iptc-sim trace node.save --objects shop.yaml --flow 'tcp pod/shop/client -> svc/shop/edge:http in cni0'
  iptc-sim trace node.rules --flow '...' --format dot | dot -Tsvg -o trace.svg

{HELP}"""


@grouped
def trace(
    *,
    rules: RulesOrBundle = None,
    flow: FlowFlags,
    read: ReadFlags,
    node: NodeFlags,
    objects: ObjectFlags,
    past: PastFlags,
    show: ShowFlags,
    pick: Annotated[str | None, typer.Option("--pick", metavar="N|ADDR:PORT|CHAIN", help="One branch only.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="One branch only, drawn by the odds.")] = None,
    reply: Annotated[bool, typer.Option("--reply", help="Also follow the answer back.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with the whole handshake, answer and all.")] = False,
    write_pcap: Annotated[
        Path | None, typer.Option("--write-pcap", metavar="FILE", help="The packet at every hook, as a pcap.")
    ] = None,
) -> None:
    """Tell what happens to a packet, rule by rule, and why."""
    from iptc_sim.api import trace as run
    from iptc_sim.engine.excerpt import complete_excerpt
    from iptc_sim.kube.names_of import names_of

    if pick is not None and seed is not None:
        raise usage("they exclude each other", "--pick and --seed")
    named = read_named(objects, read.family)
    flows = list(read_flows(flow, named.names))
    named.tell()
    shown = Show(show, len(flows))
    names, node = with_bundle(rules, read, node, flows)
    ruleset, machine = read_ruleset(names, read), read_node_flags(node)
    labels = names_of(ruleset, named.chains)
    walked = ruleset if read.as_is else complete_excerpt(ruleset)
    proxied = Proxied(walked, named.cluster, machine, read_past(past), seed)
    packets: list[Packet] = []
    for number, item in enumerate(flows):
        found = run(
            ruleset,
            item,
            machine,
            reply=reply,
            follow=follow,
            pick=pick,
            seed=seed,
            as_is=read.as_is,
            now=proxied.past.now,
            history=proxied.past.packets,
        )
        found = proxied.annotate(found)
        write(
            (shown.separator if number else "") + shown.text(found, walked, labels) + proxied.lines(found, shown.output)
        )
        if write_pcap is not None:
            packets += _at_hooks(found)
    if write_pcap is not None:
        from iptc_sim.flows import write_pcap as save

        save(write_pcap, packets)


def _at_hooks(found: Trace) -> list[Packet]:
    """Return the packet at every hook and at each end, branch after branch."""
    from iptc_sim.steps import HookStep

    packets = [step.packet for segment in found.segments for step in segment.steps if isinstance(step, HookStep)]
    return packets + [end.packet for end in found.ends]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("trace", epilog=EPILOG)(trace)
