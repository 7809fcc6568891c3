"""``iptc-sim diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import NO, ReadFlags, one_of, read_ruleset, usage, write
from iptc_sim.cli.grouped import grouped
from iptc_sim.cli.kube_flags import KubeFlags, read_cluster, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iptc_sim.ruleset import Ruleset

EPILOG = """Examples:

\b
  iptc-sim diff before.save after.save
  iptc-sim diff --expect-kube services.yaml endpoints.yaml node.save --cluster-cidr 10.244.0.0/16
  iptc-sim diff a.save b.save --only-kube --format json

With --expect-kube every argument but the last is a file of objects, and the last one is the dump.
Exit status: 0 no difference, 1 different, 2 wrong input."""


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
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Compare two rulesets by chain and rule.

    Tells what is missing, added, changed or moved; spelling and counters don't count.
    """
    from iptc_sim.compare import diff as compare
    from iptc_sim.kube.from_comments import comment_names
    from iptc_sim.kube.only_kube import only_kube_chains
    from iptc_sim.render import diff_json, render_diff

    one_of(output, ("text", "json"), "--format")
    a, b, names, labels = _sides(files, expect_kube, read, flags)
    labels = {**comment_names(b), **comment_names(a), **labels}
    if only_kube or (only_kube is None and expect_kube):
        a, b = only_kube_chains(a), only_kube_chains(b)
    found = compare(a, b, table=read.table)
    write(diff_json(found, labels) if output == "json" else render_diff(found, names, labels))
    if found:
        raise typer.Exit(NO)


def _sides(
    files: list[str], expect_kube: list[str] | None, read: ReadFlags, flags: KubeFlags
) -> tuple[Ruleset, Ruleset, tuple[str, str], Mapping[str, str]]:
    if expect_kube:
        from iptc_sim.kube import chain_names, compile_services

        objects = [*expect_kube, *files[:-1]]
        settings = read_settings(flags)
        cluster = read_cluster(objects, settings)
        expected = compile_services(cluster, settings)
        title = f"kube-proxy {settings.release} for {', '.join(objects)}"
        return expected, read_ruleset(files[-1:], read), (title, files[-1]), chain_names(cluster, settings)
    if len(files) != 2:
        expected_text = "A B, or --expect-kube FILE... DUMP"
        raise usage(f"{len(files)} {'file is' if len(files) == 1 else 'files are'} given", "diff", expected_text)
    return read_ruleset(files[:1], read), read_ruleset(files[1:], read), (files[0], files[1]), {}


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("diff", epilog=EPILOG)(diff)
