"""Random pairs of rulesets: what is said of them is put to traces, packets and z3.

``IPTC_PAIRS=2000 IPTC_PACKETS=10000`` is the full run; the suite does a share of it.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from iptc_sim.behaviour.answer import Kind, Verdict
from iptc_sim.behaviour.confirm import answers_of
from iptc_sim.behaviour.differ import differ
from iptc_sim.behaviour.endings import endings, kinds
from iptc_sim.engine import explore
from iptc_sim.engine.situation import Situation
from iptc_sim.syntax import parse
from iptc_sim.values import Family
from tests.behaviour.attack import Attack, differs
from tests.behaviour.mutate import Small, drawn, mutated, taken

PAIRS = int(os.environ.get("IPTC_PAIRS", "60"))
PACKETS = int(os.environ.get("IPTC_PACKETS", "60"))


def has_all_extensions(seed: int) -> bool:
    """Whether the pair of a seed has extensions of all kinds; the others have few words."""
    return seed % 3 == 2


def pair(seed: int) -> tuple[str, str, str, Family]:
    """Return how B came to be, A, B and their family: a third has extensions of all kinds."""
    random = Random(seed)
    family = Family.IPV6 if seed % 12 == 5 else Family.IPV4
    text = drawn(seed, family) if has_all_extensions(seed) else Small(random, nat=seed % 3 == 1).text()
    a = taken(text, family)
    how, b = mutated(a, random, family)
    return how, a, b, family


@pytest.mark.parametrize("seed", range(PAIRS))
def test_pair(seed: int) -> None:
    how, a_text, b_text, family = pair(seed)
    a, b = (parse(text, family=family) for text in (a_text, b_text))
    found = differ(a, b, limit=6, budget=60_000)
    if found.verdict is Verdict.EQUIVALENT:
        attack = Attack((a_text, b_text), Random(seed), family)
        for _ in range(PACKETS):
            assert not differs(a, b, attack), (how, a_text, b_text)
    for item in found.classes:
        assert item.size > 0
        assert item.kinds
        assert kinds(item.ours, item.theirs) == item.kinds
        assert kinds(*map(endings, item.traces)) == item.kinds
    if found.verdict is Verdict.DIFFERENT:
        assert any(item.kinds != (Kind.ROUNDING,) for item in found.classes)
        shown = next((item for item in found.classes if not item.answers and item.flow.state is None), None)
        if shown is not None and shown.flow.packet.in_interface is not None and not shown.flow.packet.is_icmp:
            # Nothing of the comparison is left here but the packet and the machine.
            traces = [explore(rules, shown.flow, Situation(shown.node, answers=answers_of({}))) for rules in (a, b)]
            assert kinds(*map(endings, traces)), (how, shown.flow)


def test_share_that_is_decided() -> None:
    """Of pairs of few words all are decided."""
    verdicts = []
    for seed in range(40):
        random = Random(1000 + seed)
        a = taken(Small(random).text())
        _, b = mutated(a, random)
        verdicts.append(differ(parse(a), parse(b), limit=2).verdict)
    assert verdicts.count(Verdict.UNDECIDED) <= 2
    assert verdicts.count(Verdict.EQUIVALENT) > 8
    assert verdicts.count(Verdict.DIFFERENT) > 8
