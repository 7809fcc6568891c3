"""``iptc-sim generate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import DumpFlags, one_of, read_ruleset, say, usage, write
from iptc_sim.cli.grouped import grouped
from iptc_sim.cli.kube_flags import KubeFlags, read_cluster, read_settings

if TYPE_CHECKING:
    from iptc_sim.kube import Cluster, Settings

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
  iptc-sim generate kube deployment.yaml service.yaml --release 1.11 --output restore
  iptc-sim generate kube manifests/ --against node.save --output restore
  iptc-sim generate kube service.yaml endpoints.yaml --release 1.17 --proxy-mode userspace --node-ip 192.0.2.10

With --against, restore is what kube-proxy hands over on that node (stale chains are flushed and deleted), and save is
what the node holds after it: chains and rules of others stay."""


@app.callback()
def generate() -> None:
    """Write the rules that kube-proxy would write."""


@app.command("kube", epilog=EPILOG)
@grouped
def kube(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Kubernetes YAML or JSON, or a folder of them; - is stdin.")
    ],
    flags: KubeFlags,
    output: Annotated[
        str,
        typer.Option("--output", help="save: as iptables-save prints them; restore: as kube-proxy writes them."),
    ] = "save",
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="DUMP", help="The node's rules now, as iptables-save prints them."),
    ] = None,
) -> None:
    """Write the rules that kube-proxy would write for Services and their endpoints."""
    from iptc_sim.kube.compiler import compile_text
    from iptc_sim.kube.text import Spelling

    one_of(output, ("save", "restore"), "--output")
    settings = read_settings(flags)
    cluster = read_cluster(files, settings)
    if against is not None:
        write(_against(cluster, settings, against, output))
        return
    write(compile_text(cluster, settings, Spelling.RESTORE if output == "restore" else Spelling.SAVE))


def _against(cluster: Cluster, settings: Settings, dump: str, output: str) -> str:
    """Return the text for a node that has rules already.

    Raises:
        UsageError: IPT004, the dump is of the other family.
        InputError: IPT029, the kernel would refuse the text, so that there is no state after it.
    """
    from iptc_sim.diagnostics import Diagnostic, InputError, Severity
    from iptc_sim.kube.against import node_after, text_against
    from iptc_sim.records import replace

    found = read_ruleset([dump], DumpFlags())
    if found.family is not settings.family and any(found.rules()):
        hint = "--ipv6" if int(found.family) == 6 else "without --ipv6"
        raise usage(f"{dump} is of IPv{int(found.family)}", "--against", hint)
    after = node_after(cluster, settings, found)
    wrong = [
        Diagnostic(
            "IPT029",
            f"{place}, which kube-proxy deletes: iptables-restore refuses the whole text while the rule is there",
            subject=dump,
        )
        for place in after.held
    ]
    if output == "restore":
        say([replace(item, severity=Severity.WARNING) for item in wrong])
        return text_against(cluster, settings, found)
    if wrong:
        raise InputError(*wrong)
    return after.text


def add_to(application: typer.Typer) -> None:
    """Register the command and its kinds."""
    application.add_typer(app, name="generate")
