"""What a rule means, in one sentence of plain English: "If it goes to 10.0.0.1 and ..., it is accepted."."""

from __future__ import annotations

from collections.abc import Iterator

from iptc_sim.diagnostics import printable
from iptc_sim.extension import Extension
from iptc_sim.match import Match
from iptc_sim.records import replace
from iptc_sim.render.explain_matches import conditions
from iptc_sim.render.explain_targets import deed
from iptc_sim.render.explain_words import joined
from iptc_sim.render.matched import Ways
from iptc_sim.ruleset import Rule
from iptc_sim.steps import PolicyStep, RuleStep, Trace


def explain(extension: Extension) -> str:
    """Return what a match asks, or what a target does, as a clause about the packet; empty for a comment."""
    return printable(joined(conditions(extension)) if isinstance(extension, Match) else deed(extension))


def explain_rule(rule: Rule) -> str:
    """Return the sentence of a rule."""
    asked = [clause for match in (rule.base, *rule.matches) for clause in conditions(match)]
    done = "it is counted, and nothing else happens" if rule.target is None else deed(rule.target)
    text = f"If {joined(asked)}, {done}." if asked else f"Whatever the packet, {done}."
    return printable(text)


def render_explained(trace: Trace) -> str:
    """Return the sentences of the rules that the packet fits, branch by branch; what branches share is said once."""
    ways = Ways(trace)
    lines: list[str] = []
    said: set[int] = set()
    for number, end in enumerate(trace.ends, 1):
        fresh = [item.step for item in ways.matched(end) if id(item.step) not in said]
        said |= {id(step) for step in fresh}
        found = [line for step in fresh for line in _line(step)]
        if found and number > 1:
            lines.append(f"branch {number}:")
        lines += found
    return "".join(f"{line}\n" for line in lines)


def _line(step: RuleStep | PolicyStep) -> Iterator[str]:
    if isinstance(step, PolicyStep):
        if step.policy != "ACCEPT":
            yield printable(f"{step.table} {step.chain} policy: What comes to the end of the chain is dropped.")
        return
    may = " (whether it fits cannot be told)" if step.maybe else ""
    yield printable(f"{step.table} {step.chain} rule {step.number}{may}: ") + explain_rule(_plain(step.rule))


def _plain(rule: Rule) -> Rule:
    """Return a rule without its comments, which say nothing of what it does."""
    return replace(rule, matches=tuple(match for match in rule.matches if match.name != "comment"))
