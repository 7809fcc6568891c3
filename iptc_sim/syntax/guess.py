"""Which table a listing shows that does not say it: ``iptables -S`` prints no table name."""

from __future__ import annotations

from typing import Final

from iptc_sim.records import dataclass
from iptc_sim.ruleset import BUILTIN_CHAINS
from iptc_sim.syntax.section import Section

#: Targets that the kernel takes in one table only.
_TARGET_TABLES: Final = {
    "DNAT": "nat", "SNAT": "nat", "MASQUERADE": "nat", "REDIRECT": "nat", "NETMAP": "nat", "REJECT": "filter",
    "CT": "raw", "NOTRACK": "raw", "TPROXY": "mangle", "TOS": "mangle", "DSCP": "mangle", "TTL": "mangle",
    "HL": "mangle", "ECN": "mangle", "SECMARK": "security",
}  # fmt: skip
#: kube-proxy and kubelet have these chains in one table only (kube-proxy.md, 2.4 to 2.6 and 3).
_KUBE_CHAINS: Final = {
    "nat": (
        "KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-FW-", "KUBE-EXT-", "KUBE-XLB-", "KUBE-MARK-", "KUBE-POSTROUTING",
    ),
    "filter": ("KUBE-FORWARD", "KUBE-FIREWALL", "KUBE-PROXY-FIREWALL", "KUBE-EXTERNAL-SERVICES"),
}  # fmt: skip
#: Those of mangle are in the other tables too, where they are not alone.
_HINTS: Final = ("KUBE-PROXY-CANARY", "KUBE-KUBELET-CANARY", "KUBE-IPTABLES-HINT")
_ORDER: Final = ("filter", "nat", "mangle", "raw", "security")


@dataclass(frozen=True, slots=True)
class Guess:
    """A table and the reason to think so, ``DNAT in line 2``."""

    table: str
    why: str


def guess_table(section: Section) -> Guess:
    """Guess the table of a listing from its built-in chains, its targets and the chains of kube-proxy."""
    store = section.store
    policies = {name for name in section.builtin if store.names.get(name) in store.policies}
    for table in _ORDER:
        if policies and policies == set(map(str, BUILTIN_CHAINS[table])):
            return Guess(table, f"its -P lines are those of {table}")
    for extension, line in sorted(section.uses.items(), key=lambda item: item[1]):
        if extension.NAME in _TARGET_TABLES:
            return Guess(_TARGET_TABLES[extension.NAME], f"{extension.NAME} in line {line}")
    for name in store.names:
        for table, beginnings in _KUBE_CHAINS.items():
            if name.startswith(beginnings):
                return Guess(table, f"{name} is a chain of {table}")
    if not store.lines and (hints := _only_hints(section)):
        return Guess("mangle", f"{hints[0]} stands alone in mangle")
    ruled = {chain for chain, _ in store.by_chain()}
    chains = policies | {name for name in section.builtin if store.names.get(name) in ruled}
    for table in _ORDER:
        if chains and chains <= set(map(str, BUILTIN_CHAINS[table])):
            return Guess(table, f"it has {', '.join(sorted(chains))}")
    return Guess("filter", "filter is what iptables -S shows by default")


def begins_table(section: Section, name: str) -> bool:
    """Tell whether the declaration of a chain begins the next table of what ``iptables-save | grep`` has left.

    In each table all chains stand ahead of all rules, and none stands twice.

    Args:
        section: what was read so far.
        name: of the chain.
    """
    store = section.store
    if store.lines or name in store.names:
        return True
    return bool(_only_hints(section)) and name not in _HINTS


def _only_hints(section: Section) -> list[str]:
    """Return the user chains where all of them are such as stand alone in mangle."""
    users = [name for name in section.store.names if name not in section.builtin]
    return users if all(name in _HINTS for name in users) else []
