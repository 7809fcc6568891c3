"""``iptc-sim diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from iptc_sim.cli.common import (
    NO,
    ReadFlags,
    examine_sources,
    one_of,
    read_input,
    usable,
    usage,
    write,
    write_exactly,
)
from iptc_sim.cli.grouped import grouped
from iptc_sim.cli.kube_flags import KubeFlags

if TYPE_CHECKING:
    from iptc_sim.ruleset import Ruleset

PATCH: Final = "patch"
_LIMIT: Final = 20
FORMATS: Final = ("text", "json", PATCH)

EPILOG = """Examples:

\b
  iptc-sim diff before.save after.save
  iptc-sim diff --expect-kube services.yaml endpoints.yaml node.save --cluster-cidr 10.244.0.0/16
  iptc-sim diff --expect-kube objects.json node.save --release auto --format json
  iptc-sim diff a.save b.save --only-kube
  iptc-sim diff before.save after.save --format patch | iptables-restore --noflush
  iptc-sim diff --behaviour before.save after.save
  iptc-sim diff --behaviour before.save after.save --node bundle/ --limit 5 --format json

With --expect-kube every argument but the last is a file or folder of objects, and the last one is the dump. Rules of
others (Docker, CNI, ufw, kubelet) don't count then, unless --all-chains asks for them. --release auto takes the release
whose rules fit the dump best.
--format patch prints what iptables-restore --noflush turns A into B with: rules that stay keep their counters.
--behaviour tells whether some packet is treated differently: proven equivalent for all packets, or the packets that are
treated differently, each class with a packet that shows it; without --node that holds on any node.
Exit status: 0 no difference, 1 different (or not decided), 2 wrong input."""


@grouped
def diff(
    files: Annotated[
        list[str],
        typer.Argument(metavar="A B", help="Two dumps; A is what is expected, or older. - is stdin."),
    ],
    read: ReadFlags,
    flags: KubeFlags,
    expect_kube: Annotated[
        list[str] | None,
        typer.Option("--expect-kube", metavar="FILE...", help="A is what kube-proxy would write for these objects."),
    ] = None,
    only_kube: Annotated[
        bool | None,
        typer.Option(
            "--only-kube/--all-chains",
            help="Only the chains of kube-proxy (default with --expect-kube), or all.",
        ),
    ] = None,
    behaviour: Annotated[
        bool, typer.Option("--behaviour", "--behavior", help="Compare what happens to packets, not the rules.")
    ] = False,
    node: Annotated[
        Path | None, typer.Option("--node", metavar="DIR", help="The machine, a folder of capture; with --behaviour.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="So many classes of packets; with --behaviour (default: 20).")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="text, json or patch.")] = "text",
) -> None:
    """Compare two rulesets by chain and rule.

    Tells what is missing, added, changed, moved or renamed; spelling, counters and the order of tables don't count.
    """
    one_of(output, FORMATS, "--format")
    if output == PATCH and (expect_kube or only_kube):
        raise usage(
            "a patch is made of two whole dumps", "--format patch", "A B, without --expect-kube and --only-kube"
        )
    if not behaviour and (node is not None or limit is not None):
        raise usage("it is for --behaviour", "--limit" if node is None else "--node", "diff --behaviour A B")
    if behaviour:
        if expect_kube or only_kube is not None or output == PATCH:
            raise usage("it stands alone", "--behaviour", "A B, with --format text or json")
        differs = _behaviour(files, read, output, node, limit or _LIMIT)
    elif expect_kube:
        differs = _expected([*expect_kube, *files[:-1]], files[-1], read, flags, output, everything=only_kube is False)
    else:
        differs = _two(files, read, output, only_kube=bool(only_kube))
    if differs:
        raise typer.Exit(NO)


def _two(files: list[str], read: ReadFlags, output: str, *, only_kube: bool) -> bool:
    from iptc_sim.compare import diff as compare
    from iptc_sim.compare import patch
    from iptc_sim.kube.expected import only_kube_chains
    from iptc_sim.kube.names_of import JoinedNames, names_of
    from iptc_sim.render import diff_json, render_diff

    a, b = _both(files, read)
    if output == PATCH:
        write_exactly(patch(a, b, (files[0], files[1]), table=read.table))
        return bool(compare(a, b, table=read.table, strict=True))
    found = compare(*map(only_kube_chains, (a, b)), table=read.table) if only_kube else compare(a, b, table=read.table)
    labels = JoinedNames(names_of(a), names_of(b))
    write(diff_json(found, labels) if output == "json" else render_diff(found, (files[0], files[1]), labels))
    return bool(found)


def _behaviour(files: list[str], read: ReadFlags, output: str, folder: Path | None, limit: int) -> bool:
    from iptc_sim.api import differ
    from iptc_sim.cli.common import NodeFlags, read_node_flags
    from iptc_sim.kube.names_of import JoinedNames, names_of
    from iptc_sim.render.behaviour_json import behaviour_json
    from iptc_sim.render.behaviour_text import render_behaviour

    a, b = _both(files, read)
    node = None if folder is None else read_node_flags(NodeFlags(node=folder))
    found = differ(a, b, node, limit=limit, as_is=read.as_is)
    labels = JoinedNames(names_of(a), names_of(b))
    names, made = (files[0], files[1]), folder is None
    show = behaviour_json if output == "json" else render_behaviour
    write(show(found, names, labels, made=made))
    return bool(found)


def _both(files: list[str], read: ReadFlags) -> tuple[Ruleset, Ruleset]:
    """Read A and B."""
    if len(files) != 2:
        expected = "A B, or --expect-kube FILE... DUMP"
        raise usage(f"{len(files)} {'file is' if len(files) == 1 else 'files are'} given", "diff", expected)
    a, b = (usable(examine_sources([read_input(name)], read)) for name in files)
    return a, b


def _expected(
    objects: list[str], dump: str, read: ReadFlags, flags: KubeFlags, output: str, *, everything: bool
) -> bool:
    from iptc_sim.cli.kube_flags import read_cluster
    from iptc_sim.cli.node_rules import AUTO, meant, read_node_rules
    from iptc_sim.doctor.rules import compare_rules, explanation
    from iptc_sim.render import Around, render_services, services_json

    found = read_node_rules(dump, read, flags)
    settings = meant(flags, found)
    cluster = read_cluster(objects, settings)
    auto = flags.release == AUTO
    compared = compare_rules(cluster, settings, found, auto=auto, everything=everything, table=read.table)
    around = Around(
        (f"kube-proxy {compared.settings.release} for {', '.join(objects)}", dump),
        compared.settings.release,
        compared.chosen,
        (*compared.absent, *compared.mind),
        compared.others,
        explanation(cluster, compared, found) if compared.grouped.difference else "",
    )
    labels = compared.names
    show = services_json if output == "json" else render_services
    write(show(compared.grouped, around, labels))
    return bool(compared.grouped.difference)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("diff", epilog=EPILOG)(diff)
