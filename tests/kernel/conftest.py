"""Kernel tests run under both back ends, and are skipped with the reason where the machine can't."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from iptc_sim.kernel import KernelTrace, requirements
from tests.kernel.scenario import Scenario, ask_kernel


@pytest.fixture(params=["nft", "legacy"])
def variant(request: pytest.FixtureRequest) -> str:
    """The back end to load rules into."""
    name = str(request.param)
    if reason := requirements(name):
        pytest.skip(reason)
    return name


@pytest.fixture
def ask(variant: str) -> Callable[[Scenario], KernelTrace]:
    """Ask the kernel about a scenario."""
    return lambda scenario: ask_kernel(scenario, variant)
