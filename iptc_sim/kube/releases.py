"""What differs between kube-proxy's releases, as data; ``ext_rules`` and ``xlb_rules`` read it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from iptc_sim.diagnostics import Diagnostic, UsageError, suggestion
from iptc_sim.records import dataclass


class Era(Enum):
    """How a Service's chains are laid out."""

    XLB = "KUBE-XLB chains, up to 1.23"
    EXT = "KUBE-EXT and KUBE-SVL chains, from 1.24"


class Postrouting(Enum):
    """How KUBE-POSTROUTING and KUBE-MARK-MASQ are written."""

    ONE_RULE = "one rule that tests the mark"
    UNMARKING = "three rules that also take the mark off, from 1.19"


class ForwardEstablished(Enum):
    """Which packets of known connections KUBE-FORWARD accepts."""

    OF_CLUSTER_CIDR = "two rules, those from and to the cluster CIDR, up to 1.17"
    ANY = "one rule, from 1.23"


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump from a base chain that kube-proxy installs."""

    table: str
    base: str
    chain: str
    comment: str = ""
    only_new: bool = False

    @property
    def words(self) -> str:
        """The rule's words after ``-A CHAIN``."""
        new = "-m conntrack --ctstate NEW " if self.only_new else ""
        comment = f'-m comment --comment "{self.comment}" ' if self.comment else ""
        return f"{new}{comment}-j {self.chain}"


@dataclass(frozen=True, slots=True)
class Release:
    """One release of kube-proxy.

    Args:
        name: as ``--release`` takes it.
        era: the layout of the Service chains.
        reads_slices: whether endpoints come from EndpointSlices (sorted), or Endpoints (in stored order).
        joins_by_protocol: whether a port finds its endpoints by name and protocol, or by name only.
        always_colon: whether a service port name has its colon without a port name too.
        probability_digits: decimals of ``--probability``.
        host_masks: whether single addresses are written with /32 or /128.
        drops_invalid: whether KUBE-FORWARD starts with the INVALID drop.
        local_mode: whether --detect-local-mode is known (else: --cluster-cidr only).
        filters_nodeport_addresses: whether --nodeport-addresses is filtered by family first.
        skips_loopback: whether loopback addresses are left out of node ports where they can't work (1.26 on).
        localnet_firewall: whether KUBE-FIREWALL is written (1.27 on).
        large_cluster: number of endpoints above which comments are left out; 0 for no such mode.
        filter_chains: chain lines at the top of the filter table, in order.
        jumps: in the order of installation; each is put in front of those before it.
    """

    name: str
    era: Era
    postrouting: Postrouting
    forward: ForwardEstablished
    jumps: tuple[Jump, ...]
    filter_chains: tuple[str, ...]
    reads_slices: bool = True
    joins_by_protocol: bool = True
    always_colon: bool = False
    probability_digits: int = 10
    host_masks: bool = False
    drops_invalid: bool = True
    local_mode: bool = True
    filters_nodeport_addresses: bool = True
    skips_loopback: bool = True
    localnet_firewall: bool = True
    large_cluster: int = 1000


_PORTALS: Final = "kubernetes service portals"
_EXTERNAL: Final = "kubernetes externally-visible service portals"
_BALANCER: Final = "kubernetes load balancer firewall"

_NAT_JUMPS: Final = (
    Jump("nat", "OUTPUT", "KUBE-SERVICES", _PORTALS),
    Jump("nat", "PREROUTING", "KUBE-SERVICES", _PORTALS),
    Jump("nat", "POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules"),
)

_EXTERNAL_INPUT: Final = Jump("filter", "INPUT", "KUBE-EXTERNAL-SERVICES", _EXTERNAL, only_new=True)
_SERVICES_OUTPUT: Final = Jump("filter", "OUTPUT", "KUBE-SERVICES", _PORTALS, only_new=True)
_FORWARD: Final = Jump("filter", "FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules")

_JUMPS_1_28: Final = (
    _EXTERNAL_INPUT,
    Jump("filter", "FORWARD", "KUBE-EXTERNAL-SERVICES", _EXTERNAL, only_new=True),
    Jump("filter", "INPUT", "KUBE-NODEPORTS", "kubernetes health check service ports"),
    Jump("filter", "FORWARD", "KUBE-SERVICES", _PORTALS, only_new=True),
    _SERVICES_OUTPUT,
    _FORWARD,
    Jump("filter", "INPUT", "KUBE-PROXY-FIREWALL", _BALANCER, only_new=True),
    Jump("filter", "OUTPUT", "KUBE-PROXY-FIREWALL", _BALANCER, only_new=True),
    Jump("filter", "FORWARD", "KUBE-PROXY-FIREWALL", _BALANCER, only_new=True),
    *_NAT_JUMPS,
    Jump("filter", "INPUT", "KUBE-FIREWALL"),
    Jump("filter", "OUTPUT", "KUBE-FIREWALL"),
)

RELEASES: Final[Mapping[str, Release]] = {
    release.name: release
    for release in (
        Release(
            "1.11",
            Era.XLB,
            Postrouting.ONE_RULE,
            ForwardEstablished.OF_CLUSTER_CIDR,
            jumps=(_EXTERNAL_INPUT, _SERVICES_OUTPUT, *_NAT_JUMPS, _FORWARD),
            filter_chains=("KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD"),
            reads_slices=False,
            joins_by_protocol=False,
            always_colon=True,
            probability_digits=5,
            host_masks=True,
            drops_invalid=False,
            local_mode=False,
            filters_nodeport_addresses=False,
            skips_loopback=False,
            localnet_firewall=False,
            large_cluster=0,
        ),
        Release(
            "1.28",
            Era.EXT,
            Postrouting.UNMARKING,
            ForwardEstablished.ANY,
            jumps=_JUMPS_1_28,
            filter_chains=(
                "KUBE-SERVICES",
                "KUBE-EXTERNAL-SERVICES",
                "KUBE-FORWARD",
                "KUBE-NODEPORTS",
                "KUBE-PROXY-FIREWALL",
            ),
        ),
    )
}


def find_release(name: str) -> Release:
    """Return a release by its name.

    Raises:
        UsageError: IPT054, it is not one that is known here.
    """
    if name in RELEASES:
        return RELEASES[name]
    known = ", ".join(RELEASES)
    nearest = suggestion(name, RELEASES) or suggestion(name.lstrip("v").rpartition(".")[0], RELEASES)
    raise UsageError(
        Diagnostic(
            "IPT054",
            f"{name or 'an empty text'} is not a release of kube-proxy known here",
            subject="--release",
            expected=known,
            hint=nearest,
        )
    )
