"""The releases of kube-proxy: the oldest one in full, and what each later one changed.

A change names the section of the reference (../shared/reference/kube-proxy.md) that states it. The minor number is the
first release that has the new form; where the reference leaves that open, the change says that it is not sure.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from iptc_sim.diagnostics import Diagnostic, Severity, UsageError
from iptc_sim.kube.releases import (
    EndpointComment,
    Era,
    ExternalIp,
    Fence,
    ForwardEstablished,
    Hints,
    InternalPolicy,
    InvalidDrop,
    Jump,
    Kubelet,
    Order,
    Postrouting,
    RangeText,
    Release,
    Source,
    Unserved,
)
from iptc_sim.records import dataclass, replace

#: The minor releases whose source was compared. 37 stands for the newest known one (mid-2026).
READ: Final = (11, 14, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 37)
NEWEST: Final = READ[-1]

_PORTALS: Final = "kubernetes service portals"
_EXTERNAL: Final = "kubernetes externally-visible service portals"
_BALANCER: Final = "kubernetes load balancer firewall"

# The numbers are those of the table in section 2.2.
_1: Final = Jump("filter", "INPUT", "KUBE-EXTERNAL-SERVICES", _EXTERNAL, only_new=True)
_2: Final = Jump("filter", "FORWARD", "KUBE-EXTERNAL-SERVICES", _EXTERNAL, only_new=True)
_3: Final = Jump("filter", "INPUT", "KUBE-NODEPORTS", "kubernetes health check service ports")
_4: Final = Jump("filter", "FORWARD", "KUBE-SERVICES", _PORTALS, only_new=True)
_5: Final = Jump("filter", "OUTPUT", "KUBE-SERVICES", _PORTALS, only_new=True)
_6: Final = Jump("filter", "INPUT", "KUBE-SERVICES", _PORTALS, only_new=True)
_7: Final = Jump("filter", "FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules")
_8: Final = tuple(
    Jump("filter", base, "KUBE-PROXY-FIREWALL", _BALANCER, only_new=True) for base in ("INPUT", "OUTPUT", "FORWARD")
)
_NAT: Final = (
    Jump("nat", "OUTPUT", "KUBE-SERVICES", _PORTALS),
    Jump("nat", "PREROUTING", "KUBE-SERVICES", _PORTALS),
    Jump("nat", "POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules"),
)
_12: Final = tuple(Jump("filter", base, "KUBE-FIREWALL") for base in ("INPUT", "OUTPUT"))

_AWARE_HINTS: Final = "service.kubernetes.io/topology-aware-hints"
_OLD_PREFIXES: Final = ("KUBE-SVC-", "KUBE-SEP-", "KUBE-FW-", "KUBE-XLB-")
_NEW_PREFIXES: Final = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-FW-", "KUBE-EXT-")

OLDEST: Final = Release(
    number=READ[0],
    is_read=True,
    era=Era.XLB,
    jumps=(_1, _5, *_NAT, _7),
    filter_chains=("KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD"),
    source=Source.ENDPOINTS,
    always_colon=True,
    joins_by_protocol=False,
    local_by_topology=True,
    keeps_unready=False,
    falls_back_to_terminating=False,
    internal_policy=InternalPolicy.IGNORED,
    hints=Hints.IGNORED,
    hint_annotations=(),
    cluster_ip_policy=False,
    honours_ip_mode=False,
    ranges=RangeText.VERBATIM,
    postrouting=Postrouting.ONE_RULE,
    random_fully=False,
    invalid_drop=InvalidDrop.NEVER,
    forward=ForwardEstablished.OF_CLUSTER_CIDR,
    localnet_firewall=False,
    local_modes=("ClusterCIDR",),
    host_masks=True,
    probability_digits=5,
    endpoint_comment=EndpointComment.SERVICE,
    large_cluster=0,
    balancing_number=True,
    bare_local_chain=False,
    local_source_rules=False,
    balancer_refusal="",
    external_ip_policy=False,
    external_ip=ExternalIp.BY_SOURCE,
    masquerades_in_service=False,
    health_check=False,
    refuses_unlocal=False,
    fence=Fence.MARK,
    fence_remark=False,
    order=Order.INTERLEAVED,
    makes_mark_drop=False,
    filters_node_ports=False,
    node_port_words=(),
    unserved=Unserved.NOTHING,
    localhost_flag=False,
    counts_localhost=False,
    stale_prefixes=_OLD_PREFIXES,
    keeps_counters=True,
    cleans_late=False,
    canary=False,
    kubelet=Kubelet.SET_XMARK,
    kubelet_canary=False,
    userspace=True,
)


@dataclass(frozen=True, slots=True)
class Change:
    """From a release on, a question has another answer.

    Args:
        since: minor number of the first release.
        field: of :class:`Release`.
        value: the new answer.
        source: the section of the reference.
        sure: whether the reference read that release itself, or one between it and the one before.
    """

    since: int
    field: str
    value: object
    source: str
    sure: bool = True


CHANGES: Final = (
    Change(12, "endpoint_comment", EndpointComment.NONE, "3.6", sure=False),
    Change(12, "large_cluster", 1000, "3.12", sure=False),
    Change(13, "jumps", (_1, _4, _5, _6, _7, *_NAT), "2.2", sure=False),
    Change(14, "balancer_refusal", "KUBE-SERVICES", "3.7", sure=False),
    Change(15, "invalid_drop", InvalidDrop.ALWAYS, "2.5", sure=False),
    Change(15, "local_source_rules", True, "3.7", sure=False),
    Change(16, "random_fully", True, "2.5"),
    Change(17, "joins_by_protocol", True, "1"),
    Change(17, "probability_digits", 10, "3.8"),
    Change(17, "canary", True, "2.4"),
    Change(18, "endpoint_comment", EndpointComment.SERVICE, "3.6"),
    Change(18, "forward", ForwardEstablished.TWICE, "2.5"),
    Change(18, "local_modes", ("ClusterCIDR", "NodeCIDR"), "3.11"),
    Change(19, "always_colon", False, "1", sure=False),
    Change(19, "source", Source.SLICES, "4.3", sure=False),
    Change(19, "postrouting", Postrouting.UNMARKING, "2.5", sure=False),
    Change(19, "kubelet", Kubelet.OR_MARK, "2.6", sure=False),
    Change(20, "jumps", (_1, _2, _4, _5, _7, *_NAT), "2.2"),
    Change(20, "ranges", RangeText.TRIMMED, "3", sure=False),
    Change(20, "balancer_refusal", "KUBE-EXTERNAL-SERVICES", "3.5", sure=False),
    Change(20, "external_ip_policy", True, "3.5", sure=False),
    Change(20, "makes_mark_drop", True, "2.5"),
    Change(20, "filters_node_ports", True, "3.9", sure=False),
    Change(20, "unserved", Unserved.REST, "3.4"),
    Change(20, "kubelet_canary", True, "2.4", sure=False),
    Change(21, "jumps", (_1, _2, _3, _4, _5, _7, *_NAT), "2.2"),
    Change(21, "filter_chains", (*OLDEST.filter_chains, "KUBE-NODEPORTS"), "2.5"),
    Change(21, "health_check", True, "3.5"),
    Change(21, "external_ip", ExternalIp.PLAIN, "3.4"),
    Change(21, "local_by_topology", False, "4.2"),
    Change(21, "keeps_unready", True, "4.2"),
    Change(21, "hints", Hints.IF_AUTO, "4.1"),
    Change(21, "hint_annotations", (_AWARE_HINTS,), "4.1"),
    Change(22, "internal_policy", InternalPolicy.FILTERS_ALL, "4.4"),
    Change(22, "masquerades_in_service", True, "3.3"),
    Change(22, "order", Order.ENDPOINTS_LAST, "3.3"),
    Change(23, "order", Order.ENDPOINTS_FIRST, "3.3"),
    Change(23, "forward", ForwardEstablished.ANY, "2.5"),
    Change(23, "host_masks", False, "3"),
    Change(23, "balancing_number", False, "3.3"),
    Change(23, "bare_local_chain", True, "3.12"),
    Change(24, "era", Era.EXT, "3.2"),
    Change(24, "endpoint_comment", EndpointComment.SERVICE_TO_ENDPOINT, "3.1"),
    Change(24, "internal_policy", InternalPolicy.OWN_CHAIN, "4.4"),
    Change(
        24, "local_modes", ("ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"), "3.11", sure=False
    ),
    Change(24, "unserved", Unserved.STEP, "3.2", sure=False),
    Change(24, "stale_prefixes", (*_NEW_PREFIXES, "KUBE-XLB-"), "3.13"),
    Change(25, "jumps", (_1, _2, _3, _4, _5, _7, *_8, *_NAT), "2.2"),
    Change(25, "filter_chains", (*OLDEST.filter_chains, "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL"), "2.5"),
    Change(25, "refuses_unlocal", True, "3.2"),
    Change(25, "fence", Fence.FILTER, "3.2"),
    Change(25, "order", Order.EXTERNAL_FIRST, "3.2"),
    Change(25, "makes_mark_drop", False, "2.5"),
    Change(25, "hints", Hints.IF_ANNOTATED, "4.1"),
    Change(25, "keeps_counters", False, "2.1"),
    Change(25, "cleans_late", True, "3.12"),
    Change(25, "kubelet", Kubelet.LOCALNET_FIRST, "2.6"),
    Change(26, "falls_back_to_terminating", True, "4.4"),
    Change(26, "localhost_flag", True, "3.9"),
    Change(26, "userspace", False, "5"),
    Change(27, "jumps", (_1, _2, _3, _4, _5, _7, *_8, *_NAT, *_12), "2.2"),
    Change(27, "localnet_firewall", True, "2.5"),
    Change(27, "fence_remark", True, "3.1"),
    Change(27, "unserved", Unserved.NOTHING, "3.1"),
    Change(27, "hint_annotations", (_AWARE_HINTS, "service.kubernetes.io/topology-mode"), "4.1"),
    Change(27, "kubelet", Kubelet.HINT_AND_FIREWALL, "2.6"),
    Change(28, "stale_prefixes", _NEW_PREFIXES, "3.13", sure=False),
    Change(29, "cluster_ip_policy", True, "4.1"),
    Change(29, "invalid_drop", InvalidDrop.UNLESS_LIBERAL, "2.5"),
    Change(30, "honours_ip_mode", True, "3.10"),
    Change(30, "ranges", RangeText.NORMALISED, "3"),
    Change(30, "node_port_words", ("primary",), "3.9", sure=False),
    # The gate ServiceTrafficDistribution, off in 1.30, lets hints count without the annotation.
    Change(31, "hints", Hints.ALWAYS, "4.5", sure=False),
    Change(37, "hints", Hints.NODE_FIRST, "4.5", sure=False),
    Change(37, "invalid_drop", InvalidDrop.COUNTED, "2.5", sure=False),
    Change(37, "counts_localhost", True, "3.1", sure=False),
    Change(37, "node_port_words", ("primary", "localhost", "all"), "3.9", sure=False),
)


def _release(minor: int) -> Release:
    changed: dict[str, Any] = {change.field: change.value for change in CHANGES if change.since <= minor}
    return replace(OLDEST, number=minor, is_read=minor in READ, **changed)


#: Every release that is known, by its name, the oldest first.
RELEASES: Final[Mapping[str, Release]] = {f"1.{minor}": _release(minor) for minor in range(READ[0], NEWEST + 1)}


@lru_cache(maxsize=64)
def find_release(name: str) -> Release:
    """Return a release by its name: ``1.28``, ``v1.28.3`` as ``kubectl version`` prints it, or ``newest``.

    Raises:
        UsageError: IPT054, it is not one that is known here.
    """
    if name == "newest":
        return RELEASES[f"1.{NEWEST}"]
    numbers = name.removeprefix("v").split("+")[0].split("-")[0].split(".")
    if len(numbers) in {2, 3} and all(number.isascii() and number.isdigit() for number in numbers):
        found = RELEASES.get(".".join(numbers[:2]))
        if found:
            return found
    hint = ""
    if len(numbers) >= 2 and numbers[0] == "1" and numbers[1].isascii() and numbers[1].isdigit():
        hint = (
            "1.11 is the oldest one"
            if len(numbers[1]) < 3 and int(numbers[1]) < READ[0]
            else "newest: the newest known"
        )
    raise UsageError(
        Diagnostic(
            "IPT054",
            f"{name or 'an empty text'} is not a release of kube-proxy known here",
            subject="--release",
            expected=f"1.{READ[0]} to 1.{NEWEST}, such as 1.28, or newest",
            hint=hint,
        )
    )


def release_note(release: Release) -> Diagnostic | None:
    """Return a note for a release whose source was not compared; None for the others."""
    if release.is_read:
        return None
    before = max(minor for minor in READ if minor < release.number)
    after = min(minor for minor in READ if minor > release.number)
    message = f"the rules of {release.name} are inferred from those of 1.{before} and 1.{after}"
    return Diagnostic("IPT090", message, Severity.NOTE, subject="--release")
