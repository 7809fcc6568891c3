"""From a Ruleset to text, as iptables-save 1.8.9 (nft variant) prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.builtin import GoTo
from iptc_sim.ruleset import BUILTIN_CHAINS, Chain, Counters, Rule, Ruleset, Table

#: The order in which iptables-nft-save prints the tables that exist.
TABLE_ORDER: Final = ("mangle", "security", "raw", "filter", "nat")
_ZERO: Final = Counters(0, 0)


def write_rule(rule: Rule, chain: str | None = None, *, counters: bool = False) -> str:
    """Return a rule in canonical form.

    Args:
        rule: to write.
        chain: with it, the line begins with ``-A CHAIN``.
        counters: with ``[packets:bytes]`` in front, as ``iptables-save -c``.
    """
    words = [] if chain is None else ["-A", chain]
    words += rule.base.words()
    for match in rule.matches:
        words += ["-m", match.name, *match.words()]
    if rule.target is not None:
        words += ["-g" if isinstance(rule.target, GoTo) else "-j", rule.target.name, *rule.target.words()]
    text = " ".join(words)
    return f"{rule.counters or _ZERO} {text}" if counters else text


def chain_order(table: Table) -> list[Chain]:
    """Return the chains as iptables prints them: built-in ones in hook order, then user chains by name (bytes)."""
    builtin = [str(hook) for hook in BUILTIN_CHAINS[table.name]]
    users = sorted((name for name in table.chains if name not in builtin), key=str.encode)
    return [table.chains.get(name) or Chain(name, policy="ACCEPT", declared=False) for name in builtin] + [
        table.chains[name] for name in users
    ]


def _save_lines(table: Table, *, counters: bool) -> Iterator[str]:
    yield f"*{table.name}"
    chains = chain_order(table)
    builtin = set(table.builtin)
    for chain in chains:
        policy = (chain.policy or "ACCEPT") if chain.name in builtin else "-"
        yield f":{chain.name} {policy} {chain.counters or _ZERO}"
    for chain in chains:
        for rule in chain.rules:
            yield write_rule(rule, chain.name, counters=counters)
    yield "COMMIT"


def write_save(ruleset: Ruleset, *, counters: bool = False) -> str:
    """Return the whole ruleset as ``iptables-save [-c]`` prints it, without its date comments.

    Policies are printed with their counters, rules with theirs only on request, as iptables-save does.
    """
    lines: list[str] = []
    for name in TABLE_ORDER:
        if name in ruleset.tables:
            lines += _save_lines(ruleset.tables[name], counters=counters)
    return "".join(f"{line}\n" for line in lines)


def write_listing(table: Table) -> str:
    """Return one table as ``iptables -S -t TABLE`` prints it."""
    chains = chain_order(table)
    builtin = set(table.builtin)
    lines = [f"-P {chain.name} {chain.policy or 'ACCEPT'}" for chain in chains if chain.name in builtin]
    lines += [f"-N {chain.name}" for chain in chains if chain.name not in builtin]
    lines += [write_rule(rule, chain.name) for chain in chains for rule in chain.rules]
    return "".join(f"{line}\n" for line in lines)
