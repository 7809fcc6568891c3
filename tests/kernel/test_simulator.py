"""The simulator's walk beside the kernel's: every hit, the headers that leave, and the fate."""

from __future__ import annotations

import pytest

from iptc_sim.api import trace
from iptc_sim.kernel import KernelTrace
from iptc_sim.packet import Packet
from iptc_sim.steps import End, Fate, PolicyStep, RuleStep, Trace
from iptc_sim.syntax import parse
from iptc_sim.target import Accept, Drop, Goto, Jump, Reject, Return, Translate
from iptc_sim.values import UNKNOWN
from tests.kernel.scenario import Scenario, ask_kernel
from tests.kernel.scenarios import KUBE_SERVICE, SCENARIOS

pytestmark = pytest.mark.kernel

HitText = tuple[str, str, int | None, str, str | None]


def simulated_hits(found: Trace, end: End) -> list[HitText]:
    """Return what the kernel's trace would show of a branch."""
    hits: list[HitText] = []
    for step in found.steps(end):
        if isinstance(step, RuleStep) and step.matched:
            verdict, chain = _verdict(step)
            hits.append((step.table, step.chain, step.number, verdict, chain))
        elif isinstance(step, PolicyStep):
            hits.append((step.table, step.chain, None, step.policy, None))
    return hits


def _verdict(step: RuleStep) -> tuple[str, str | None]:
    match step.action:
        case Jump(chain):
            return "JUMP", chain
        case Goto(chain):
            return "GOTO", chain
        case Accept() | Translate():
            return "ACCEPT", None
        case Drop() | Reject():
            return "DROP", None
        case Return():
            return "RETURN", None
        case _:
            return "CONTINUE", None


def kernel_hits(seen: KernelTrace) -> list[HitText]:
    return [(hit.table, hit.chain, hit.number, hit.verdict, hit.target_chain) for hit in seen.hits]


def agrees(found: Trace, end: End, seen: KernelTrace) -> bool:
    if simulated_hits(found, end) != kernel_hits(seen):
        return False
    if end.fate in {Fate.FORWARD, Fate.SENT}:
        return seen.arrival is not None and same_headers(end.packet, seen.arrival.packet, seen.arrival.interface)
    return seen.arrival is None


def same_headers(ours: Packet, theirs: Packet, interface: str) -> bool:
    pairs = [
        (ours.source, theirs.source),
        (ours.destination, theirs.destination),
        (ours.sport, theirs.sport),
        (ours.dport, theirs.dport),
        (ours.out_interface, interface),
    ]
    return all(one is UNKNOWN or one == other for one, other in pairs)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_walk_is_the_kernels(scenario: Scenario, variant: str) -> None:
    ruleset = parse(scenario.rules, family=scenario.packet.family)
    found = trace(ruleset, scenario.packet, scenario.node, as_is=True)
    seen = ask_kernel(scenario, variant)
    ours = [simulated_hits(found, end) for end in found.ends]
    assert any(agrees(found, end, seen) for end in found.ends), (ours, kernel_hits(seen), found.ends, str(seen))


def test_thirty_connections_to_a_service_end_where_the_odds_say(variant: str) -> None:
    found = trace(parse(KUBE_SERVICE.rules), KUBE_SERVICE.packet, KUBE_SERVICE.node)
    ways = {end.packet.destination_text: end for end in found.ends}
    assert sorted(ways) == ["172.17.0.4:8125", "172.17.0.5:8125", "172.17.0.6:8125"]
    reached = set()
    with KUBE_SERVICE.lab() as lab:
        lab.load(KUBE_SERVICE.rules, variant=variant)
        for port in range(30):
            packet = trace_packet(KUBE_SERVICE.packet, 33000 + port)
            seen = lab.inject(packet)
            assert seen.arrival is not None
            end = ways[seen.arrival.packet.destination_text]
            assert simulated_hits(found, end) == kernel_hits(seen)
            reached.add(end.packet.destination_text)
    assert len(reached) == 3  # each is missed by all thirty with a chance of (2/3)**30, five in a million


def trace_packet(packet: Packet, sport: int) -> Packet:
    return Packet(packet.source, packet.destination, packet.protocol, sport, packet.dport, packet.flags,
                  in_interface=packet.in_interface)  # fmt: skip
