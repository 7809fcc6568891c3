"""kube-proxy's own flags, for the commands that write its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import one_of, read_input, say, usage
from iptc_sim.records import dataclass

if TYPE_CHECKING:
    from iptc_sim.kube import Cluster, Settings

_BOOLEAN = ("true", "false")

PodCidr = Annotated[str, typer.Option("--pod-cidr", metavar="CIDR", help="Where pods without an address get one from.")]
ServiceRange = Annotated[
    str,
    typer.Option("--service-cluster-ip-range", metavar="CIDR", help="Where Services without a ClusterIP get one from."),
]


@dataclass(frozen=True)
class KubeFlags:
    """kube-proxy's flags, and what it finds on the node."""

    release: Annotated[str, typer.Option("--release", help="kube-proxy's release, 1.11 to 1.37, or newest.")] = "1.28"
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
    pod_cidr: PodCidr = ""
    service_cluster_ip_range: ServiceRange = ""
    kubelet: Annotated[bool, typer.Option("--kubelet", help="With kubelet's own chains, made before.")] = False
    iptables_drop_bit: Annotated[
        int, typer.Option("--iptables-drop-bit", help="Bit of kubelet's mark for packets to drop.")
    ] = 15
    be_liberal: Annotated[
        bool, typer.Option("--be-liberal", help="The node's sysctl nf_conntrack_tcp_be_liberal is set (1.29 on).")
    ] = False
    nfacct: Annotated[bool, typer.Option("--nfacct", help="The node has kube-proxy's nfacct objects (newest).")] = False
    last_cleanup: Annotated[
        str,
        typer.Option("--last-cleanup", help="old or recent: whether a large cluster's stale chains may go (1.25 on)."),
    ] = "old"
    proxy_mode: Annotated[str, typer.Option("--proxy-mode", help="iptables or userspace (up to 1.25).")] = "iptables"
    bind_address: Annotated[
        str,
        typer.Option("--bind-address", metavar="ADDR", help="Where the userspace proxy listens; default: everywhere."),
    ] = ""
    proxy_port: Annotated[
        list[str] | None,
        typer.Option("--proxy-port", metavar="NS/NAME:PORT=NUMBER", help="A port of the userspace proxy; repeatable."),
    ] = None
    proxy_port_range: Annotated[
        str, typer.Option("--proxy-port-range", metavar="FIRST-LAST", help="Where its other ports come from.")
    ] = ""
    skip_foreign_proxies: Annotated[
        bool, typer.Option("--skip-foreign-proxies", help="Leave out Services that a label leaves to another proxy.")
    ] = False


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
        kubelet=flags.kubelet,
        iptables_drop_bit=flags.iptables_drop_bit,
        be_liberal=flags.be_liberal,
        nfacct=flags.nfacct,
        last_cleanup=flags.last_cleanup,
        proxy_mode=flags.proxy_mode,
        bind_address=flags.bind_address,
        proxy_ports=tuple(_proxy_port(text) for text in flags.proxy_port or ()),
        proxy_port_range=flags.proxy_port_range,
        skip_foreign_proxies=flags.skip_foreign_proxies,
    )


def _proxy_port(text: str) -> tuple[str, int]:
    """Return a service port's name and number from ``default/web:http=40001``."""
    name, _, number = text.rpartition("=")
    if not name or not number.isascii() or not number.isdigit() or not 0 < int(number[:6]) < 65536:
        raise usage(f"{text} does not tell a port", "--proxy-port", "such as default/web:http=40001")
    return name, int(number)


def read_cluster(names: list[str], settings: Settings) -> Cluster:
    """Read objects and say what was noticed."""
    from iptc_sim.kube import load_cluster
    from iptc_sim.kube.changes import release_note
    from iptc_sim.kube.sources import object_sources

    cluster = load_cluster(object_sources(names, read_input), settings)
    inferred = release_note(settings.kube_proxy)
    say((inferred, *cluster.notes) if inferred else cluster.notes)
    return cluster
