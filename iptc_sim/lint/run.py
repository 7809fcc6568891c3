"""All checks of a ruleset, in order."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from iptc_sim.diagnostics import Severity
from iptc_sim.lint import backends, duplicates, growth, nat, redundant, statistic, unreachable, unused
from iptc_sim.lint.finding import Finding, Spot, about, about_file, with_fingerprints
from iptc_sim.lint.managed import owner_of
from iptc_sim.lint.registry import CHECKS
from iptc_sim.lint.view import View
from iptc_sim.lint.walk import UNANSWERED
from iptc_sim.records import replace
from iptc_sim.ruleset import Ruleset

#: The modules that register checks.
MODULES = (unreachable, duplicates, redundant, unused, statistic, nat, backends, growth)

#: A rule of which the first is said is not told of by the others: they follow from it, or say it less exactly.
_INSTEAD = {"IPT103": frozenset({"IPT100"}), "IPT105": frozenset({"IPT103"})}
_NEVER_MATCH = ("IPT100", "IPT101", "IPT102", "IPT103", "IPT105")
#: Chains that programs write have rules that do nothing; who reads a dump can do nothing about these.
_ONLY_OWN = frozenset({"IPT101", "IPT103", "IPT104", "IPT107"})
_NOTED = frozenset({"IPT100", "IPT105", "IPT102"})


def lint(
    ruleset: Ruleset,
    *,
    beside: Ruleset | None = None,
    since: Ruleset | None = None,
    codes: Collection[str] | None = None,
) -> tuple[Finding, ...]:
    """Return everything that is odd in rules that load.

    Of what cannot be followed within bounds, of steps, depth and nodes of diagrams, only that is said.

    Args:
        ruleset: the rules.
        beside: the rules of the other iptables on the same node: those of iptables-legacy beside those of nf_tables.
        since: the rules of the same node at an earlier time.
        codes: what is looked for; None: everything.

    Returns:
        The findings by place, each with its fingerprint.
    """
    view = View(ruleset, beside, since)
    found = list(_found(view, codes))
    if codes is None or "IPT108" in codes:
        found += _unanswered(view)
    return with_fingerprints(_in_order(_of_people(_without_repeats(found)), ruleset))


def _found(view: View, codes: Collection[str] | None) -> Iterator[Finding]:
    """Yield what the checks say; where one of them gives up, what it has said before stays."""
    for check in CHECKS:
        if codes is None or not check.codes.isdisjoint(codes):
            try:
                yield from (finding for finding in check.run(view) if codes is None or finding.code in codes)
            except UNANSWERED:
                view.unanswered |= dict.fromkeys(sorted(check.codes))


def _unanswered(view: View) -> Iterator[Finding]:
    """Yield what was not looked at to the end."""
    for table, hook in view.machine.unanswered:
        message = f"not all packets of {table} {hook} could be followed: there may be more to tell of its rules"
        yield about("IPT108", Spot(table, hook), message)
    if view.unanswered:
        message = f"{', '.join(view.unanswered)} were not looked for everywhere: there are too many kinds of packets"
        yield about_file("IPT108", view.source, message)


def _of_people(found: list[Finding]) -> list[Finding]:
    """Leave out what people cannot change, in chains that programs write; what is left of it is a note."""
    made = []
    for item in found:
        owner = owner_of(item.spot.chain) if item.spot else ""
        if owner and item.code in _NOTED:
            hint = f"{owner} writes this chain"
            made.append(replace(item, diagnostic=replace(item.diagnostic, severity=Severity.NOTE, hint=hint)))
        elif not (owner and item.code in _ONLY_OWN):
            made.append(item)
    return made


def _without_repeats(found: list[Finding]) -> list[Finding]:
    """Leave out what follows from another finding about the same rule, or about the rule that it follows from."""
    told = {(item.code, str(item.spot)) for item in found}

    def is_repeat(item: Finding) -> bool:
        here = str(item.spot)
        if item.code == "IPT104":  # of two equal rules one can go, and it is told of the second one
            return any((code, str(spot)) in told for code in _NEVER_MATCH for spot in item.because)
        return any(item.code in others and (code, here) in told for code, others in _INSTEAD.items())

    return [item for item in found if not is_repeat(item)]


def _in_order(found: list[Finding], ruleset: Ruleset) -> list[Finding]:
    """Sort by table, chain and rule, as the ruleset has them; what is about files comes last."""
    places = {
        (table.name, chain): number for table in ruleset.tables.values() for number, chain in enumerate(table.chains)
    }
    tables = {name: number for number, name in enumerate(ruleset.tables)}
    last = 1 << 62

    def place(item: Finding) -> tuple[int, int, int, str]:
        if item.spot is None:
            return last, last, last, item.code
        table, chain = item.spot.table, item.spot.chain
        return tables.get(table, last), places.get((table, chain), last), item.spot.number, item.code

    return sorted(found, key=place)
