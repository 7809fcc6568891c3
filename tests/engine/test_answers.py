"""``Situation.answers``: who knows what cannot be told decides the branch, ahead of what a branch assumes."""

from __future__ import annotations

import pytest

from iptc_sim.engine import explore
from iptc_sim.engine.situation import Situation
from iptc_sim.flows import parse_flow
from iptc_sim.match import Unclear
from iptc_sim.moment import Moment, Place
from iptc_sim.node import Node
from iptc_sim.steps import Fate
from iptc_sim.syntax import parse

RULES = parse(
    "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m set --match-set bad src -j DROP\n-A INPUT -m set ! --match-set bad src -j REJECT\nCOMMIT\n"
)
FLOW = parse_flow("tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0")
NODE = Node.of({"eth0": ["192.0.2.10/24"]})


@pytest.mark.parametrize(("listed", "fate"), [(True, Fate.DROP), (False, Fate.REJECT)])
def test_told(listed: bool, fate: Fate) -> None:
    places = []

    def answers(unclear: Unclear, at: Moment, place: Place) -> bool:
        assert at.packet.dport == 22
        places.append(place)
        return listed != unclear.negated

    assert explore(RULES, FLOW, Situation(NODE, answers=answers)).end.fate is fate
    assert places[0] == ("filter", "INPUT", 1)


def test_nobody_knows() -> None:
    both = {end.fate for end in explore(RULES, FLOW, Situation(NODE, answers=lambda *_: None)).ends}
    assert both == {end.fate for end in explore(RULES, FLOW, NODE).ends} == {Fate.DROP, Fate.REJECT}


def test_draws_are_not_asked_about() -> None:
    rules = parse(
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m statistic --mode random --probability 0.5 -j DROP\nCOMMIT\n"
    )
    found = explore(rules, FLOW, Situation(NODE, answers=lambda *_: True))
    assert [str(end.odds) for end in found.ends] == ["1/2", "1/2"]
