"""Whole restore texts drawn at random: iptables-restore takes and refuses the same, names the same line, and saves it."""

from __future__ import annotations

import pytest

from iptc_sim.kernel import requirements
from iptc_sim.values import Variant
from tests.kernel.loading import difference

pytestmark = pytest.mark.kernel
COUNT = 150


@pytest.mark.parametrize("variant", Variant)
def test_texts_load_alike(variant: Variant) -> None:
    if reason := requirements(variant):
        pytest.skip(reason)
    found = [difference(seed, variant) for seed in range(COUNT)]
    assert [text for text, _ in found if text] == []
    taken = sum(is_taken for _, is_taken in found)
    assert COUNT / 5 < taken < COUNT * 4 / 5
