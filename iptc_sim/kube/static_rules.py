"""The rules that do not depend on Services, and the jumps from the base chains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.kube.node_view import NodeView
from iptc_sim.kube.releases import ForwardEstablished, InvalidDrop, Postrouting, Release
from iptc_sim.kube.text import MARK_DROP, RulesText
from iptc_sim.values import Family

_SNAT: Final = '-m comment --comment "kubernetes service traffic requiring SNAT"'
_NODEPORTS: Final = (
    '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
)
_KNOWN: Final = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
_FROM_PODS: Final = '-m comment --comment "kubernetes forwarding conntrack pod source rule"'
_TO_PODS: Final = '-m comment --comment "kubernetes forwarding conntrack pod destination rule"'

#: Node ports on 127.0.0.1 need route_localnet; that alone lets neighbours reach the node's loopback.
LOCALNET_WORDS: Final = (
    '-m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 '
    "! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
)


def base_rules(release: Release) -> Iterator[tuple[str, str, str]]:
    """Yield table, base chain and words of the jumps in final order.

    kube-proxy puts each jump in front of what is there, so the last one installed comes first.
    """
    for jump in reversed(release.jumps):
        yield jump.table, jump.base, jump.words


def masquerade_words(view: NodeView) -> tuple[tuple[str, str], ...]:
    """Return the rules of KUBE-POSTROUTING and KUBE-MARK-MASQ, each with its chain; kubelet writes the same ones."""
    mark = view.settings.mark
    fully = " --random-fully" if view.settings.random_fully and view.release.random_fully else ""
    if view.release.postrouting is Postrouting.ONE_RULE:
        return (
            ("KUBE-POSTROUTING", f"{_SNAT} -m mark --mark {mark}/{mark} -j MASQUERADE{fully}"),
            ("KUBE-MARK-MASQ", f"-j MARK --set-xmark {mark}/{mark}"),
        )
    return (
        ("KUBE-POSTROUTING", f"-m mark ! --mark {mark}/{mark} -j RETURN"),
        ("KUBE-POSTROUTING", f"-j MARK --xor-mark {mark}"),
        ("KUBE-POSTROUTING", f"{_SNAT} -j MASQUERADE{fully}"),
        ("KUBE-MARK-MASQ", f"-j MARK --or-mark {mark}"),
    )


def write_head(view: NodeView, out: RulesText) -> None:
    """Write what comes before the Services: fixed chains, masquerading, the localnet rule."""
    release = view.release
    for chain in release.filter_chains:
        out.filter.declare(chain)
    for chain in ("KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"):
        out.nat.declare(chain)
    if release.makes_mark_drop:
        out.nat.ensure(MARK_DROP)
    for chain, words in masquerade_words(view):
        out.nat.add(chain, words)
    if release.localnet_firewall and view.localhost_node_ports and view.settings.family is Family.IPV4:
        out.filter.declare("KUBE-FIREWALL")
        out.filter.add("KUBE-FIREWALL", LOCALNET_WORDS)


def write_tail(view: NodeView, out: RulesText) -> None:
    """Write what comes after the Services: the jumps to KUBE-NODEPORTS, and KUBE-FORWARD."""
    for words in view.node_port_words:
        out.nat.add("KUBE-SERVICES", f"{_NODEPORTS} {words} -j KUBE-NODEPORTS")
    for words in _forward_words(view):
        out.filter.add("KUBE-FORWARD", words)


def _forward_words(view: NodeView) -> Iterator[str]:
    settings, release = view.settings, view.release
    liberal = settings.be_liberal and release.invalid_drop not in {InvalidDrop.NEVER, InvalidDrop.ALWAYS}
    if release.invalid_drop is not InvalidDrop.NEVER and not liberal:
        counted = release.invalid_drop is InvalidDrop.COUNTED and settings.nfacct
        count = "-m nfacct --nfacct-name ct_state_invalid_dropped_pkts " if counted else ""
        yield f"-m conntrack --ctstate INVALID {count}-j DROP"
    mark = settings.mark
    yield f'-m comment --comment "kubernetes forwarding rules" -m mark --mark {mark}/{mark} -j ACCEPT'
    if release.forward is ForwardEstablished.ANY:
        yield f'-m comment --comment "kubernetes forwarding conntrack rule" {_KNOWN}'
    elif release.forward is ForwardEstablished.TWICE:
        yield f"{_FROM_PODS} {_KNOWN}"
        yield f"{_TO_PODS} {_KNOWN}"
    elif pods := settings.cluster_cidr_of_family:
        yield f"-s {pods} {_FROM_PODS} {_KNOWN}"
        yield f"{_TO_PODS} -d {pods} {_KNOWN}"
