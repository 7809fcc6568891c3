"""``iptc-sim endpoints``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.cluster_flags import ClusterFlags, Objects, read_objects
from iptc_sim.cli.common import NO, one_of, usage, write
from iptc_sim.cli.grouped import grouped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iptc_sim.kube import Cluster, Settings
    from iptc_sim.kube.endpoint_report import PodVerdict
    from iptc_sim.kube.objects import Endpoints, Service

EPILOG = """Examples:

\b
  iptc-sim endpoints deployment.yaml service.yaml --pod-cidr 172.17.0.0/16
  kubectl get services,pods -A -o yaml | iptc-sim endpoints - --service shop/web --pods
  iptc-sim endpoints objects/ --format slices

Endpoints and EndpointSlices that are given win over what the pods say.
Exit status: 0, 1 a Service asked for by --service has no endpoints, 2 wrong input."""

_GAP = 3  # kubectl's, between columns


@grouped
def endpoints(
    files: Objects,
    flags: ClusterFlags,
    service: Annotated[
        list[str] | None, typer.Option("--service", metavar="NS/NAME", help="Only this Service; repeatable.")
    ] = None,
    pods: Annotated[bool, typer.Option("--pods", help="For each pod whether it is an endpoint, and why not.")] = False,
    every: Annotated[bool, typer.Option("--all", help="All addresses, not the first three.")] = False,
    output: Annotated[
        str, typer.Option("--format", help="text; json or yaml: Endpoints objects; slices: EndpointSlices as YAML.")
    ] = "text",
) -> None:
    """Print the endpoints that the cluster's controllers make, and why a Service has none."""
    from iptc_sim.kube.endpoint_report import has_ready, reasons

    one_of(output, ("text", "json", "yaml", "slices"), "--format")
    cluster, settings = read_objects(files, flags, silent=("IPT052",) if output == "text" else ())
    chosen = _chosen(cluster, service or [])
    keys = {(item.namespace, item.name) for item in chosen}
    found = [item for item in cluster.endpoints if not service or (item.namespace, item.name) in keys]
    found.sort(key=lambda item: (item.namespace, item.name))
    if output != "text":
        write(_objects(cluster, found, keys if service else None, output))
    else:
        lines = _table(found, every=every) if found else []
        lines += reasons(cluster, found, chosen)
        for item in chosen if pods else ():
            lines += ["", *_verdicts(item, cluster, settings)]
        write("\n".join(lines).lstrip("\n") or "there is no Service and no Endpoints object")
    ready = {(item.namespace, item.name) for item in found if has_ready([item])}
    if service and not all((item.namespace, item.name) in ready for item in chosen):
        raise typer.Exit(NO)


def _chosen(cluster: Cluster, names: Sequence[str]) -> list[Service]:
    """Return the Services asked for, by name; all of them where none is.

    Raises:
        UsageError: IPT004, there is none of a name.
    """
    from iptc_sim.diagnostics import suggestion

    known = {f"{item.namespace}/{item.name}": item for item in cluster.services}
    if not names:
        return [known[name] for name in sorted(known)]
    found: list[Service] = []
    for text in names:
        name = text.removeprefix("svc/")
        full = name if "/" in name else f"default/{name}"
        if full not in known:
            raise usage(f"there is no Service {full} among the objects", "--service", hint=suggestion(full, known))
        found.append(known[full])
    return found


def _table(found: Sequence[Endpoints], *, every: bool) -> list[str]:
    """Return the lines of kubectl's table; the namespace has a column where there is more than one."""
    from iptc_sim.kube.endpoint_report import SHOWN, endpoints_text

    rows = [("NAMESPACE", "NAME", "ENDPOINTS")]
    rows += [(item.namespace, item.name, endpoints_text(item, None if every else SHOWN)) for item in found]
    if len({item.namespace for item in found}) == 1:
        rows = [("", name, text) for _, name, text in rows]
    widths = [max(len(row[column]) for row in rows) + _GAP for column in (0, 1)]
    if widths[0] == _GAP:
        widths[0] = 0
    return [f"{place:{widths[0]}}{name:{widths[1]}}{text}" for place, name, text in rows]


def _verdicts(service: Service, cluster: Cluster, settings: Settings) -> list[str]:
    from iptc_sim.diagnostics import printable
    from iptc_sim.kube.endpoint_report import explain_pods

    verdicts = explain_pods(service, cluster, settings)
    head = f"pods of {service.namespace}/{service.name}"
    if not verdicts:
        return [f"{head}: {'none are given' if service.selector else 'it has no selector'}"]
    names = [_pod_name(item, service) for item in verdicts]
    width = max(map(len, names)) + _GAP
    lines = [f"{head}:"]
    for name, item in zip(names, verdicts, strict=True):
        said = ", ".join(item.ports) + (": " if item.ports and item.reason else "") + item.reason
        lines.append(f"  {item.state:<{len('not ready') + _GAP}}{name:{width}}{printable(said)}")
    return lines


def _pod_name(item: PodVerdict, service: Service) -> str:
    pod = item.pod
    return pod.name if pod.namespace == service.namespace else f"{pod.namespace}/{pod.name}"


def _objects(cluster: Cluster, found: Sequence[Endpoints], keys: set[tuple[str, str]] | None, output: str) -> str:
    from iptc_sim.kube.write_objects import endpoints_object, slice_object

    labels = {(item.namespace, item.name): item.labels for item in cluster.services}
    if output == "slices":
        items = [
            slice_object(item, labels.get((item.namespace, item.service), {}))
            for item in cluster.slices
            if keys is None or (item.namespace, item.service) in keys
        ]
    else:
        items = [endpoints_object(item, labels.get((item.namespace, item.name), {})) for item in found]
    whole = {"apiVersion": "v1", "kind": "List", "items": items}
    if output == "json":
        return json.dumps(whole, indent=2)
    import yaml

    return yaml.safe_dump(whole, sort_keys=False, default_flow_style=False)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("endpoints", epilog=EPILOG)(endpoints)
