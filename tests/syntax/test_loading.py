"""Texts in which one command undoes another: the line that iptables-restore names is ours, too."""

from __future__ import annotations

import pytest

from iptc_sim.values import Variant
from tests.kernel.loading import by_us
from tests.kernel.loading_cases import NAMED, Named


@pytest.mark.parametrize("case", NAMED.values(), ids=NAMED)
def test_named_texts(case: Named) -> None:
    assert by_us(case.text, Variant.NFT).line == case.nft
    assert by_us(case.text, Variant.LEGACY).line == case.legacy
