"""The part of a node's rules that kube-proxy answers for, so that a difference is a fault and nothing else.

Not its own, though their names say KUBE: the canaries, kubelet's hint chain and KUBE-MARK-DROP, kubelet's rules in
KUBE-FIREWALL, and where among the jumps of a base chain the one to KUBE-FIREWALL stands (kube-proxy.md, 2.3 to 2.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iptc_sim.builtin import ANY, GoTo, JumpTo
from iptc_sim.kube.names import USERSPACE_CHAINS, is_kube_chain
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Chain, Rule, Ruleset, Table
from iptc_sim.syntax.write import write_rule

#: Chains that are there to be found missing, and hold no rule.
_IDLE: Final = frozenset({"KUBE-PROXY-CANARY"})

#: The chains of nat that kubelet makes, too.
_MASQUERADING: Final = frozenset({"KUBE-MARK-MASQ", "KUBE-POSTROUTING"})

#: The chain that kubelet fills, too.
FIREWALL: Final = "KUBE-FIREWALL"

#: Comments of the rules that kubelet puts there, too.
_KUBELET: Final = ("block incoming localnet connections", "kubernetes firewall for dropping marked packets")

#: kube-proxy writes to no other table.
TABLES: Final = ("filter", "nat")

_ENDING: Final = frozenset({"ACCEPT", "DROP", "REJECT", "RETURN"})

#: Where a rule of the part stands on the node, by table and chain: its number among all rules of the chain.
Places = Mapping[tuple[str, str], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Comparable:
    """Two rulesets, each without what does not count.

    Args:
        expected: what kube-proxy would write.
        found: its part of the node's rules.
        places: where the rules of ``found`` stand on the node.
        others: how many rules of other people the base chains hold, by table and chain.
        mind: rules of other people in front of kube-proxy's that keep every packet from them.
    """

    expected: Ruleset
    found: Ruleset
    places: Places
    others: Mapping[tuple[str, str], int]
    mind: tuple[str, ...]


def comparable(expected: Ruleset, found: Ruleset) -> Comparable:
    """Return what of a dump is to be compared with what kube-proxy would write, and what stands around it.

    Args:
        expected: from :func:`iptc_sim.kube.compile_services`.
        found: the node's dump.
    """
    firewall = expected.chain("filter", FIREWALL)
    places: dict[tuple[str, str], tuple[int, ...]] = {}
    others: dict[tuple[str, str], int] = {}
    mind: list[str] = []
    for table in (found.tables[name] for name in TABLES if name in found.tables):
        for chain in (chain for chain in table.chains.values() if chain.name in table.builtin):
            foreign = [number for number, rule in enumerate(chain.rules, 1) if not _is_jump(table.name, rule)]
            if foreign:
                others[table.name, chain.name] = len(foreign)
                mind += _in_front(table, chain, foreign)
    ours = _part(expected, firewall, {})
    theirs = _part(found, firewall, places)
    if is_userspace(expected):
        theirs = _without_masquerading(theirs)
    return Comparable(ours, theirs, places, others, tuple(mind))


def is_userspace(ruleset: Ruleset) -> bool:
    """Whether it has the chains of the userspace proxy."""
    return any(ruleset.chain("nat", name) is not None for name in USERSPACE_CHAINS["nat"])


def _without_masquerading(ruleset: Ruleset) -> Ruleset:
    """Leave out the masquerading: where kube-proxy runs in userspace mode, that is kubelet's alone (2.6)."""
    nat = ruleset.tables.get("nat")
    if nat is None:
        return ruleset
    chains = {name: chain for name, chain in nat.chains.items() if name not in _MASQUERADING}
    if (base := chains.get("POSTROUTING")) is not None:
        kept = tuple(rule for rule in base.rules if _target(rule) not in _MASQUERADING)
        chains["POSTROUTING"] = replace(base, rules=kept)
    return replace(ruleset, tables={**ruleset.tables, "nat": Table("nat", chains)})


def as_shown(found: Ruleset) -> Ruleset:
    """Return a dump whose tables are excerpts where they show no built-in chain: ``iptables -S | grep KUBE-SVC``.

    iptables itself prints the built-in chains of every table that it shows.
    """
    tables = {name: table if _shows_base(table) else _excerpt(table) for name, table in found.tables.items()}
    return replace(found, tables=tables)


