"""The chains and rules that kubelet makes by itself, as they stand beside kube-proxy's on a real node.

Kubelet asks for each rule and appends it where it is missing; it flushes nothing. So the two chains that it shares with
kube-proxy, KUBE-MARK-MASQ and KUBE-POSTROUTING, hold what kube-proxy writes there. Its jumps are put in front like
kube-proxy's, but kubelet is there first: KUBE-FIREWALL ends up last (kube-proxy.md 2.3, 2.4, 2.6).

Up to 1.13 the form of 1.14 is taken: nothing is known of kubelet before.
"""

from __future__ import annotations

from typing import Final

from iptc_sim.kube.releases import Kubelet
from iptc_sim.kube.respell import saved_words
from iptc_sim.kube.settings import Settings
from iptc_sim.kube.static_rules import LOCALNET_WORDS
from iptc_sim.kube.text import MARK_DROP, RulesText, TableText
from iptc_sim.values import Family

FIREWALL: Final = "KUBE-FIREWALL"
HINT: Final = "KUBE-IPTABLES-HINT"
#: In mangle, nat and filter, empty: where one is gone, somebody has flushed the tables.
PROXY_CANARY: Final = "KUBE-PROXY-CANARY"
KUBELET_CANARY: Final = "KUBE-KUBELET-CANARY"

#: The minor of the first release with the hint; in 1.25 it is part of another change of kubelet's.
_HINT_FROM: Final = 24


def write_kubelet(settings: Settings, out: RulesText) -> None:
    """Add what kubelet makes to a whole text of kube-proxy's rules.

    Args:
        settings: the release, the family and the bit of the mark for packets to be dropped.
        out: in the spelling of iptables-save, kube-proxy's rules and jumps written.
    """
    release = settings.kube_proxy
    for canary, is_made in ((PROXY_CANARY, release.canary), (KUBELET_CANARY, release.kubelet_canary)):
        if is_made:
            for table in out.tables.values():
                table.ensure(canary)
    if release.number >= _HINT_FROM:
        out.mangle.ensure(HINT)
    jumps = [("filter", base, f"-j {FIREWALL}") for base in ("INPUT", "OUTPUT")]
    out.base[:] = [entry for entry in out.base if entry not in jumps] + jumps
    _require(out.filter, FIREWALL, *_firewall(settings))
    if release.kubelet is not Kubelet.HINT_AND_FIREWALL:
        _require(out.nat, MARK_DROP, f"-j MARK --or-mark {_mark(settings)}")


def _require(table: TableText, chain: str, *rules: str) -> None:
    """Append the rules that are not in the chain yet."""
    table.ensure(chain)
    lines = table.chains[chain]
    for words in rules:
        line = f"-A {chain} {saved_words(words, table.family)}"
        if line not in lines:
            lines.append(line)


def _firewall(settings: Settings) -> list[str]:
    """Return the rules of KUBE-FIREWALL: drop what carries the mark, and what comes to loopback from outside."""
    mark = f"{_mark(settings)}/{_mark(settings)}"
    marked = f'-m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark {mark} -j DROP'
    form = settings.kube_proxy.kubelet
    rules = {
        Kubelet.SET_XMARK: [marked],
        Kubelet.OR_MARK: [marked, LOCALNET_WORDS],
        Kubelet.LOCALNET_FIRST: [LOCALNET_WORDS, marked],
        Kubelet.HINT_AND_FIREWALL: [LOCALNET_WORDS],
    }[form]
    return [rule for rule in rules if settings.family is Family.IPV4 or rule is not LOCALNET_WORDS]


def _mark(settings: Settings) -> str:
    return f"0x{1 << settings.iptables_drop_bit:08x}"
