"""What counts as a difference, told by traces of the kernel that are written down here; no kernel is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

import pytest

from iptc_sim.connection import Flow
from iptc_sim.engine import Session
from iptc_sim.kernel import Arrival, Headers, Hit, KernelTrace, Passage, Stage, Walk
from iptc_sim.moment import Hook
from iptc_sim.node import Node, Route
from iptc_sim.steps import End, Trace
from iptc_sim.syntax import parse
from iptc_sim.values import Prefix
from iptc_sim.verify import Divergence, compare
from iptc_sim.verify.compare import Terms
from iptc_sim.verify.report import divergence_text
from iptc_sim.verify.way import way_of
from tests.kernel.scenario import tcp

_RULES = """*filter
:FORWARD ACCEPT [0:0]
-A FORWARD -p udp -j DROP
-A FORWARD -p tcp -j MARK --set-xmark 0x7/0xffffffff
COMMIT
"""
_NODE = Node.of(
    {"eth0": ["192.0.2.10/24"], "eth1": ["10.0.0.1/24"]},
    [Route(Prefix.parse("0.0.0.0/0"), "eth0", ip_address("192.0.2.1"))],
)
_PACKET = tcp("10.0.0.5:33000", "198.51.100.7:80", "eth1")
_ENTRY = Headers("eth1", None, ip_address("10.0.0.5"), ip_address("198.51.100.7"), 33000, 80, 0, 64, 1)
_FORWARD = replace(_ENTRY, out_interface="eth0", ttl=63)
_MARKED = replace(_FORWARD, mark=7)
_HITS = (Hit("filter", "FORWARD", "rule", "CONTINUE", None, "", 2), Hit("filter", "FORWARD", "policy", "ACCEPT"))


def _trace() -> Trace:
    return Session(parse(_RULES), _NODE).send(Flow(_PACKET))


def _seen() -> KernelTrace:
    stage = Stage("filter", "FORWARD", _FORWARD, _HITS)
    walk = Walk(
        (
            Passage(Hook.PREROUTING, _ENTRY, (), _ENTRY),
            Passage(Hook.FORWARD, _FORWARD, (stage,), _MARKED),
            Passage(Hook.POSTROUTING, _MARKED, (), _MARKED),
        )
    )
    left = replace(_PACKET, in_interface=None, out_interface="eth0", ttl=63)
    return KernelTrace(_PACKET, (walk,), (Arrival("eth0", left, 1),))


def _compare(seen: KernelTrace) -> End | Divergence:
    return compare(_trace(), seen, Terms(parse(_RULES), states=False))


def _with(number: int, **changes: object) -> KernelTrace:
    seen = _seen()
    passages = list(seen.walks[0].passages)
    passages[number] = replace(passages[number], **changes)  # type: ignore[arg-type]
    return replace(seen, walks=(Walk(tuple(passages)),))


def _other_hits(*hits: Hit) -> KernelTrace:
    return _with(1, stages=(Stage("filter", "FORWARD", _FORWARD, hits),))


def test_the_same_way_is_the_same() -> None:
    assert isinstance(_compare(_seen()), End)


@pytest.mark.parametrize(
    ("change", "place", "ours", "theirs"),
    [
        (lambda: _with(0, begin=replace(_ENTRY, mark=1)), "PREROUTING begins: the mark", "0x0", "0x1"),
        (lambda: _with(1, begin=replace(_FORWARD, ttl=64)), "FORWARD begins: the ttl", "63", "64"),
        (lambda: _with(1, end=_FORWARD), "FORWARD ends: the mark", "0x7", "0x0"),
        (lambda: _with(1, end=None), "FORWARD ends", "gets through", "does not get to the end of it"),
        (lambda: _with(2, begin=replace(_MARKED, out_interface="eth1")), "POSTROUTING begins: the out interface", "eth0", "eth1"),
        (lambda: _with(2, hook=Hook.INPUT), "hook 3 of the way", "POSTROUTING", "INPUT"),
        (lambda: _other_hits(_HITS[1]), "FORWARD, hit 1", "filter:FORWARD:2 CONTINUE", "filter:FORWARD:policy ACCEPT"),
        (lambda: _other_hits(_HITS[0]), "FORWARD, hit 2", "filter:FORWARD:policy ACCEPT", "nothing more"),
        (lambda: replace(_seen(), arrivals=()), "fate", "forward", "did not leave the node"),
    ],
)  # fmt: skip
def test_each_difference_is_told_with_both_sides(
    change: Callable[[], KernelTrace], place: str, ours: str, theirs: str
) -> None:
    found = _compare(change())
    assert isinstance(found, Divergence)
    assert found.difference.place == place
    assert found.difference.ours.startswith(ours)
    assert found.difference.theirs.startswith(theirs)
    text = divergence_text(found)
    assert f"differs    {place}\n" in text


def test_a_base_chain_that_only_the_harness_has_does_not_count() -> None:
    more = (*_HITS, Hit("mangle", "FORWARD", "policy", "ACCEPT"))
    assert isinstance(_compare(_other_hits(*more)), End)


def test_one_of_several_branches_is_enough() -> None:
    rules = _RULES.replace("-p tcp -j MARK", "-p tcp -m statistic --mode random --probability 0.5 -j MARK")
    trace = Session(parse(rules), _NODE).send(Flow(_PACKET))
    assert len(trace.ends) == 2
    for seen in (_seen(), _unmarked()):
        assert isinstance(compare(trace, seen, Terms(parse(rules), states=False)), End)


def _unmarked() -> KernelTrace:
    seen = _other_hits(_HITS[1])
    passages = [replace(one, end=replace(one.end, mark=0) if one.end else None, begin=replace(one.begin, mark=0))
                for one in seen.walks[0].passages]  # fmt: skip
    return replace(seen, walks=(Walk(tuple(passages)),))


def test_a_rule_that_may_match_and_changes_nothing_may_be_hit_or_not() -> None:
    rules = _RULES.replace("-p udp -j DROP", "-m cpu --cpu 0 -j LOG")
    trace = Session(parse(rules), _NODE).send(Flow(_PACKET))
    (end,) = trace.ends
    assert [hit.maybe for hit in way_of(trace, end)[1].hits] == [True, False, False]
    logged = Hit("filter", "FORWARD", "rule", "CONTINUE", None, "", 1)
    for seen in (_seen(), _other_hits(logged, *_HITS)):
        assert isinstance(compare(trace, seen, Terms(parse(rules), states=False)), End)
