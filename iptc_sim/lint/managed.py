"""Chains that programs write and fill: what looks odd in them is not for people to change."""

from __future__ import annotations

import re
from typing import Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.ruleset import Rule

#: Who writes which chains.
_OWNERS: Final[tuple[tuple[str, str], ...]] = (
    ("kube-router", r"KUBE-(ROUTER-.*|POD-FW-.*|NWPLCY-.*)"),
    ("Kubernetes", r"KUBE-.*"),
    ("Docker", r"DOCKER(_.*|-.*)?"),
    ("fail2ban", r"(f2b|fail2ban)-.*"),
    ("ufw", r"ufw6?-.*"),
    ("Calico", r"cali-.*|felix-.*"),
    ("Cilium", r"(OLD_)?CILIUM_.*"),
    ("flannel", r"FLANNEL-.*"),
    ("Weave", r"WEAVE.*"),
    ("Antrea", r"ANTREA-.*"),
    ("CNI plugins", r"CNI-.*"),
    ("Podman", r"NETAVARK.*"),
    ("Istio", r"ISTIO_.*"),
    ("libvirt", r"LIBVIRT_.*"),
    ("Tailscale", r"ts-.*"),
    ("Neutron", r"(neutron|nova|quantum)-.*"),
    ("firewalld", r"(INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING)_(direct|ZONES|POLICIES|IN_ZONES|OUT_ZONES).*"),
    ("firewalld", r"(IN|FWDI|FWDO|FWD|FWO|PRE|POST|POSTROUTING|OUTPUT)_[A-Za-z].*"),
    ("OpenWrt", r"(zone|input|output|forwarding|prerouting|postrouting|delegate|mssfix)_.*|(syn_flood|reject|notrack)"),
    ("Rancher", r"CATTLE_.*"),
    ("mwan3", r"mwan3_.*"),
    ("Shorewall", r"shorewall6?|dynamic|tc(pre|in|for|out|post)|log(drop|reject|flags)|smurf(s|log)|tcpflags|sha-.*"),
    ("NixOS", r"nixos-.*"),
    ("MiniUPnPd", r"MINIUPNPD.*"),
    ("sshguard", r"sshguard"),
    ("CrowdSec", r"CROWDSEC_.*|crowdsec.*"),
    ("csf", r"(ALLOW|DENY)(IN|OUT)|(LOCAL)(INPUT|OUTPUT)|LOGDROP(IN|OUT)|INVDROP|INVALID|DSHIELD|SPAMHAUS|BOGON"),
    ("Synology", r"(INPUT|FORWARD)_FIREWALL|DEFAULT_(INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING)|SYNO.*|DOS_PROTECT"),
)
_BY_OWNER: Final = tuple((owner, re.compile(pattern)) for owner, pattern in _OWNERS)

#: The bridges that Docker, libvirt, Podman and CNI plugins make.
_BRIDGES: Final = re.compile(r"docker\d+|br-[0-9a-f]{12}|virbr\d+|podman\d+|cni\d+|cali\w*\+?")

#: Chains that stand for something by being there: kubelet looks whether they are gone (KUBE-KUBELET-CANARY).
CANARIES: Final = re.compile(r"KUBE-.*CANARY|KUBE-IPTABLES-HINT")

#: Chains that programs offer to people: empty, or used by nobody, is how they begin.
OFFERED: Final = re.compile(
    r"DOCKER-USER|ufw6?-.*user.*|.*_rule|.*_direct|.*_(pre|post|allow|deny|log)|local.*", re.IGNORECASE
)


def owner_of(chain: str) -> str:
    """Return the program that writes a chain; empty where none is known to."""
    return next((owner for owner, pattern in _BY_OWNER if pattern.fullmatch(chain)), "")


def is_of_a_program(rule: Rule) -> bool:
    """Whether a program writes such a rule, in whatever chain: about its bridge, or leading to a chain of its own."""
    if isinstance(rule.target, JumpTo | GoTo) and owner_of(rule.target.chain):
        return True
    sides = (rule.base.in_interface, rule.base.out_interface)
    return any(side is not None and _BRIDGES.fullmatch(side.value.text) for side in sides)
