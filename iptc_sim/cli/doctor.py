"""``iptc-sim doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iptc_sim.cli.common import NO, DumpFlags, NodeFlags, one_of, read_node_flags, usage, with_bundle, write
from iptc_sim.cli.grouped import grouped
from iptc_sim.cli.kube_flags import KubeFlags

EPILOG = """Examples:

\b
  iptc-sim doctor --expect-kube shop.yaml node.save --to svc/shop/edge:80 --from pod/shop/client
  iptc-sim doctor --expect-kube objects/ node.save --to nodeport/shop/edge:http --node-ip 192.168.0.2
  iptc-sim doctor --expect-kube objects.yaml CAPTURE --to web.shop --release auto --all

Four stages, in order: the objects, the endpoints, the node's rules, the way of a packet; it stops at the first that is
wrong. Flags of kube-proxy that are not given are taken from the dump where that explains every difference.
Exit status: 0 nothing is wrong on this node, 1 something is, 2 wrong input."""


@grouped
def doctor(
    files: Annotated[
        list[str], typer.Argument(metavar="[FILE...] NODE_DUMP", help="The node's dump, or a folder of capture.")
    ],
    read: DumpFlags,
    flags: KubeFlags,
    node: NodeFlags,
    expect_kube: Annotated[
        list[str] | None, typer.Option("--expect-kube", metavar="FILE...", help="Kubernetes objects; files or folders.")
    ] = None,
    to: Annotated[
        str,
        typer.Option("--to", metavar="svc/NS/NAME:PORT", help="What does not work; also nodeport/..., lb/..., names."),
    ] = "",
    source: Annotated[
        str,
        typer.Option("--from", metavar="pod/NS/NAME|ADDR|host|client", help="For whom (default: a pod, or a client)."),
    ] = "",
    interface: Annotated[
        str, typer.Option("--in-interface", "-i", metavar="IFACE", help="By which its packets come in.")
    ] = "",
    proto: Annotated[str, typer.Option("--proto", "-p", help="tcp, udp or sctp (default: the port's).")] = "",
    namespace: Annotated[
        str, typer.Option("--from-namespace", metavar="NS", help="Where names without a namespace are looked up.")
    ] = "default",
    everything: Annotated[bool, typer.Option("--all", help="Go on behind the first thing that is wrong.")] = False,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Tell why a Service does not work: the first thing that is wrong, and what to look at."""
    from iptc_sim.cli.kube_flags import read_cluster
    from iptc_sim.cli.node_rules import AUTO, meant, read_node_rules
    from iptc_sim.doctor.diagnose import Question, diagnose
    from iptc_sim.doctor.text import diagnosis_json, render_diagnosis
    from iptc_sim.records import replace

    one_of(output, ("text", "json"), "--format")
    objects = [*(expect_kube or ()), *files[:-1]]
    if not objects or not to:
        raise usage(
            "objects, a dump and a destination are needed", "doctor", "--expect-kube FILE... DUMP --to svc/NS/NAME"
        )
    if proto:
        one_of(proto, ("tcp", "udp", "sctp"), "--proto")
    dump = files[-1]
    if Path(dump).is_dir():
        wanted = replace(read, family="6" if flags.ipv6 else read.family)
        (dump,), node = with_bundle([dump], wanted, node, [])
    found, machine = read_node_rules(dump, read, flags), read_node_flags(node)
    settings = meant(flags, found)
    if not settings.node_ip:
        own = [str(item.address) for item in machine.addresses if not item.address.is_loopback]
        settings = replace(settings, node_ip=tuple(dict.fromkeys(own)))
    question = Question(to, source, proto, interface, namespace, flags.release == AUTO, everything)
    answer = diagnose(question, read_cluster(objects, settings), settings, found, machine)
    write(diagnosis_json(answer) if output == "json" else render_diagnosis(answer))
    if answer.fault is not None:
        raise typer.Exit(NO)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("doctor", epilog=EPILOG)(doctor)
