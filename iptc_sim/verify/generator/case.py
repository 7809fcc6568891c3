"""A case: one ruleset on one node, and where its packets come from."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from iptc_sim.diagnostics import InputError
from iptc_sim.engine.conntrack import conntrack_in_use
from iptc_sim.extension import Extension
from iptc_sim.matches import MATCHES
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax import parse
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family
from iptc_sim.verify.generator.draw import Draw
from iptc_sim.verify.generator.not_yet import NOT_DRAWN
from iptc_sim.verify.generator.packets import RandomPackets
from iptc_sim.verify.generator.rulesets import RandomRules
from iptc_sim.verify.generator.topologies import Topology, topologies

#: How many of a hundred packets are fragments, where the kernel holds them and where rules see them.
_HELD: Final = 3
_SEEN: Final = 25

#: Extensions for which the kernel puts fragments together, so that one of them alone is seen nowhere.
_TRACKERS: Final = frozenset(
    kind.NAME
    for known in (MATCHES, TARGETS)
    for kind in known.all()
    if kind.USES_CONNTRACK or kind.uses_conntrack is not Extension.uses_conntrack
) | {"socket", "TPROXY"}


@dataclass(frozen=True, slots=True)
class Case:
    """One ruleset on one node.

    Args:
        seed: what it was drawn from.
        topology: the node.
        text: for iptables-restore.
        ruleset: the same.
        sets: text for ``ipset restore``; empty where no rule names a set.
        packets: where its packets come from.
    """

    seed: str
    topology: Topology
    text: str
    ruleset: Ruleset
    sets: str
    packets: RandomPackets

    def without(self, numbers: Collection[int]) -> Case:
        """Return the case without some lines of its text, counted from 1."""
        lines = [line for number, line in enumerate(self.text.split("\n"), 1) if number not in numbers]
        text, ruleset = _read(lines, self.ruleset.family)
        return replace(self, text=text, ruleset=ruleset)


def draw_case(seed: str, family: Family) -> Case:
    """Draw a case; rules that cannot stand where chance put them are left out."""
    chooser = Draw(seed, topologies()[0], family)
    topology = chooser.choice(topologies())
    draw = Draw(f"{seed}/{topology.name}", topology, family)
    tracked = draw.chance(90)
    rules = RandomRules(draw, NOT_DRAWN if tracked else {*NOT_DRAWN, *_TRACKERS}, tracked=tracked)
    lines = rules.ruleset().split("\n")
    sets = rules.sets()
    text, ruleset = _read(lines, family)
    named = "--match-set" in text or "-j SET" in text
    packets = RandomPackets(draw, fragments=_HELD if tracked or conntrack_in_use(ruleset) else _SEEN)
    return Case(seed, topology, text, ruleset, sets if named else "", packets)


def _read(lines: list[str], family: Family) -> tuple[str, Ruleset]:
    """Return text and rules without the lines that are refused when they are read."""
    while True:
        text = "\n".join(lines)
        try:
            return text, parse(text, family=family)
        except InputError as error:
            refused = {found.span.line for found in error.diagnostics if found.span is not None}
            if not refused:
                raise
            lines = [line for number, line in enumerate(lines, 1) if number not in refused]
