"""Random rulesets and packets: the simulator's walk is the kernel's. ``tests.kernel.fuzz`` does the same at length."""

from __future__ import annotations

import pytest

from iptc_sim.kernel import Lab
from tests.kernel.fuzz import divergences
from tests.kernel.scenario import ROUTER, ROUTER_ROUTES

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_no_divergence(first: int, variant: str) -> None:
    with Lab(ROUTER, ROUTER_ROUTES, reader="netlink") as lab:
        wrong = [text for seed in range(first, first + 20) for text in divergences(lab, seed, variant)]
    assert wrong == []
