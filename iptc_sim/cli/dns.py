"""``iptc-sim dns``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.cluster_flags import ClusterFlags, KubeletFlags, Objects, find_pod, read_host, read_objects
from iptc_sim.cli.common import NO, one_of, usage, write
from iptc_sim.cli.grouped import grouped

if TYPE_CHECKING:
    from iptc_sim.kube.dns_records import Answer
    from iptc_sim.kube.resolv import Resolv

EPILOG = """Examples:

\b
  iptc-sim dns my-service.my-ns services.yaml --from-namespace default
  iptc-sim dns _http._tcp.web services.yaml endpoints.yaml --type SRV
  iptc-sim dns 10.96.0.1 services.yaml
  iptc-sim dns db services.yaml pods.yaml --pod shop/web-0

Each try of the pod's resolver is shown, along its search list, up to the first one with records.
Exit status: 0 there are records, 1 there are none, 2 wrong input."""


@grouped
def dns(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As an application says it; an address asks for PTR.")],
    files: Objects,
    flags: ClusterFlags,
    kubelet: KubeletFlags,
    namespace: Annotated[
        str | None, typer.Option("--from-namespace", metavar="NS", help="Of the pod that asks (default: default).")
    ] = None,
    pod: Annotated[
        str, typer.Option("--pod", metavar="NS/NAME", help="The pod that asks; its dnsPolicy and dnsConfig count.")
    ] = "",
    kind: Annotated[
        str, typer.Option("--type", help="A, AAAA, SRV, CNAME, PTR or TXT (default: both kinds of addresses).")
    ] = "",
    output: Annotated[str, typer.Option("--format", help="text, json, or resolv.conf: the pod's file alone.")] = "text",
) -> None:
    """Look a name up as a pod would: search list, each try, and the records of the cluster's DNS."""
    from iptc_sim.kube.dns_records import TYPES, Zone, lookup
    from iptc_sim.kube.resolv import resolv_of

    one_of(output, ("text", "json", "resolv.conf"), "--format")
    if kind:
        one_of(kind.upper(), TYPES, "--type")
    if pod and namespace is not None:
        raise usage("the pod tells its namespace", "--from-namespace", "one of --pod and --from-namespace")
    asked, types = _question(name, kind.upper())
    cluster, _ = read_objects(files, flags, silent=("IPT052",))
    place, found = find_pod(pod, cluster) if pod else (_namespace(namespace), None)
    domain, servers = kubelet.cluster_domain.strip("."), tuple(kubelet.cluster_dns or ())
    more = {"servers": servers} if servers else {}
    resolv = resolv_of(found, place, read_host(kubelet), domain=domain, **more)
    if output == "resolv.conf":
        write(resolv.text)
        return
    answers = list(lookup(Zone(cluster, domain), asked, resolv, types))
    write(_json(answers, resolv) if output == "json" else _text(answers))
    if not answers[-1].records:
        raise typer.Exit(NO)


def _namespace(text: str | None) -> str:
    from iptc_sim.kube.fields import is_label

    if text is not None and not is_label(text):
        raise usage(f"{text} is not the name of a namespace", "--from-namespace", "lower-case letters, digits and -")
    return "default" if text is None else text


def _question(name: str, kind: str) -> tuple[str, tuple[str, ...]]:
    """Return the name to ask for and the types; an address is asked for by its reverse name."""
    from ipaddress import ip_address

    from iptc_sim.kube.fields import family_of

    if family_of(name) is not None and kind in {"", "PTR"}:
        return f"{ip_address(name).reverse_pointer}.", ("PTR",)
    labels = name.removesuffix(".").split(".")
    if not all(0 < len(label) <= 63 for label in labels) or len(name) > 253 or not name.isascii():
        raise usage(f"{name} cannot be a DNS name", "NAME", "labels of 1 to 63 characters with dots between them")
    return name, (kind,) if kind else ("A", "AAAA")


def _text(answers: list[Answer]) -> str:
    from iptc_sim.diagnostics import printable

    width = max(len(answer.name) for answer in answers)
    lines: list[str] = []
    for number, answer in enumerate(answers, 1):
        head = f"try {number}  {printable(answer.name):{width}}  "
        said = [f"{item.type} {item.value}" for item in answer.records] or [_nothing(answer)]
        lines.append(f"{head}{said[0]}")
        lines += [f"{'':{len(head)}}{words}" for words in said[1:]]
    return "\n".join(lines)


def _nothing(answer: Answer) -> str:
    if answer.exists:
        return "no record of this type"
    return "NXDOMAIN" if answer.inside else "not of this cluster: other name servers are asked"


def _json(answers: list[Answer], resolv: Resolv) -> str:
    """Return the tries as JSON; the schema is ``render/schemas/dns-1.json``."""
    return json.dumps(
        {
            "schema": "iptc-sim/dns/1",
            "tries": [
                {
                    "name": answer.name,
                    "status": "NOERROR" if answer.exists else "NXDOMAIN" if answer.inside else "FORWARDED",
                    "records": [{"name": one.name, "type": one.type, "value": one.value} for one in answer.records],
                }
                for answer in answers
            ],
            "resolv_conf": {
                "nameservers": resolv.nameservers,
                "search": resolv.search,
                "options": [f"{name}:{value}" if value else name for name, value in resolv.options],
            },
        },
        indent=2,
    )


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("dns", epilog=EPILOG)(dns)
