"""What the commands about objects alone share: files, the ranges that addresses come from, the kubelet's flags."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import read_input, say
from iptc_sim.cli.kube_flags import PodCidr, ServiceRange
from iptc_sim.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection

    from iptc_sim.kube import Cluster, Settings
    from iptc_sim.kube.objects import Pod
    from iptc_sim.kube.resolv import Resolv

Objects = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="Kubernetes YAML or JSON, or a folder of such files; - is stdin."),
]


@dataclass(frozen=True)
class ClusterFlags:
    """Where addresses come from that the objects lack."""

    pod_cidr: PodCidr = ""
    service_cluster_ip_range: ServiceRange = ""
    ipv6: Annotated[bool, typer.Option("--ipv6", help="The family of addresses that are made up.")] = False


@dataclass(frozen=True)
class KubeletFlags:
    """How kubelet is started, in its own flag names."""

    cluster_domain: Annotated[str, typer.Option("--cluster-domain", metavar="DOMAIN", help="The cluster's domain.")] = (
        "cluster.local"
    )
    cluster_dns: Annotated[
        list[str] | None,
        typer.Option("--cluster-dns", metavar="ADDR", help="The cluster's DNS (default: 10.96.0.10); repeatable."),
    ] = None
    resolv_conf: Annotated[
        Path | None,
        typer.Option("--resolv-conf", metavar="FILE", help="The node's resolv.conf; its search list is added."),
    ] = None


def read_objects(names: list[str], flags: ClusterFlags, silent: Collection[str] = ()) -> tuple[Cluster, Settings]:
    """Read objects and say what was noticed.

    Args:
        names: files and folders.
        flags: where addresses come from.
        silent: codes of notes that the command tells by itself, or that do not matter to it.

    Raises:
        InputError: they cannot be read.
        UsageError: IPT054, a flag has a value that it cannot have.
    """
    from iptc_sim.kube import Settings, load_cluster
    from iptc_sim.kube.sources import object_sources
    from iptc_sim.values import Family

    settings = Settings(
        family=Family.IPV6 if flags.ipv6 else Family.IPV4,
        pod_cidr=flags.pod_cidr,
        service_cluster_ip_range=flags.service_cluster_ip_range,
    )
    cluster = load_cluster(object_sources(names, read_input), settings)
    say(note for note in cluster.notes if note.code not in silent)
    return cluster, settings


def find_pod(text: str, cluster: Cluster) -> tuple[str, Pod | None]:
    """Return the namespace of a pod and the pod itself, None (and a line on stderr) where it is not given.

    Args:
        text: ``NAMESPACE/NAME``, ``pod/NAMESPACE/NAME``, or ``NAME`` for the namespace default.
        cluster: the objects.

    Raises:
        UsageError: IPT004, it is no name of a pod.
    """
    from iptc_sim.cli.common import usage
    from iptc_sim.kube.fields import is_label, is_name

    namespace, _, name = text.removeprefix("pod/").rpartition("/")
    namespace = namespace or "default"
    if not is_label(namespace) or not is_name(name):
        raise usage(f"{text} is not the name of a pod", "--pod", "NAMESPACE/NAME")
    own = [pod for pod in cluster.pods if pod.namespace == namespace]
    pod = next((pod for pod in own if pod.name == name), None)
    if pod is None:
        more = f"; there are {', '.join(sorted(pod.name for pod in own)[:3])}" if own else ""
        sys.stderr.write(f"note: Pod {namespace}/{name} is not among the objects: a plain one is meant{more}\n")
    return namespace, pod


def read_host(flags: KubeletFlags) -> Resolv:
    """Return the node's resolv.conf, an empty one where it is not given."""
    from iptc_sim.kube.resolv import Resolv, read_resolv

    return read_resolv(read_input(str(flags.resolv_conf)).text) if flags.resolv_conf else Resolv()
