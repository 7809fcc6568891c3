"""From a Ruleset to text, as iptables 1.8.9 prints it: both variants, iptables-save and iptables -S."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.builtin import GoTo
from iptc_sim.ruleset import Chain, Counters, Rule, Ruleset, Table
from iptc_sim.syntax.nft_form import nft_matches
from iptc_sim.values import Variant

#: The order in which iptables-nft-save prints the tables that exist.
NFT_TABLE_ORDER: Final = ("mangle", "security", "raw", "filter", "nat")
_ZERO: Final = Counters(0, 0)


def write_rule(rule: Rule, chain: str | None = None, *, counters: bool = False, variant: Variant = Variant.NFT) -> str:
    """Return a rule in canonical form.

    Args:
        rule: to write.
        chain: with it, the line begins with ``-A CHAIN``.
        counters: with ``[packets:bytes]`` in front, as ``iptables-save -c``.
        variant: of the iptables that prints.
    """
    text = " ".join([*_head(chain), *_conditions(rule, variant), *_target(rule, variant)])
    return f"{rule.counters or _ZERO} {text}" if counters else text


def _head(chain: str | None) -> list[str]:
    return [] if chain is None else ["-A", chain]


def _conditions(rule: Rule, variant: Variant) -> list[str]:
    words = list(rule.base.words(variant))
    for match in nft_matches(rule.matches) if variant is Variant.NFT else rule.matches:
        words += ["-m", match.name, *match.printed(variant)]
    return words


def _target(rule: Rule, variant: Variant) -> list[str]:
    if rule.target is None:
        return []
    return ["-g" if isinstance(rule.target, GoTo) else "-j", rule.target.name, *rule.target.words(variant)]


def chain_order(table: Table) -> list[Chain]:
    """Return the chains as iptables prints them: built-in ones in hook order, then user chains by name (bytes)."""
    builtin = table.builtin
    users = sorted((name for name in table.chains if name not in builtin), key=str.encode)
    return [table.chains.get(name) or Chain(name, policy="ACCEPT", declared=False) for name in builtin] + [
        table.chains[name] for name in users
    ]


def table_order(ruleset: Ruleset, variant: Variant) -> list[Table]:
    """Return the tables as iptables-save prints them.

    iptables-nft has a fixed order and no table without chains: ``*nat`` and ``COMMIT`` alone do not make one.
    iptables-legacy prints them as they stand in /proc/net/ip_tables_names: the one used last comes first.
    """
    if variant is Variant.LEGACY:
        return list(ruleset.tables.values())[::-1]
    found = (ruleset.tables.get(name) for name in NFT_TABLE_ORDER)
    return [table for table in found if table is not None and table.chains]


def _save_lines(table: Table, variant: Variant, *, counters: bool) -> Iterator[str]:
    yield f"*{table.name}"
    chains = chain_order(table)
    builtin = table.builtin
    for chain in chains:
        if chain.name in builtin:
            yield f":{chain.name} {chain.policy or 'ACCEPT'} {chain.counters or _ZERO}"
        else:
            yield f":{chain.name} - [0:0]"  # a user chain counts nothing, whatever the dump said
    for chain in chains:
        for rule in chain.rules:
            yield write_rule(rule, chain.name, counters=counters, variant=variant)
    yield "COMMIT"


def write_save(ruleset: Ruleset, *, counters: bool = False, variant: Variant = Variant.NFT) -> str:
    """Return the whole ruleset as ``iptables-save [-c]`` prints it, without its date comments.

    Policies are printed with their counters, rules with theirs only on request, as iptables-save does.

    Args:
        ruleset: to write.
        counters: with those of the rules.
        variant: of the iptables that prints.
    """
    lines: list[str] = []
    for table in table_order(ruleset, variant):
        lines += _save_lines(table, variant, counters=counters)
    return "".join(f"{line}\n" for line in lines)


def write_listing(table: Table, *, counters: bool = False, variant: Variant = Variant.NFT) -> str:
    """Return one table as ``iptables [-v] -S -t TABLE`` prints it.

    Args:
        table: to write.
        counters: with ``-c PACKETS BYTES`` behind policies and before targets, as ``-v`` prints them.
        variant: of the iptables that prints.
    """
    chains = chain_order(table)
    builtin = table.builtin
    lines = [
        " ".join(["-P", chain.name, chain.policy or "ACCEPT", *_counter_words(chain.counters, counters=counters)])
        for chain in chains
        if chain.name in builtin
    ]
    lines += [f"-N {chain.name}" for chain in chains if chain.name not in builtin]
    for chain in chains:
        for rule in chain.rules:
            counted = _counter_words(rule.counters, counters=counters)
            parts = [*_head(chain.name), *_conditions(rule, variant), *counted, *_target(rule, variant)]
            lines.append(" ".join(parts))
    return "".join(f"{line}\n" for line in lines)


def _counter_words(found: Counters | None, *, counters: bool) -> list[str]:
    shown = found or _ZERO
    return ["-c", str(shown.packets), str(shown.bytes)] if counters else []
