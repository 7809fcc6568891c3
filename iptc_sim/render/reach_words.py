"""The words of an answer to who reaches a destination: packets, what becomes of them, the rules on their way."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from iptc_sim.behaviour.reach_answer import Destination, Example, Reach, ReachClass, Wanted
from iptc_sim.diagnostics import printable
from iptc_sim.records import dataclass
from iptc_sim.render.behaviour_words import flow_text, node_words
from iptc_sim.render.path import follow_jumps
from iptc_sim.render.words import Labels, action_text, odds_text
from iptc_sim.steps import BackStep, ChainStep, Fate, HookStep, PolicyStep, RuleStep, Step
from iptc_sim.target import Accept, Drop, Goto, Intercept, Jump, Prepare, Reject, SetMark, Steal, Translate
from iptc_sim.values import CERTAIN

_DECISIVE: Final = (Accept, Drop, Reject, SetMark, Translate, Prepare, Steal, Intercept)
_FATES: Final = {
    Fate.FORWARD: "forwarded",
    Fate.LOCAL: "delivered on this node",
    Fate.SENT: "sent",
}


_KINDS: Final = {"LOCAL": "any address of this node", "UNICAST": "addresses that are not this node's"}


@dataclass(frozen=True, slots=True)
class Turn:
    """A rule that decides or changes something, with the jumps that lead to it from the turn before.

    Args:
        steps: the jumps, and last the rule; or the policy that stops the packet.
    """

    steps: tuple[RuleStep | PolicyStep, ...]

    @property
    def last(self) -> RuleStep | PolicyStep:
        """The step that decides."""
        return self.steps[-1]


def turns(example: Example) -> Iterator[Turn]:
    """Yield what decides about a packet, in order."""
    pending: list[Step] = []
    shown: set[int] = set()
    for step in example.trace.steps(example.end):
        is_policy = isinstance(step, PolicyStep) and example.end.decided_by == (step.table, step.chain, 0)
        if is_policy or (isinstance(step, RuleStep) and step.matched and isinstance(step.action, _DECISIVE)):
            told = [] if is_policy else [jump for jump in pending if id(jump) not in shown]
            shown.update(map(id, told))
            yield Turn(tuple(one for one in (*told, step) if isinstance(one, RuleStep | PolicyStep)))
        if isinstance(step, RuleStep | BackStep | PolicyStep | HookStep | ChainStep):
            follow_jumps(pending, step)


def turn_words(turn: Turn, labels: Labels, named: set[str]) -> list[str]:
    """Return the rules of a turn, each with its number, and what the last one does.

    Args:
        turn: the turn.
        labels: names for chains.
        named: chains whose names were told; they are added to.
    """
    words = []
    for step in turn.steps:
        if isinstance(step, PolicyStep):
            words.append(f"{step.chain} policy: {step.policy}")
            continue
        name = labels.get(step.chain, "") if step.chain not in named else ""
        words.append(f"{step.chain} {step.number}{f' ({name})' if name else ''}")
        named.add(step.chain)
    last = turn.last
    if isinstance(last, RuleStep):
        about = "" if isinstance(last.action, Jump | Goto) else f": {action_text(last)}"
        words[-1] += about
    return [printable(word) for word in words]


def packets_words(item: ReachClass) -> str:
    """Return what packets a class has: ``tcp from anywhere to 10.96.0.10 port 53, arriving or made on this node``."""
    told = {condition.field: condition.text for condition in item.conditions}
    protocol = told.pop("protocol", "any protocol")
    words = [f"any protocol but {protocol.removeprefix('not ')}" if protocol.startswith("not ") else protocol]
    words.append(_where("from", told.pop("source", "")))
    port = told.pop("source port", "")
    words += [f"port {port}"] if port else []
    kind = _KINDS.get(told.get("destination type", ""), "")
    if kind:
        del told["destination type"]
    there = told.pop("destination", "")
    words.append(f"to {kind}" if kind and not there else _where("to", there))
    note = f" ({kind.replace('any address', 'an address').replace('addresses that are', 'an address that is')})"
    port = told.pop("destination port", "")
    words += [f"port {port}"] if port else []
    words[-1] += note if kind and there else ""
    came = told.pop("in interface", "")
    ways = {"arriving": f"arriving by {came}" if came else "arriving", "local": "made on this node"}
    entries = " or ".join(ways[entry] for entry in item.entries)
    return ", ".join([" ".join(words), entries, *(f"{field} {text}" for field, text in told.items())])


def _where(word: str, text: str) -> str:
    """Return ``from 10.0.0.0/8``, ``from anywhere but 10.0.0.0/8, or from 10.1.1.1``."""
    there = f"anywhere but {text.removeprefix('not ')}" if text.startswith("not ") else text or "anywhere"
    return f"{word} {there.replace(', or ', f', or {word} ')}"


def end_words(item: ReachClass, to: Destination, wanted: Wanted) -> str:
    """Return what becomes of the packets of a class."""
    is_certain = item.odds.fraction == CERTAIN.fraction
    if wanted.is_stopped:
        way = f" on its way to {_new(item, to)}" if item.translated else ""
        how = f"rejected with {item.code}" if wanted is Wanted.REJECTED else "dropped"
        return f"{how}{way}{'' if is_certain else f', odds {odds_text(item.odds)}'}"
    chance = "" if is_certain else f"{odds_text(item.odds)}: "
    where = {fate: _FATES[fate] for fate in item.fates}
    if Fate.FORWARD in where and Fate.SENT in where:
        where.pop(Fate.SENT)
        where[Fate.FORWARD] = "forwarded or sent"
    changes = [f"its destination becomes {_new(item, to)}"] if item.translated else []
    changes += ["its source is rewritten"] if item.masqueraded else []
    return f"{chance}{' or '.join(where.values())}, {' and '.join(changes) or 'unchanged'}"


def _new(item: ReachClass, to: Destination) -> str:
    """Return what a destination becomes: the examples have a port even where none is asked for."""
    if not to.prefix.is_host:
        return f"one of {to}"
    ports = {condition.text for condition in item.conditions if condition.field == "destination port"}
    return item.examples[0].end.packet.destination_text if to.port is None and len(ports) == 1 else str(to)


def example_words(item: Example) -> str:
    """Return the packet, and where its source is rewritten, what it becomes."""
    before, after = item.flow.packet.source_text, item.end.packet.source_text
    return flow_text(item.flow) + (f"   (then from {after})" if before != after else "")


def command(found: Reach, rules: Sequence[str]) -> str:
    """Return the command that follows the first example of the first class."""
    first = found.classes[0].examples[0]
    words = ["iptc-sim", "trace", *rules, "--flow", flow_text(first.flow)]
    return " ".join(map(shlex.quote, [*words, *(node_words(first.node) if found.made else ())]))
