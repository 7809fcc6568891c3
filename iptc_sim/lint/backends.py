"""Rules of iptables-legacy and of nf_tables on one node (IPT117)."""

from __future__ import annotations

from collections.abc import Iterator

from iptc_sim.lint.finding import Finding, about_file, listed
from iptc_sim.lint.registry import check
from iptc_sim.lint.view import View
from iptc_sim.ruleset import Ruleset


@check("IPT117")
def both_in_force(view: View) -> Iterator[Finding]:
    """Yield where the rules of both dumps act: a packet passes both, and a drop by one of them is final."""
    other = view.beside
    if other is None or other.family is not view.ruleset.family:
        return
    ours, theirs = in_force(view.ruleset), in_force(other)
    if not ours or not theirs:
        return
    both = [place for place in ours if place in theirs]
    where = f"at {listed(both)} both act" if both else f"one at {listed(ours)}, the other at {listed(theirs)}"
    message = f"both iptables-legacy and nf_tables have rules in force on this node: {where}"
    hint = "a packet must be let through by both; move the rules to one of them and flush the other"
    yield about_file("IPT117", view.source, message, hint)


def in_force(ruleset: Ruleset) -> list[str]:
    """Return the places, ``filter INPUT``, where a ruleset has rules or drops by policy."""
    return [
        f"{table.name} {name}"
        for table in ruleset.tables.values()
        for name in table.builtin
        if (chain := table.chains.get(name)) is not None and (chain.rules or chain.policy == "DROP")
    ]
