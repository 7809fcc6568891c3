"""Large rulesets are compared in parts and slices: small ones treated so must get no other answer."""

from __future__ import annotations

from random import Random

import pytest

from iptc_sim.behaviour import slices
from iptc_sim.behaviour.answer import Verdict
from iptc_sim.behaviour.differ import differ
from iptc_sim.behaviour.endings import endings
from iptc_sim.behaviour.keyed import keyed_tables
from iptc_sim.engine import explore
from iptc_sim.flows import parse_flow
from iptc_sim.node import Node
from iptc_sim.steps import RuleStep, Trace
from iptc_sim.syntax import parse
from tests.behaviour.mutate import Small, mutated, taken
from tests.bench.behaviour import CHANGES
from tests.bench.dumps import dump

HOSTS = ("10.0.0.5", "10.0.0.9", "192.0.2.7", "198.51.100.7")
#: Gives the random rules destinations that they can be looked up by.
PLAIN = {"10.0.0.0/24": "10.0.0.9/32", "198.51.100.0/24": "198.51.100.7/32", "192.0.2.0/25": "192.0.2.7/32"}


def keyed(text: str) -> str:
    for network, host in PLAIN.items():
        text = text.replace(f"-d {network}", f"-d {host}")
    return text


@pytest.mark.parametrize("seed", range(40))
def test_same_answer(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    a = keyed(taken(Small(random).text()))
    how, b = mutated(a, random)
    whole = differ(parse(a), parse(b)).verdict
    assert whole is not Verdict.UNDECIDED
    monkeypatch.setattr(slices, "SMALL", 0)
    few = differ(parse(a), parse(b))
    assert few.verdict is whole, (how, few.undecided, a, b)
    monkeypatch.setattr(slices, "LARGE", 0)
    parts = differ(parse(a), parse(b))
    assert parts.verdict in {whole, Verdict.UNDECIDED}, (how, parts.undecided, a, b)


@pytest.mark.parametrize("name", CHANGES)
def test_kube(name: str) -> None:
    """500 Services: what changed is found where it is, and in nothing else."""
    a = dump(500, 3)
    b = CHANGES[name](a) if name != "one probability" else a.replace("0.50000000000", "0.40000000000", 1)
    found = differ(parse(a), parse(b))
    same = name in {"the same", "reordered"}
    assert found.verdict is (Verdict.EQUIVALENT if same else Verdict.DIFFERENT), found.undecided
    if not same:
        assert all("10." in key for item in found.classes for key in item.keys)


def test_what_is_undecided_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "LARGE", 0)
    other = "-A FORWARD -d 10.0.0.9/32 -j ACCEPT\n"
    a, b = (
        parse(f"*filter\n:FORWARD ACCEPT\n{other * number}-A FORWARD -d 10.0.0.5/32 -j {gone}\n{other}COMMIT\n")
        for number, gone in ((2, "GONE"), (3, "AWAY"))
    )
    places = {item.why.split()[1]: item.places for item in differ(a, b).undecided}
    assert places == {"GONE": ("filter FORWARD rule 3",), "AWAY": ("filter FORWARD rule 4",)}


@pytest.mark.parametrize("destination", ["10.96.0.5:80", "10.96.1.44:80", "192.0.0.3:80", "10.96.0.5:81"])
def test_a_slice_does_the_same(destination: str) -> None:
    rules = parse(dump(500, 3))
    node = Node.of({"eth0": ["192.0.2.10/24"], "cni0": ["10.128.0.1/9"]})
    flow = parse_flow(f"tcp 10.128.3.3:40000 -> {destination} in cni0")
    address, _, port = destination.partition(":")
    part = slices.Slicer(rules, keyed_tables(rules)).part([(address, "tcp", port)])
    assert sum(1 for _ in part.ruleset.rules()) < 60
    whole, sliced = explore(rules, flow, node), part.numbered(explore(part.ruleset, flow, node))
    assert endings(whole) == endings(sliced)
    assert [end.decided_by for end in whole.ends] == [end.decided_by for end in sliced.ends]
    assert matched(whole) == matched(sliced)


def matched(trace: Trace) -> list[list[tuple[str, str, int]]]:
    """Return the rules that fit, by their numbers, end by end."""
    return [
        [
            (step.table, step.chain, step.number)
            for step in trace.steps(end)
            if isinstance(step, RuleStep) and step.matched
        ]
        for end in trace.ends
    ]
