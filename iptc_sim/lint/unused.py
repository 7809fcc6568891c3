"""Chains that nothing uses (IPT106), or that are empty (IPT107)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from iptc_sim.diagnostics import Span
from iptc_sim.lint.finding import Finding, Spot, about
from iptc_sim.lint.managed import CANARIES, OFFERED, owner_of
from iptc_sim.lint.registry import check
from iptc_sim.lint.view import View
from iptc_sim.ruleset import Table


@check("IPT106")
def unused(view: View) -> Iterator[Finding]:
    """Yield the chains that no rule leads to."""
    for table in view.ruleset.tables.values():
        if not view.whole(table.name) or view.script or not _is_complete(view, table):
            continue
        for chain in table.chains.values():
            name = chain.name
            if name in table.builtin or (table.name, name) in view.callers or _is_expected(name):
                continue
            what = f"with {len(chain.rules)} rule{'s' * (len(chain.rules) != 1)}" if chain.rules else "without rules"
            spot = Spot(table.name, name)
            message = f"no rule leads to chain {name} of {table.name} ({what}): no packet comes there"
            hint = "remove it, or add the jump that was forgotten"
            yield about("IPT106", spot, message, hint=hint, span=_declared(view, table.name, name))


@check("IPT107")
def empty(view: View) -> Iterator[Finding]:
    """Yield the jumps to chains without rules."""
    for (name, aim), callers in view.callers.items():
        table = view.ruleset.tables[name]
        chain = table.chains.get(aim)
        if chain is None or chain.rules or not view.whole(name) or view.script or not _is_complete(view, table):
            continue
        if aim in table.builtin or _is_expected(aim) or any(owner_of(spot.chain) for spot in callers):
            continue
        first = callers[0]
        others = f" (and {len(callers) - 1} more)" if len(callers) > 1 else ""
        message = f"{first}{others} leads to {aim}, which has no rules: nothing happens there"
        yield about("IPT107", first, message, callers[1:], "fill the chain, or remove it with the jumps to it")


def _is_complete(view: View, table: Table) -> bool:
    """Whether the text declares built-in chains of a table itself: a piece for restore --noflush does not."""
    if view.source is None:
        return True
    names = "|".join(table.builtin)
    return re.search(rf"^[ \t]*(?::|-P[ \t]+)(?:{names})\b", view.source.text, re.MULTILINE) is not None


def _is_expected(chain: str) -> bool:
    """Whether a chain may be there for a program that is not active, or for people who have nothing to say yet."""
    return bool(CANARIES.fullmatch(chain) or OFFERED.fullmatch(chain) or owner_of(chain))


def _declared(view: View, table: str, chain: str) -> Span | None:
    """Return the line that declares a chain."""
    source = view.source
    if source is None:
        return None
    pattern = re.compile(rf"^[ \t]*(?:\*(?P<table>\w+)|(?::|-N[ \t]+){re.escape(chain)}(?:[ \t].*)?)$", re.MULTILINE)
    now = table
    for found in pattern.finditer(source.text):
        if found["table"]:
            now = found["table"]
        elif now == table:
            return Span(source, source.text.count("\n", 0, found.start()) + 1)
    return None
