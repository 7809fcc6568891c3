"""Excerpts: rules as ``iptables -S | grep`` leaves them, without the jump that leads to them."""

from __future__ import annotations

from iptc_sim.builtin import JumpTo
from iptc_sim.matches.addrtype import Addrtype
from iptc_sim.moment import Hook
from iptc_sim.records import replace
from iptc_sim.ruleset import Chain, Rule, Ruleset, Table
from iptc_sim.steps import RuleStep, Trace
from iptc_sim.values import Names, Negatable

_DOCKER_JUMP = Rule(
    matches=(
        Addrtype(src_type=None, dst_type=Negatable(Names(("LOCAL",))), limit_iface_in=False, limit_iface_out=False),
    ),
    target=JumpTo("DOCKER"),
)


_SAID = (
    "an excerpt without nat PREROUTING: dockerd's jump to DOCKER is taken as there "
    "(-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER; --as-is leaves it out)"
)


def complete_excerpt(ruleset: Ruleset) -> Ruleset:
    """Add the jump from nat PREROUTING that dockerd (all releases with a DOCKER chain in nat) always writes.

    That is done only where the dump is an excerpt, which declares no chains, and shows DOCKER but nothing of
    PREROUTING; a whole dump is never touched.
    """
    table = ruleset.tables.get("nat")
    if table is None or not table.is_excerpt or "DOCKER" not in table.chains or Hook.PREROUTING in table.chains:
        return ruleset
    chain = Chain(str(Hook.PREROUTING), (_DOCKER_JUMP,), declared=False)
    chains = {chain.name: chain, **table.chains}
    return replace(ruleset, tables={**ruleset.tables, "nat": Table("nat", chains)})


def note_completion(trace: Trace) -> Trace:
    """Say in the trace that a rule was added, if the packet met it."""
    steps = (step for segment in trace.segments for step in segment.steps)
    if not any(isinstance(step, RuleStep) and step.rule is _DOCKER_JUMP for step in steps):
        return trace
    return replace(trace, assumptions=(_SAID, *trace.assumptions))
