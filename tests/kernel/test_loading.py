"""Whole restore texts: iptables-restore takes and refuses the same, names the same line, and saves it."""

from __future__ import annotations

import pytest

from iptc_sim.kernel import requirements
from iptc_sim.values import Variant
from tests.kernel.loading import by_iptables, compared, difference
from tests.kernel.loading_cases import NAMED, Named

pytestmark = pytest.mark.kernel
COUNT = 150


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("case", NAMED.values(), ids=NAMED)
def test_named_texts_load_alike(case: Named, variant: Variant) -> None:
    if reason := requirements(variant):
        pytest.skip(reason)
    assert by_iptables(case.text, variant).line == (case.nft if variant is Variant.NFT else case.legacy)
    assert compared(case.text, variant)[0] == ""


@pytest.mark.parametrize("variant", Variant)
def test_drawn_texts_load_alike(variant: Variant) -> None:
    if reason := requirements(variant):
        pytest.skip(reason)
    found = [difference(seed, variant) for seed in range(COUNT)]
    assert [text for text, _ in found if text] == []
    taken = sum(is_taken for _, is_taken in found)
    assert COUNT / 5 < taken < COUNT * 4 / 5
