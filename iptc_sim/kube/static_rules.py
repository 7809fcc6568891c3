"""The rules that do not depend on Services, and the jumps from the base chains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.kube.node_view import NodeView
from iptc_sim.kube.releases import ForwardEstablished, Postrouting, Release
from iptc_sim.kube.text import RestoreText
from iptc_sim.values import Family

_SNAT: Final = '-m comment --comment "kubernetes service traffic requiring SNAT"'
_NODEPORTS: Final = (
    '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
)
_KNOWN: Final = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"


def base_rules(release: Release) -> Iterator[tuple[str, str, str]]:
    """Yield table, base chain and words of the jumps in final order.

    kube-proxy puts each jump in front of what is there, so the last one installed comes first.
    """
    for jump in reversed(release.jumps):
        yield jump.table, jump.base, jump.words


def write_head(view: NodeView, out: RestoreText) -> None:
    """Write what comes before the Services: fixed chains, masquerading, the localnet rule."""
    out.filter.chains += view.release.filter_chains
    out.nat.chains += ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"]
    mark = view.settings.mark
    fully = (
        " --random-fully" if view.settings.random_fully and view.release.postrouting is Postrouting.UNMARKING else ""
    )
    if view.release.postrouting is Postrouting.UNMARKING:
        out.nat.rules += [
            f"-A KUBE-POSTROUTING -m mark ! --mark {mark}/{mark} -j RETURN",
            f"-A KUBE-POSTROUTING -j MARK --xor-mark {mark}",
            f"-A KUBE-POSTROUTING {_SNAT} -j MASQUERADE{fully}",
            f"-A KUBE-MARK-MASQ -j MARK --or-mark {mark}",
        ]
    else:
        out.nat.rules += [
            f"-A KUBE-POSTROUTING {_SNAT} -m mark --mark {mark}/{mark} -j MASQUERADE",
            f"-A KUBE-MARK-MASQ -j MARK --set-xmark {mark}/{mark}",
        ]
    if view.release.localnet_firewall and view.localhost_node_ports and view.settings.family is Family.IPV4:
        # Node ports on 127.0.0.1 need route_localnet; that alone lets neighbours reach the node's loopback.
        out.filter.chains.append("KUBE-FIREWALL")
        out.filter.rules.append(
            '-A KUBE-FIREWALL -m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 '
            "! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
        )


def write_tail(view: NodeView, out: RestoreText) -> None:
    """Write what comes after the Services: the jumps to KUBE-NODEPORTS, and KUBE-FORWARD."""
    out.nat.rules += [f"-A KUBE-SERVICES {_NODEPORTS} {words} -j KUBE-NODEPORTS" for words in view.node_port_words]
    mark = view.settings.mark
    if view.release.drops_invalid:
        out.filter.rules.append("-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP")
    marked = f"-m mark --mark {mark}/{mark} -j ACCEPT"
    out.filter.rules.append(f'-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" {marked}')
    if view.release.forward is ForwardEstablished.ANY:
        out.filter.rules.append(f'-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" {_KNOWN}')
    elif pods := view.settings.cluster_cidr_of_family:
        source = '-m comment --comment "kubernetes forwarding conntrack pod source rule"'
        destination = '-m comment --comment "kubernetes forwarding conntrack pod destination rule"'
        out.filter.rules += [
            f"-A KUBE-FORWARD -s {pods} {source} {_KNOWN}",
            f"-A KUBE-FORWARD {destination} -d {pods} {_KNOWN}",
        ]
