"""``iptc-sim generate``."""

from __future__ import annotations

from typing import Annotated

import typer

from iptc_sim.cli.common import one_of, write
from iptc_sim.cli.grouped import grouped
from iptc_sim.cli.kube_flags import KubeFlags, read_cluster, read_settings

app = typer.Typer(
    help="Write the rules that kube-proxy would write.",
    epilog="Examples:\n\n\b\n  iptc-sim generate kube service.yaml endpoints.yaml",
    no_args_is_help=True,
    rich_markup_mode=None,
)

EPILOG = """Examples:

\b
  iptc-sim generate kube service.yaml endpoints.yaml --cluster-cidr 10.244.0.0/16
  kubectl get services,endpointslices -A -o yaml | iptc-sim generate kube - --hostname-override node-1
  iptc-sim generate kube deployment.yaml service.yaml --release 1.11 --output restore"""


@app.callback()
def generate() -> None:
    """Write the rules that kube-proxy would write."""


@app.command("kube", epilog=EPILOG)
@grouped
def kube(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Kubernetes YAML or JSON; - is stdin.")],
    flags: KubeFlags,
    output: Annotated[
        str,
        typer.Option("--output", help="save: as iptables-save prints them; restore: as kube-proxy writes them."),
    ] = "save",
) -> None:
    """Write the rules that kube-proxy would write for Services and their endpoints."""
    from iptc_sim.kube import compile_services, restore_text
    from iptc_sim.syntax.write import write_save

    one_of(output, ("save", "restore"), "--output")
    settings = read_settings(flags)
    cluster = read_cluster(files, settings)
    write(restore_text(cluster, settings) if output == "restore" else write_save(compile_services(cluster, settings)))
