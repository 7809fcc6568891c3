"""Excerpts: rules as ``iptables -S | grep`` leaves them, without the jump that leads to them."""

from __future__ import annotations

from typing import Final

from iptc_sim.builtin import JumpTo
from iptc_sim.matches.addrtype import Addrtype
from iptc_sim.moment import Hook
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Chain, Rule, Ruleset, Table
from iptc_sim.steps import RuleStep, Trace
from iptc_sim.values import Names, Negatable


@dataclass(frozen=True, slots=True)
class _Jump:
    """A jump from nat that is always there, where its chain is.

    Args:
        owner: who writes it.
        hook: from where.
        rule: the jump.
        text: the same as iptables prints it.
    """

    owner: str
    hook: Hook
    rule: Rule
    text: str

    @property
    def chain(self) -> str:
        """The chain that it leads to."""
        return self.rule.target.chain if isinstance(self.rule.target, JumpTo) else ""

    @property
    def said(self) -> str:
        """What a trace says of it."""
        return (
            f"an excerpt without nat {self.hook}: {self.owner}'s jump to {self.chain} is taken as there "
            f"(-A {self.hook} {self.text}; --as-is leaves it out)"
        )


def _plain(hook: Hook, chain: str) -> _Jump:
    return _Jump("kube-proxy", hook, Rule(target=JumpTo(chain)), f"-j {chain}")


_TO_LOCAL = Addrtype(src_type=None, dst_type=Negatable(Names(("LOCAL",))), limit_iface_in=False, limit_iface_out=False)
#: All releases of dockerd with a DOCKER chain in nat, and of kube-proxy, write these.
_JUMPS: Final = (
    _plain(Hook.PREROUTING, "KUBE-SERVICES"),
    _plain(Hook.OUTPUT, "KUBE-SERVICES"),
    _plain(Hook.POSTROUTING, "KUBE-POSTROUTING"),
    _Jump(
        "dockerd",
        Hook.PREROUTING,
        Rule(matches=(_TO_LOCAL,), target=JumpTo("DOCKER")),
        "-m addrtype --dst-type LOCAL -j DOCKER",
    ),
)


def complete_excerpt(ruleset: Ruleset) -> Ruleset:
    """Add the jumps from nat that dockerd and kube-proxy always write.

    That is done only where the dump is an excerpt, which declares no chains, and shows where a jump leads but nothing
    of the chain that it stands in; a whole dump is never touched.
    """
    table = ruleset.tables.get("nat")
    if table is None or not table.is_excerpt:
        return ruleset
    added: dict[str, tuple[Rule, ...]] = {}
    for jump in _JUMPS:
        if jump.chain in table.chains and jump.hook not in table.chains:
            added[str(jump.hook)] = (*added.get(str(jump.hook), ()), jump.rule)
    if not added:
        return ruleset
    chains = {name: Chain(name, rules, declared=False) for name, rules in added.items()}
    return replace(ruleset, tables={**ruleset.tables, "nat": Table("nat", {**chains, **table.chains})})


def note_completion(trace: Trace) -> Trace:
    """Say in the trace which jumps were added, if the packet met them."""
    met = {id(step.rule) for segment in trace.segments for step in segment.steps if isinstance(step, RuleStep)}
    said = tuple(jump.said for jump in _JUMPS if id(jump.rule) in met)
    return replace(trace, assumptions=(*said, *trace.assumptions)) if said else trace
