"""``iptc-sim env``."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from iptc_sim.cli.cluster_flags import ClusterFlags, Objects, find_pod, read_objects
from iptc_sim.cli.common import one_of, usage, write
from iptc_sim.cli.grouped import grouped

EPILOG = """Examples:

\b
  iptc-sim env --pod default/web-0 services.yaml pods.yaml
  kubectl get services -A -o yaml | iptc-sim env --pod shop/client -

A pod that is not among the objects is taken as a plain one of that namespace. Only Services that exist when a
container starts have variables in it."""


@grouped
def env(
    files: Objects,
    flags: ClusterFlags,
    pod: Annotated[str, typer.Option("--pod", metavar="NS/NAME", help="The pod that starts now.")],
    container: Annotated[
        str, typer.Option("--container", metavar="NAME", help="Its container (default: the first).")
    ] = "",
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Print the variables about Services that kubelet would give to a pod."""
    from iptc_sim.diagnostics import suggestion
    from iptc_sim.kube.env import service_variables

    one_of(output, ("text", "json"), "--format")
    cluster, _ = read_objects(files, flags, silent=("IPT052",))
    namespace, found = find_pod(pod, cluster)
    containers = found.spec.env if found else {}
    if container and found and container not in containers:
        known = ", ".join(containers)
        raise usage(f"the pod has no container {container}", "--container", known, suggestion(container, containers))
    own = containers.get(container or next(iter(containers), ""), ())
    links = found.spec.service_links if found else True
    every = service_variables(namespace, cluster, links=links)
    if not links:
        sys.stderr.write("note: enableServiceLinks is false: only kubernetes has variables\n")
    if kept := [name for name in own if name in every]:
        sys.stderr.write(f"note: the container sets {', '.join(kept)} by itself, which kubelet leaves as it is\n")
    if not any((item.namespace, item.name) == ("default", "kubernetes") for item in cluster.services):
        sys.stderr.write(
            "note: Service default/kubernetes, which every pod has variables of, is not among the objects\n"
        )
    variables = service_variables(namespace, cluster, links=links, own=own)
    if output == "json":
        write(json.dumps(variables, indent=2))  # the schema is render/schemas/env-1.json
    elif variables:
        write("".join(f"{name}={value}\n" for name, value in variables.items()))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("env", epilog=EPILOG)(env)