def _shows_base(table: Table) -> bool:
    base = [chain for name, chain in table.chains.items() if name in table.builtin]
    return len(base) == len(table.chains) or any(chain.declared or chain.rules for chain in base)


def _excerpt(table: Table) -> Table:
    chains = {name: chain for name, chain in table.chains.items() if name not in table.builtin}
    return Table(table.name, {name: replace(chain, declared=False) for name, chain in chains.items()})


def only_kube_chains(ruleset: Ruleset) -> Ruleset:
    """Return the chains that kube-proxy owns, and of the built-in chains the rules that jump to them."""
    return _part(ruleset, ruleset.chain("filter", FIREWALL), {})


def is_kubelet_line(line: str) -> bool:
    """Whether a line of KUBE-FIREWALL is one that kubelet puts there, too."""
    return line.startswith(f"-A {FIREWALL} ") and any(comment in line for comment in _KUBELET)


def _part(ruleset: Ruleset, firewall: Chain | None, places: dict[tuple[str, str], tuple[int, ...]]) -> Ruleset:
    tables = {}
    for name in TABLES:
        table = ruleset.tables.get(name)
        if table is None:
            if not ruleset.whole:
                continue
            table = Table(name, {})
        chains = {}
        for chain in _chains(table):
            if _is_whole(table, chain):
                chains[chain.name] = chain  # as it is: a large dump reads its rules when they are looked at
                continue
            kept = _kept(table, chain, firewall)
            if kept is not None:
                chains[chain.name] = replace(chain, rules=tuple(rule for _, rule in kept), policy=None, counters=None)
                places[name, chain.name] = tuple(number for number, _ in kept)
        if chains:
            tables[name] = Table(name, chains)
    return replace(ruleset, tables=tables)


def _is_whole(table: Table, chain: Chain) -> bool:
    """Whether every rule of a chain counts."""
    own = is_kube_chain(table.name, chain.name) and chain.name not in _IDLE
    return own and chain.name != FIREWALL and chain.name not in table.builtin


def _chains(table: Table) -> list[Chain]:
    """Return the chains, base chains first; those that a whole dump does not print are empty."""
    if table.is_excerpt:
        return list(table.chains.values())
    base = {name: table.chains.get(name) or Chain(name) for name in table.builtin}
    return list((base | dict(table.chains)).values())


def _kept(table: Table, chain: Chain, firewall: Chain | None) -> list[tuple[int, Rule]] | None:
    """Return the rules of a base chain or of KUBE-FIREWALL that count, with their numbers; None where it does not."""
    rules = list(enumerate(chain.rules, 1)) if chain.name in table.builtin or chain.name == FIREWALL else []
    if chain.name in table.builtin:
        own = [(number, rule) for number, rule in rules if _is_jump(table.name, rule)]
        # Whichever of kubelet and kube-proxy comes first decides where this one stands.
        last = [item for item in own if _target(item[1]) == FIREWALL]
        return [item for item in own if item not in last] + (last if firewall is not None else [])
    if chain.name != FIREWALL or table.name != "filter" or firewall is None:
        return None
    return [item for item in rules if item[1] in firewall.rules or item[1].comment not in _KUBELET]


def _target(rule: Rule) -> str:
    return rule.target.chain if isinstance(rule.target, JumpTo | GoTo) else ""


def _is_jump(table: str, rule: Rule) -> bool:
    return is_kube_chain(table, _target(rule))


def _in_front(table: Table, chain: Chain, foreign: list[int]) -> list[str]:
    """Return what keeps every packet from kube-proxy's jumps."""
    jumps = [number for number, rule in enumerate(chain.rules, 1) if _is_jump(table.name, rule)]
    for number in foreign:
        rule = chain.rules[number - 1]
        ends = rule.target is not None and rule.target.name in _ENDING
        if ends and rule.base == ANY and not _conditions(rule) and jumps and number < jumps[-1]:
            after = sum(jump > number for jump in jumps)
            what = "the jump of kube-proxy behind it" if after == 1 else f"the {after} jumps of kube-proxy behind it"
            place = f"{table.name} {chain.name} rule {number} ({write_rule(rule).strip()})"
            return [f"{place} takes every packet: {what} cannot be reached"]
    return []


def _conditions(rule: Rule) -> bool:
    return any(match.name != "comment" for match in rule.matches)
