"""Random rulesets and packets: the simulator's walk is the kernel's."""

from __future__ import annotations

import pytest

from iptc_sim.api import trace
from iptc_sim.kernel import Lab
from iptc_sim.node import Node
from iptc_sim.syntax import parse
from tests.kernel.random_rules import RandomRules
from tests.kernel.scenario import ROUTER, ROUTER_ROUTES
from tests.kernel.test_simulator import agrees, kernel_hits, simulated_hits

pytestmark = pytest.mark.kernel

_NODE = Node.of({name: list(addresses) for name, addresses in ROUTER.items()}, ROUTER_ROUTES)
_PACKETS = 6


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_no_divergence(first: int, variant: str) -> None:
    with Lab(ROUTER, ROUTER_ROUTES, reader="netlink") as lab:
        for seed in range(first, first + 20):
            drawn = RandomRules(seed)
            rules = drawn.ruleset()
            lab.load(rules, variant=variant)
            ruleset = parse(rules)
            for number in range(_PACKETS):
                packet = drawn.packet(20000 + 100 * number + seed)
                found = trace(ruleset, packet, _NODE, as_is=True)
                seen = lab.inject(packet, conntrack=False)
                ours = [simulated_hits(found, end) for end in found.ends]
                assert any(agrees(found, end, seen) for end in found.ends), (seed, rules, ours, kernel_hits(seen))
