"""The nearest why-not: of the rules that a packet did not fit, the one that came closest to what was expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.diagnostics import suggestion
from iptc_sim.expect.expected import Failure
from iptc_sim.expect.values import Destination, Place
from iptc_sim.match import No
from iptc_sim.render.why import why_not
from iptc_sim.render.words import line_of, place
from iptc_sim.ruleset import Rule, Ruleset
from iptc_sim.steps import Fate, RuleStep, Trace
from iptc_sim.targets.dnat import DnatTarget
from iptc_sim.targets.redirect import RedirectTarget
from iptc_sim.values import UNKNOWN

#: How many rules are looked at to find out where jumps lead; beyond that any may lead to what is wanted.
_MAX_RULES: Final = 20_000

#: Names of targets that do what a failure wants.
_DOES: Final[Mapping[str, frozenset[str]]] = {
    "drops": frozenset({"DROP"}),
    "rejects": frozenset({"REJECT"}),
    "arrives": frozenset({"ACCEPT"}),
    "masquerades": frozenset({"MASQUERADE", "SNAT", "NETMAP"}),
    "marks": frozenset({"MARK", "CONNMARK"}),
}

#: Whether a rule of a table does what is wanted.
Test = Callable[[str, Rule], bool]


def nearest(failure: Failure, trace: Trace, ruleset: Ruleset) -> tuple[str, ...]:
    """Return sentences about what came closest to what was expected; none where nothing did.

    For a place in the rules they say why it was not reached, or did not fit. Else it is the rule that would have led to
    what was expected and that fits the packet best: the most conditions from the left, and of these the last.
    """
    wants = failure.wants
    if isinstance(wants, Place):
        return _of_place(wants, failure, trace, ruleset)
    leads = _Leads(ruleset, _test(failure, wants))
    best: tuple[tuple[int, int], RuleStep] | None = None
    for step in trace.steps(failure.end):
        if not isinstance(step, RuleStep) or step.matched or step.maybe:
            continue
        near = _near(step)
        if (best is None or near >= best[0]) and leads.from_rule(step.table, step.rule):
            best = near, step
    if best is None:
        return ()
    step = best[1]
    about = [
        f"-> {target.name}" if isinstance(target := step.rule.target, JumpTo | GoTo) else target.name if target else ""
    ]
    about += [line] if (line := line_of(step)) else []
    how = "does not fit" if isinstance(step.reason, No) else "is taken not to fit"
    return (f"{place(step)} ({', '.join(about)}) {how}: {step.reason}",)


def _of_place(wanted: Place, failure: Failure, trace: Trace, ruleset: Ruleset) -> tuple[str, ...]:
    chains = [
        (table.name, chain)
        for table in ruleset.tables.values()
        if (chain := table.chains.get(wanted.chain)) is not None and wanted.table in {None, table.name}
    ]
    chains = [item for item in chains if item[1].rules] or chains  # every table has its built-in chains
    number = wanted.number or None
    places: dict[str, list[str]] = {}
    for table, chain in chains:
        if number is None or number <= len(chain.rules):
            for text in why_not(trace, failure.end, ruleset, table, chain.name, number):
                places.setdefault(text, []).append(table)
    rule = f" rule {number}" if number else ""
    if places:
        names = {
            text: f"{tables[0]} {wanted.chain}" if len(tables) == 1 else wanted.chain for text, tables in places.items()
        }
        return tuple(f"{names[text]}{rule}: {text}" for text in places)
    if chains:
        return tuple(f"{table} {chain.name} has only {len(chain.rules)} rules" for table, chain in chains)
    hint = suggestion(wanted.chain, (name for table in ruleset.tables.values() for name in table.chains))
    return (f"there is no chain {wanted.chain} in {wanted.table or 'the rules'}{f' ({hint})' if hint else ''}",)


def _test(failure: Failure, wants: Destination | str) -> Test:
    """Return what tells a rule that does what is wanted."""
    end = failure.end
    stopped = end.fate in {Fate.DROP, Fate.REJECT}
    if isinstance(wants, Destination) and not (stopped and wants.is_destination_of(end.packet)):
        return lambda _, rule: _translates(rule, wants)
    what = "arrives" if isinstance(wants, Destination) else wants
    deciding = end.decided_by[0] if what == "arrives" and end.decided_by else None
    return lambda table, rule: deciding in {None, table} and _does(rule, what)


def _does(rule: Rule, what: str) -> bool:
    return rule.target is not None and rule.target.name in _DOES.get(what, ())


def _translates(rule: Rule, wanted: Destination) -> bool:
    """Whether the target gives packets that destination, or may: REDIRECT sends them to this node."""
    match rule.target:
        case DnatTarget(to=to):
            port = wanted.port
            there = to.addresses is None or wanted.address in to.addresses
            return there and (port is None or port is UNKNOWN or to.ports is None or port in to.ports)
        case RedirectTarget(to_ports=ports):
            return ports is None or wanted.port in {None, UNKNOWN} or wanted.port in ports
        case _:
            return False


def _near(step: RuleStep) -> tuple[int, int]:
    """Return how many matches of a rule fit, and how many options of the one that failed."""
    reason = step.reason
    if reason is None:
        return 0, 0
    for number, extension in enumerate(step.rule.extensions):
        if extension is reason.extension:
            if not isinstance(reason, No):
                return number, 0
            names = [option.field for option in extension.OPTIONS]
            before = names[: names.index(reason.field)] if reason.field in names else []
            return number, sum(getattr(extension, name) not in {None, False} for name in before)
    return 0, 0


class _Leads:
    """Tells whether a rule does what is wanted, or jumps to where one does.

    Args:
        ruleset: the rules.
        test: tells a rule that does it.
    """

    def __init__(self, ruleset: Ruleset, test: Test) -> None:
        self._ruleset, self._test, self._left = ruleset, test, _MAX_RULES
        self._chains: dict[tuple[str, str], bool] = {}

    def from_rule(self, table: str, rule: Rule) -> bool:
        """Whether a packet that fits this rule may come to what is wanted."""
        if self._test(table, rule):
            return True
        return isinstance(rule.target, JumpTo | GoTo) and self._from_chain(table, rule.target.chain)

    def _from_chain(self, table: str, chain: str) -> bool:
        key = table, chain
        if key not in self._chains:
            self._chains[key] = False  # chains that jump in a circle lead nowhere by it
            found = self._ruleset.chain(table, chain)
            rules = found.rules if found else ()
            self._left -= len(rules)
            self._chains[key] = self._left < 0 or any(self.from_rule(table, rule) for rule in rules)
        return self._chains[key]
