"""Excerpts: rules as ``iptables -S | grep`` leaves them, without the jump that leads to them."""

from __future__ import annotations

from dataclasses import replace

from iptc_sim.builtin import JumpTo
from iptc_sim.extension import Hook
from iptc_sim.matches.addrtype import Addrtype
from iptc_sim.ruleset import Chain, Rule, Ruleset, Table
from iptc_sim.values import Names, Negatable

_DOCKER_JUMP = Rule(
    matches=(
        Addrtype(src_type=None, dst_type=Negatable(Names(("LOCAL",))), limit_iface_in=False, limit_iface_out=False),
    ),
    target=JumpTo("DOCKER"),
)


def complete_excerpt(ruleset: Ruleset) -> tuple[Ruleset, tuple[str, ...]]:
    """Add the jump from nat PREROUTING that dockerd (all releases with a DOCKER chain in nat) always writes.

    That is done only where the dump is an excerpt, which declares no chains, and shows DOCKER but nothing of
    PREROUTING; a whole dump is never touched.

    Returns:
        The ruleset to walk, and a sentence for each rule that was added.
    """
    table = ruleset.tables.get("nat")
    if table is None or not table.is_excerpt or "DOCKER" not in table.chains or Hook.PREROUTING in table.chains:
        return ruleset, ()
    chain = Chain(str(Hook.PREROUTING), (_DOCKER_JUMP,), declared=False)
    chains = {chain.name: chain, **table.chains}
    text = (
        "an excerpt without nat PREROUTING: dockerd's jump to DOCKER is taken as there "
        "(-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER; --as-is leaves it out)"
    )
    return replace(ruleset, tables={**ruleset.tables, "nat": Table("nat", chains)}), (text,)
