"""kube-proxy's own flags, for the commands that write its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import one_of, read_input, say
from iptc_sim.records import dataclass

if TYPE_CHECKING:
    from iptc_sim.kube import Cluster, Settings

_BOOLEAN = ("true", "false")


@dataclass(frozen=True)
class KubeFlags:
    """kube-proxy's flags, and what it finds on the node."""

    release: Annotated[str, typer.Option("--release", help="kube-proxy's release: 1.28 or 1.11.")] = "1.28"
    cluster_cidr: Annotated[
        str, typer.Option("--cluster-cidr", metavar="CIDR", help="Range of the pods; tells local traffic.")
    ] = ""
    masquerade_all: Annotated[bool, typer.Option("--masquerade-all", help="Masquerade all traffic to ClusterIPs.")] = (
        False
    )
    iptables_masquerade_bit: Annotated[
        int, typer.Option("--iptables-masquerade-bit", help="Bit of the masquerade mark.")
    ] = 14
    nodeport_addresses: Annotated[
        list[str] | None,
        typer.Option("--nodeport-addresses", metavar="CIDR", help="Addresses that serve NodePorts."),
    ] = None
    detect_local_mode: Annotated[
        str,
        typer.Option("--detect-local-mode", help="ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix."),
    ] = ""
    pod_bridge_interface: Annotated[
        str, typer.Option("--pod-bridge-interface", metavar="IFACE", help="For BridgeInterface.")
    ] = ""
    pod_interface_name_prefix: Annotated[
        str, typer.Option("--pod-interface-name-prefix", metavar="PREFIX", help="For InterfaceNamePrefix.")
    ] = ""
    hostname_override: Annotated[
        str,
        typer.Option("--hostname-override", metavar="NAME", help="Name of the node; tells local endpoints."),
    ] = ""
    iptables_localhost_nodeports: Annotated[
        str,
        typer.Option(
            "--iptables-localhost-nodeports", metavar="true|false", help="Whether 127.0.0.1 serves NodePorts."
        ),
    ] = "true"
    node_ip: Annotated[
        list[str] | None,
        typer.Option("--node-ip", metavar="ADDR", help="An address of the node; repeatable."),
    ] = None
    random_fully: Annotated[
        bool, typer.Option("--random-fully", help="The node's iptables knows MASQUERADE --random-fully.")
    ] = False
    ipv6: Annotated[bool, typer.Option("--ipv6", help="The IPv6 proxier.")] = False
    pod_cidr: Annotated[
        str, typer.Option("--pod-cidr", metavar="CIDR", help="Where pods without an address get one from.")
    ] = ""
    service_cluster_ip_range: Annotated[
        str,
        typer.Option(
            "--service-cluster-ip-range",
            metavar="CIDR",
            help="Where Services without a ClusterIP get one from.",
        ),
    ] = ""


def read_settings(flags: KubeFlags) -> Settings:
    """Return the flags as kube-proxy's settings.

    Raises:
        UsageError: IPT054 or IPT004, one has a value that it cannot have.
    """
    from iptc_sim.kube import Settings
    from iptc_sim.values import Family

    localhost = one_of(flags.iptables_localhost_nodeports, _BOOLEAN, "--iptables-localhost-nodeports") == "true"
    return Settings(
        cluster_cidr=flags.cluster_cidr,
        masquerade_all=flags.masquerade_all,
        iptables_masquerade_bit=flags.iptables_masquerade_bit,
        nodeport_addresses=tuple(flags.nodeport_addresses or ()),
        detect_local_mode=flags.detect_local_mode,
        pod_bridge_interface=flags.pod_bridge_interface,
        pod_interface_name_prefix=flags.pod_interface_name_prefix,
        hostname_override=flags.hostname_override,
        iptables_localhost_nodeports=localhost,
        node_ip=tuple(flags.node_ip or ()),
        random_fully=flags.random_fully,
        family=Family.IPV6 if flags.ipv6 else Family.IPV4,
        release=flags.release,
        pod_cidr=flags.pod_cidr,
        service_cluster_ip_range=flags.service_cluster_ip_range,
    )


def read_cluster(names: list[str], settings: Settings) -> Cluster:
    """Read objects and say what was noticed."""
    from iptc_sim.kube import load_cluster

    cluster = load_cluster([read_input(name) for name in names], settings)
    say(cluster.notes)
    return cluster
