"""kube-proxy's flags."""

from __future__ import annotations

import re
from typing import Final

from iptc_sim.diagnostics import Diagnostic, UsageError, suggestion
from iptc_sim.kube.changes import find_release
from iptc_sim.kube.fields import family_of, is_range
from iptc_sim.kube.releases import Release
from iptc_sim.records import dataclass
from iptc_sim.values import Family

PROXY_MODES: Final = ("iptables", "userspace")

LOCAL_MODES: Final = ("ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix")

_INTERFACE = re.compile(r"[A-Za-z0-9_.@:-]{1,15}", re.ASCII)
_DEFAULT_SERVICE_RANGE: Final = {Family.IPV4: "10.96.0.0/12", Family.IPV6: "fd00:10:96::/108"}
_DEFAULT_POD_CIDR: Final = {Family.IPV4: "10.244.0.0/24", Family.IPV6: "fd00:10:244::/64"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How kube-proxy is started, in its own flag names, and what it finds on the node.

    Args:
        cluster_cidr: one range, or one per family with a comma.
        masquerade_all: masquerade everything that goes to a cluster IP.
        iptables_masquerade_bit: the bit of the mark that asks for masquerading, 0 to 31.
        nodeport_addresses: ranges of node addresses that serve node ports, or the words that the release takes for
            them (``primary``, ``localhost``, ``all``); empty: all.
        detect_local_mode: how traffic of local pods is told, one of :data:`LOCAL_MODES`; empty: ClusterCIDR.
        pod_bridge_interface: for BridgeInterface.
        pod_interface_name_prefix: for InterfaceNamePrefix.
        hostname_override: the node's name; decides which endpoints are local.
        iptables_localhost_nodeports: whether node ports serve 127.0.0.1 (1.26 on).
        node_ip: addresses of the node's interfaces besides loopback; the first of a family is the node's own.
        random_fully: whether iptables on the node knows ``MASQUERADE --random-fully``.
        family: the proxier that is meant, IPv4 or IPv6.
        release: kube-proxy's release, see :func:`iptc_sim.kube.changes.find_release`.
        pod_cidr: where pods that have no address yet get one from; empty: 10.244.0.0/24 or fd00:10:244::/64.
        service_cluster_ip_range: the same for cluster IPs; empty: 10.96.0.0/12 or fd00:10:96::/108.
        be_liberal: whether the sysctl nf_conntrack_tcp_be_liberal is set (1.29 on: no INVALID drop then).
        nfacct: whether the node has kube-proxy's nfacct objects (the newest releases count with them).
        kubelet: whether kubelet ran before and made its own chains; part of what the node then has, see
            :mod:`iptc_sim.kube.kubelet`.
        iptables_drop_bit: the bit of kubelet's mark for packets to be dropped, 0 to 31.
        last_cleanup: ``old`` or ``recent``: whether stale chains of a large cluster may be deleted (1.25 on).
        proxy_mode: ``iptables`` or ``userspace``.
        bind_address: where the userspace proxy listens; empty: everywhere.
        proxy_ports: the port that the userspace proxy has for a service port, by its name ``default/web:http``.
        proxy_port_range: where the others come from, ``40000-40100``; empty: any.
        skip_foreign_proxies: leave out the Services that a label leaves to another proxy, as a whole kube-proxy does;
            what writes the rules would write them.

    Raises:
        UsageError: IPT054, a flag has a value that it cannot have.
    """

    cluster_cidr: str = ""
    masquerade_all: bool = False
    iptables_masquerade_bit: int = 14
    nodeport_addresses: tuple[str, ...] = ()
    detect_local_mode: str = ""
    pod_bridge_interface: str = ""
    pod_interface_name_prefix: str = ""
    hostname_override: str = ""
    iptables_localhost_nodeports: bool = True
    node_ip: tuple[str, ...] = ()
    random_fully: bool = False
    family: Family = Family.IPV4
    release: str = "1.28"
    pod_cidr: str = ""
    service_cluster_ip_range: str = ""
    be_liberal: bool = False
    nfacct: bool = False
    kubelet: bool = False
    iptables_drop_bit: int = 15
    last_cleanup: str = "old"
    proxy_mode: str = "iptables"
    bind_address: str = ""
    proxy_ports: tuple[tuple[str, int], ...] = ()
    proxy_port_range: str = ""
    skip_foreign_proxies: bool = False

    def __post_init__(self) -> None:
        release = find_release(self.release)
        ranges = [item for item in self.nodeport_ranges if item not in release.node_port_words]
        for flag, text in (
            ("--cluster-cidr", self.cluster_cidr),
            ("--nodeport-addresses", ",".join(ranges)),
            ("--pod-cidr", self.pod_cidr),
            ("--service-cluster-ip-range", self.service_cluster_ip_range),
        ):
            _check_ranges(flag, text)
        for address in self.node_ip:
            if family_of(address) is None:
                raise _wrong("--node-ip", f"{address} is not an IP address")
        for flag, bit in (
            ("--iptables-masquerade-bit", self.iptables_masquerade_bit),
            ("--iptables-drop-bit", self.iptables_drop_bit),
        ):
            if not 0 <= bit <= 31:
                raise _wrong(flag, f"{bit} is out of range", "0 to 31")
        for flag, word, known in (
            ("--proxy-mode", self.proxy_mode, PROXY_MODES),
            ("--last-cleanup", self.last_cleanup, ("old", "recent")),
        ):
            if word not in known:
                raise _wrong(flag, f"{word or 'an empty text'} is not one of its values", ", ".join(known))
        if self.detect_local_mode not in ("", *LOCAL_MODES):
            raise _wrong(
                "--detect-local-mode",
                f"{self.detect_local_mode} is not a mode",
                ", ".join(LOCAL_MODES),
                suggestion(self.detect_local_mode, LOCAL_MODES),
            )
        _check_release(self, release)
        _check_interface("--pod-bridge-interface", self.pod_bridge_interface)
        _check_interface("--pod-interface-name-prefix", self.pod_interface_name_prefix)
        if self.detect_local_mode == "BridgeInterface" and not self.pod_bridge_interface:
            raise _wrong("--pod-bridge-interface", "--detect-local-mode=BridgeInterface needs it")
        if self.detect_local_mode == "InterfaceNamePrefix" and not self.pod_interface_name_prefix:
            raise _wrong("--pod-interface-name-prefix", "--detect-local-mode=InterfaceNamePrefix needs it")

    @property
    def kube_proxy(self) -> Release:
        """The release as data."""
        return find_release(self.release)

    @property
    def mark(self) -> str:
        """The masquerade mark as kube-proxy spells it, ``0x00004000``."""
        return f"0x{1 << self.iptables_masquerade_bit:08x}"

    @property
    def cluster_cidr_of_family(self) -> str:
        """The first range of --cluster-cidr that belongs to the family; empty for none."""
        return first_of_family(self.cluster_cidr.split(","), self.family)

    @property
    def nodeport_ranges(self) -> tuple[str, ...]:
        """The ranges of --nodeport-addresses of both families, one by one."""
        return tuple(text for item in self.nodeport_addresses for text in item.split(",") if text)

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """The addresses of --node-ip that belong to the family."""
        return tuple(address for address in self.node_ip if family_of(address) == self.family)

    def service_range(self, family: Family) -> str:
        """Return the range that cluster IPs of a family come from."""
        return first_of_family(self.service_cluster_ip_range.split(","), family) or _DEFAULT_SERVICE_RANGE[family]

    def pod_range(self, family: Family) -> str:
        """Return the range that pod addresses of a family come from."""
        return first_of_family(self.pod_cidr.split(","), family) or _DEFAULT_POD_CIDR[family]


def first_of_family(ranges: list[str] | tuple[str, ...], family: Family) -> str:
    """Return the first range of a family, empty for none."""
    return next((text for text in ranges if family_of(text.partition("/")[0]) == family), "")


def _check_ranges(flag: str, text: str) -> None:
    for item in text.split(",") if text else ():
        if not is_range(item):
            raise _wrong(flag, f"{item or 'an empty text'} is not an address range", "such as 10.244.0.0/16")


def _check_release(settings: Settings, release: Release) -> None:
    """Refuse what kube-proxy of that release does not have."""
    mode = settings.detect_local_mode
    if mode and mode not in release.local_modes and len(release.local_modes) > 1:
        raise _wrong("--detect-local-mode", f"kube-proxy {release.name} has no {mode}", ", ".join(release.local_modes))
    if mode and mode not in release.local_modes:
        raise _wrong("--detect-local-mode", f"kube-proxy {release.name} has no such flag", "--cluster-cidr")
    if not settings.iptables_localhost_nodeports and not release.localhost_flag:
        raise _wrong("--iptables-localhost-nodeports", f"kube-proxy {release.name} has no such flag: it came with 1.26")
    if settings.proxy_mode == "userspace" and not release.userspace:
        raise _wrong(
            "--proxy-mode", f"kube-proxy {release.name} has no userspace mode: it was removed in 1.26", "iptables"
        )


def _check_interface(flag: str, name: str) -> None:
    if name and not _INTERFACE.fullmatch(name):
        raise _wrong(flag, f"{name} cannot be an interface", "at most 15 letters, digits, _ . @ : and -")


def _wrong(flag: str, message: str, expected: str = "", hint: str = "") -> UsageError:
    return UsageError(Diagnostic("IPT054", message, subject=flag, expected=expected, hint=hint))
