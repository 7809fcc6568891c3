"""What the rules depend on besides the Services: the node, its settings and the release."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address, ip_network
from typing import Final

from iptc_sim.kube.fields import family_of
from iptc_sim.kube.objects import Cluster, Node
from iptc_sim.kube.releases import Release
from iptc_sim.kube.respell import saved_chance
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
        serves_node_ports: whether an address of the node serves node ports at all.
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
    serves_node_ports: bool
    localhost_node_ports: bool
    endpoint_comments: bool

    def host(self, address: str) -> str:
        """Return an address as the release writes it after ``-s`` and ``-d``."""
        return _host(address) if self.release.host_masks else address

    @property
    def masquerades(self) -> str | None:
        """What the rules that mark traffic to a cluster IP ask for, with a blank in front; None: no such rule."""
        if self.settings.masquerade_all:
            return ""
        return f" {self.if_not_local}" if self.if_not_local else None

    @property
    def counts_localhost(self) -> bool:
        """Whether node ports on 127.0.0.1 have rules of their own that count."""
        counts = self.release.counts_localhost and self.settings.nfacct
        return counts and self.localhost_node_ports and self.settings.family is Family.IPV4

    def chance(self, left: int) -> str:
        """Return the condition that gives one of ``left`` endpoints its share; empty for the last one."""
        return _chance(left, self.release.probability_digits)

    def chances(self, count: int) -> tuple[str, ...]:
        """Return the conditions of all of ``count`` endpoints, in order."""
        return _chances(count, self.release.probability_digits)

    def saved_chances(self, count: int) -> tuple[str, ...]:
        """Return the same as iptables-save prints them."""
        return _saved(count, self.release.probability_digits)

    def holds_node(self, ranges: tuple[str, ...]) -> bool:
        """Whether one of the ranges contains the node's own address."""
        if not self.node_address:
            return False
        address = ip_address(self.node_address)
        return any(address in Prefix.parse(item.strip()) for item in ranges)


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
    own = settings.own_addresses or tuple(text for text in node.addresses if first_of_family((text,), settings.family))
    ranges = _node_port_ranges(settings, node)
    localhost = settings.family is Family.IPV4 and (
        not release.localhost_flag or (settings.iptables_localhost_nodeports and _covers_loopback(ranges))
    )
    words = _node_port_words(settings, ranges, own, localhost=localhost)
    return NodeView(
        settings=settings,
        release=release,
        if_local=local,
        if_not_local=not_local,
        node_address=next(iter(own), ""),
        zone=node.zone,
        node_port_words=words,
        serves_node_ports=bool(words),
        localhost_node_ports=localhost,
        endpoint_comments=not release.large_cluster or endpoints <= release.large_cluster,
    )


def _detector(settings: Settings, node: Node) -> tuple[str, str]:
    """Return the words for local and for other traffic (kube-proxy: NewDetectLocalByCIDR and its likes)."""
    mode = settings.detect_local_mode
    if mode == "BridgeInterface":
        words = f"-i {settings.pod_bridge_interface}"
    elif mode == "InterfaceNamePrefix":
        words = f"-i {settings.pod_interface_name_prefix}+"
    else:
        ranges = node.pod_cidrs if mode == "NodeCIDR" else (settings.cluster_cidr_of_family,)
        chosen = first_of_family(ranges, settings.family)
        words = f"-s {chosen}" if chosen else ""
    return words, f"! {words}" if words else ""


def _node_port_ranges(settings: Settings, node: Node) -> tuple[str, ...]:
    """Return the ranges of --nodeport-addresses of both families; its words stand for ranges."""
    own = settings.node_ip or node.addresses
    first = [next((text for text in own if family_of(text) is family), "") for family in Family]
    meant = {
        "primary": tuple(f"{text}/{128 if ':' in text else 32}" for text in first if text),
        "localhost": tuple(_LOOPBACK_RANGE.values()),
        "all": tuple(_ZERO_RANGE.values()),
    }
    return tuple(item for word in settings.nodeport_ranges for item in meant.get(word, (word,)))


def _covers_loopback(ranges: tuple[str, ...]) -> bool:
    """Whether the ranges include IPv4 loopback (kube-proxy: ContainsIPv4Loopback)."""
    mine = [ip_network(item, strict=False) for item in ranges if first_of_family((item,), Family.IPV4)]
    start = ip_address("127.0.0.0")
    return not mine or any(item.network_address.is_loopback or start in item for item in mine)


@cache
def _chance(left: int, digits: int) -> str:
    # kube-proxy: computeProbability
    return f" -m statistic --mode random --probability {1 / left:.{digits}f}" if left > 1 else ""


@cache
def _chances(count: int, digits: int) -> tuple[str, ...]:
    return tuple(_chance(left, digits) for left in range(count, 0, -1))


@cache
def _saved(count: int, digits: int) -> tuple[str, ...]:
    chances = [f" -m statistic --mode random --probability {_parts(left, digits)}" for left in range(count, 1, -1)]
    return (*chances, *([""] if count else []))


def _parts(left: int, digits: int) -> str:
    return saved_chance(f"{1 / left:.{digits}f}")


def _node_port_words(
    settings: Settings, ranges: tuple[str, ...], own: tuple[str, ...], *, localhost: bool
) -> tuple[str, ...]:
    """Return the conditions for going to KUBE-NODEPORTS: any local address, or certain ones."""
    release, family = settings.kube_proxy, settings.family
    mine = tuple(item for item in ranges if first_of_family((item,), family))
    skips = release.localhost_flag and not localhost
    everywhere = not (mine if release.filters_node_ports else ranges)
    if everywhere or any(Prefix.parse(item).mask == 0 for item in mine):
        loopback = f" ! -d {_LOOPBACK_RANGE[family]}" if skips else ""
        return (f"-m addrtype --dst-type LOCAL{loopback}",)
    addresses = own if skips else (*own, _LOOPBACK[family])
    chosen = [text for text in addresses if any(ip_address(text) in Prefix.parse(item) for item in mine)]
    # kube-proxy's order is random here (a set); the order of texts is as good as any.
    return tuple(f"-d {_host(text) if release.host_masks else text}" for text in sorted(set(chosen)))


def _host(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"
