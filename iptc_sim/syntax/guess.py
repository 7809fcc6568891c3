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
#: kube-proxy has these chains in nat only (kube-proxy.md, 2.5 and 3).
_NAT_CHAINS: Final = (
    "KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-FW-", "KUBE-EXT-", "KUBE-XLB-", "KUBE-MARK-MASQ", "KUBE-POSTROUTING",
)  # fmt: skip
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
        if name.startswith(_NAT_CHAINS):
            return Guess("nat", f"{name} is a chain of nat")
    ruled = {chain for chain, _ in store.by_chain()}
    chains = policies | {name for name in section.builtin if store.names.get(name) in ruled}
    for table in _ORDER:
        if chains and chains <= set(map(str, BUILTIN_CHAINS[table])):
            return Guess(table, f"it has {', '.join(sorted(chains))}")
    return Guess("filter", "filter is what iptables -S shows by default")
