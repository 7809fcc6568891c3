"""Chains that nothing uses (IPT106), or that are empty (IPT107)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from iptc_sim.diagnostics import SourceFile, Span
from iptc_sim.lint.finding import Finding, Spot, about
from iptc_sim.lint.managed import CANARIES, OFFERED, owner_of
from iptc_sim.lint.registry import check
from iptc_sim.lint.view import View
from iptc_sim.ruleset import Table

#: The line of a table, or one that declares a chain.
_DECLARATION: Final = re.compile(r"^[ \t]*(?:\*(?P<table>\w+)|(?::|-N[ \t]+)(?P<chain>\S+)(?:[ \t].*)?)$", re.MULTILINE)
#: A line that declares one of some built-in chains.
_BUILT_IN: Final = r"^[ \t]*(?::|-P[ \t]+)(?:{names})\b"


@check("IPT106")
def unused(view: View) -> Iterator[Finding]:
    """Yield the chains that no rule leads to."""
    found = [
        (table.name, chain)
        for table in _complete(view)
        for name, chain in table.chains.items()
        if not (name in table.builtin or (table.name, name) in view.callers or _is_expected(name))
    ]
    declared = _declarations(view.source) if found and view.source else {}
    for table_name, chain in found:
        name, many = chain.name, len(chain.rules)
        what = f"with {many} rule{'s' * (many != 1)}" if many else "without rules"
        message = f"no rule leads to chain {name} of {table_name} ({what}): no packet comes there"
        span = declared.get(("", name)) or declared.get((table_name, name))
        hint = "remove it, or add the jump that was forgotten"
        yield about("IPT106", Spot(table_name, name), message, hint=hint, span=span)


@check("IPT107")
def empty(view: View) -> Iterator[Finding]:
    """Yield the jumps to chains without rules."""
    complete = {table.name: table for table in _complete(view)}
    for (name, aim), callers in view.callers.items():
        table = complete.get(name)
        chain = table.chains.get(aim) if table else None
        if table is None or chain is None or chain.rules:
            continue
        if aim in table.builtin or _is_expected(aim) or any(owner_of(spot.chain) for spot in callers):
            continue
        first = callers[0]
        others = f" (and {len(callers) - 1} more)" if len(callers) > 1 else ""
        message = f"{first}{others} leads to {aim}, which has no rules: nothing happens there"
        yield about("IPT107", first, message, callers[1:], "fill the chain, or remove it with the jumps to it")


def _complete(view: View) -> list[Table]:
    """Return the tables that the text shows all of, and declares the built-in chains of.

    A piece for restore --noflush does not declare these.
    """
    if view.script:
        return []
    source = view.source
    return [
        table
        for table in view.ruleset.tables.values()
        if view.whole(table.name)
        and (source is None or re.search(_BUILT_IN.format(names="|".join(table.builtin)), source.text, re.MULTILINE))
    ]


def _is_expected(chain: str) -> bool:
    """Whether a chain may be there for a program that is not active, or for people who have nothing to say yet."""
    return bool(CANARIES.fullmatch(chain) or OFFERED.fullmatch(chain) or owner_of(chain))


def _declarations(source: SourceFile) -> dict[tuple[str, str], Span]:
    """Return the lines that declare chains, by table and chain; the table is empty where the text has named none."""
    found: dict[tuple[str, str], Span] = {}
    table = ""
    for line in _DECLARATION.finditer(source.text):
        if line["table"]:
            table = line["table"]
        else:
            number, _ = source.position(line.start())
            found.setdefault((table, line["chain"]), Span(source, number))
    return found
