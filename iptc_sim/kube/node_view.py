"""What the rules depend on besides the Services: the node, its settings and the release."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Final

from iptc_sim.kube.objects import Cluster, Node
from iptc_sim.kube.releases import Release
from iptc_sim.kube.settings import Settings, first_of_family
from iptc_sim.records import dataclass
from iptc_sim.values import Family, Prefix

_ZERO_RANGE: Final = {Family.IPV4: "0.0.0.0/0", Family.IPV6: "::/0"}
_LOOPBACK: Final = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}
_LOOPBACK_RANGE: Final = {Family.IPV4: "127.0.0.0/8", Family.IPV6: "::1/128"}


@dataclass(frozen=True, slots=True)
class NodeView:
    """Everything but the service ports that decides about rules.

    Args:
        if_local: words that fit traffic of local pods, empty where that cannot be told.
        if_not_local: words that fit all other traffic, empty likewise.
        node_address: the node's own address of the family, empty if not known.
        zone: the node's zone, empty for none.
        node_port_words: the conditions of the jumps to KUBE-NODEPORTS, one per jump.
        localhost_node_ports: whether node ports serve 127.0.0.1.
        endpoint_comments: whether rules about endpoints carry comments; large clusters go without.
    """

    settings: Settings
    release: Release
    if_local: str
    if_not_local: str
    node_address: str
    zone: str
    node_port_words: tuple[str, ...]
    localhost_node_ports: bool
    endpoint_comments: bool

    def host(self, address: str) -> str:
        """Return an address as the release writes it after ``-s`` and ``-d``."""
        if not self.release.host_masks:
            return address
        return f"{address}/{128 if ':' in address else 32}"

    def probability(self, left: int) -> str:
        """Return the chance of one of ``left`` endpoints (kube-proxy: computeProbability)."""
        return f"{1 / left:.{self.release.probability_digits}f}"

    def holds_node(self, ranges: tuple[str, ...]) -> bool:
        """Whether one of the ranges contains the node's own address."""
        if not self.node_address:
            return False
        address = ip_address(self.node_address)
        return any(address in Prefix.parse(item) for item in ranges)


def view_node(cluster: Cluster, settings: Settings, endpoints: int) -> NodeView:
    """Return what the rules see of the node.

    Args:
        cluster: for the Node object called ``settings.hostname_override``.
        settings: kube-proxy's flags.
        endpoints: how many endpoints all service ports have together.
    """
    release = settings.kube_proxy
    node = next((item for item in cluster.nodes if item.name == settings.hostname_override), Node(""))
    local, not_local = _detector(settings, node)
    localhost = settings.iptables_localhost_nodeports and settings.family is Family.IPV4 and _covers_loopback(settings)
    own = settings.own_addresses or tuple(text for text in node.addresses if first_of_family((text,), settings.family))
    return NodeView(
        settings=settings,
        release=release,
        if_local=local,
        if_not_local=not_local,
        node_address=next(iter(own), ""),
        zone=node.zone,
        node_port_words=_node_port_words(settings, own, localhost=localhost),
        localhost_node_ports=localhost,
        endpoint_comments=not release.large_cluster or endpoints <= release.large_cluster,
    )


def _detector(settings: Settings, node: Node) -> tuple[str, str]:
    """Return the words for local and for other traffic (kube-proxy: NewDetectLocalByCIDR and its likes)."""
    mode = settings.detect_local_mode if settings.kube_proxy.local_mode else ""
    if mode == "BridgeInterface":
        words = f"-i {settings.pod_bridge_interface}"
    elif mode == "InterfaceNamePrefix":
        words = f"-i {settings.pod_interface_name_prefix}+"
    else:
        ranges = node.pod_cidrs if mode == "NodeCIDR" else (settings.cluster_cidr_of_family,)
        chosen = first_of_family(ranges, settings.family)
        words = f"-s {chosen}" if chosen else ""
    return words, f"! {words}" if words else ""


def _covers_loopback(settings: Settings) -> bool:
    """Whether --nodeport-addresses includes IPv4 loopback (kube-proxy: ContainsIPv4Loopback)."""
    ranges = settings.nodeport_ranges
    mine = [ip_network(item, strict=False) for item in ranges if first_of_family((item,), Family.IPV4)]
    start = ip_address("127.0.0.0")
    return not mine or any(item.network_address.is_loopback or start in item for item in mine)


def _node_port_words(settings: Settings, own: tuple[str, ...], *, localhost: bool) -> tuple[str, ...]:
    """Return the conditions for going to KUBE-NODEPORTS: any local address, or certain ones."""
    release, family = settings.kube_proxy, settings.family
    ranges = tuple(item for item in settings.nodeport_ranges if first_of_family((item,), family))
    skips = release.skips_loopback and not localhost
    everywhere = not (ranges if release.filters_nodeport_addresses else settings.nodeport_ranges)
    if everywhere or any(Prefix.parse(item).mask == 0 for item in ranges):
        loopback = f" ! -d {_LOOPBACK_RANGE[family]}" if skips else ""
        return (f"-m addrtype --dst-type LOCAL{loopback}",)
    addresses = own if skips else (*own, _LOOPBACK[family])
    chosen = [text for text in addresses if any(ip_address(text) in Prefix.parse(item) for item in ranges)]
    # kube-proxy's order is random here (a set); the order of texts is as good as any.
    return tuple(f"-d {text if not release.host_masks else _host(text)}" for text in sorted(set(chosen)))


def _host(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"
