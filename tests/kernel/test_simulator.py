"""The simulator's walk beside the kernel's, for every scenario: hits, headers, marks, entry and fate."""

from __future__ import annotations

import pytest

from iptc_sim.connection import Flow
from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.syntax import parse
from iptc_sim.values import Variant
from iptc_sim.verify import Divergence, Verifier
from iptc_sim.verify.report import divergence_text
from tests.kernel.scenario import Scenario
from tests.kernel.scenarios import KUBE_SERVICE, SCENARIOS

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_walk_is_the_kernels(scenario: Scenario, variant: str) -> None:
    ruleset = parse(scenario.rules, family=scenario.packet.family)
    with Verifier(scenario.node, Variant(variant)) as verifier:
        verifier.load(ruleset, scenario.rules)
        for _ in range(2):  # the second packet of the flow meets its entry
            found = verifier.send(Flow(scenario.packet))
            assert not isinstance(found, Divergence), divergence_text(found)


def test_thirty_connections_to_a_service_end_where_the_odds_say(variant: str) -> None:
    reached = set()
    with Verifier(KUBE_SERVICE.node, Variant(variant)) as verifier:
        verifier.load(parse(KUBE_SERVICE.rules), KUBE_SERVICE.rules)
        for port in range(33000, 33030):
            found = verifier.send(Flow(_from_port(KUBE_SERVICE.packet, port)))
            assert not isinstance(found, Divergence), divergence_text(found)
            reached.add(found[0].packet.destination_text)
    # Each is missed by all thirty with a chance of (2/3)**30, five in a million.
    assert reached == {"172.17.0.4:8125", "172.17.0.5:8125", "172.17.0.6:8125"}


def _from_port(packet: Packet, sport: int) -> Packet:
    return replace(packet, sport=sport)
