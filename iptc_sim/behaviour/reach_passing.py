"""Rules that stop nothing, so that it is seen where packets would have gone that are dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from iptc_sim.builtin import JumpTo
from iptc_sim.constraint import Asked
from iptc_sim.moment import Hook, Moment
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Chain, Rule, Ruleset
from iptc_sim.steps import End, RuleStep, Trace
from iptc_sim.target import Action, Alter, Change, Deed, Drop, Reject, Target

#: Ends the name of a chain that holds the rules of one with a policy.
_INNER: Final = " ahead of its policy"
_STOPPED: Final = "would be stopped: "


@dataclass(frozen=True, slots=True)
class Stop:
    """How a packet is stopped.

    Args:
        rejected: by a REJECT.
        code: its ``--reject-with``.
    """

    rejected: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True)
class Pass(Target):
    """Stands for a target that stops packets: it lets them go on, and notes how they were stopped."""

    stop: Stop = Stop()

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Let it go on; what it does counts, so that the packets that fit are told from those that do not."""
        return Alter("would be stopped here")

    def deed(self, asked: Asked) -> Deed:  # noqa: ARG002 - the interface
        """Return the note."""
        word = f"REJECT {self.stop.code}" if self.stop.rejected else "DROP"
        return Change(_STOPPED + word, frozenset(), ("would be stopped", word))


#: Stands for a policy that drops.
POLICY: Final = Rule(target=Pass())


def stopped_by(notes: Iterable[str]) -> Stop | None:
    """Return how a packet with these notes is stopped first; None where it is not."""
    for note in notes:
        if note.startswith(_STOPPED):
            word, _, code = note.removeprefix(_STOPPED).partition(" ")
            return Stop(word == "REJECT", code)
    return None


def without_stops(ruleset: Ruleset) -> Ruleset:
    """Return a ruleset whose rules do all that they did, but let everything go on that they stopped."""
    tables = {}
    for name, table in ruleset.tables.items():
        chains = {one.name: one for chain in table.chains.values() for one in _passing(ruleset, name, chain)}
        tables[name] = replace(table, chains=chains)
    return replace(ruleset, tables=tables)


def _passing(ruleset: Ruleset, table: str, chain: Chain) -> Iterator[Chain]:
    """Yield the chain; one with a policy that drops leads to another with its rules, so that RETURN comes back, too."""
    rules = tuple(_without_stop(ruleset, table, rule) for rule in chain.rules)
    if chain.policy == "DROP":
        inner = chain.name + _INNER
        yield replace(chain, rules=(Rule(target=JumpTo(inner)), POLICY), policy="ACCEPT")
        yield Chain(inner, rules)
    else:
        yield replace(chain, rules=rules)


def _without_stop(ruleset: Ruleset, table: str, rule: Rule) -> Rule:
    if rule.target is None:
        return rule
    deed = rule.target.deed(Asked(ruleset.family, table, Hook.FORWARD, ruleset.variant))
    if isinstance(deed, Drop):
        return replace(rule, target=Pass())
    if isinstance(deed, Reject):
        return replace(rule, target=Pass(Stop(rejected=True, code=deed.code)))
    return rule


def outer(chain: str) -> str:
    """Return the chain that the rules of a chain of :func:`without_stops` are of."""
    return chain.removesuffix(_INNER)


def first_stop(trace: Trace, end: End) -> tuple[str, str, int] | None:
    """Return the place of the first rule on a way that would have stopped the packet; 0 for a policy."""
    for step in trace.steps(end):
        if isinstance(step, RuleStep) and step.matched and isinstance(step.rule.target, Pass):
            return step.table, outer(step.chain), 0 if step.rule is POLICY else step.number
    return None
