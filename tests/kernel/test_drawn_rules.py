"""Rules drawn from the declarations mean to iptables what they mean to us: taken or refused, and printed alike."""

from __future__ import annotations

import pytest

from iptc_sim.kernel import requirements
from iptc_sim.kernel.errors import KernelError
from iptc_sim.values import Family, Variant
from tests.drawn.judge import Iptables, Tally
from tests.drawn.rules import extensions
from tests.kernel.drawn import batches

pytestmark = pytest.mark.kernel
#: Rules of both families: eight with each extension (three with iptables-legacy), beside those where it keeps company.
COUNT = {Variant.NFT: 1500, Variant.LEGACY: 500}


@pytest.fixture(scope="module", params=list(Variant))
def tally(request: pytest.FixtureRequest) -> Tally:
    """The comparison of all rules."""
    variant: Variant = request.param
    if reason := requirements(variant):
        pytest.skip(reason)
    try:
        with Iptables(Family.IPV4, variant):
            pass
    except KernelError as error:
        pytest.skip(str(error))
    found = Tally()
    for family, batch in batches(COUNT[variant], seed=1):
        found.compare(family, variant, batch)
    return found


def test_iptables_says_the_same(tally: Tally) -> None:
    assert not tally.differences, "\n".join(map(str, tally.differences[:5]))


def test_dumps_are_the_same(tally: Tally) -> None:
    assert not tally.dumps, "\n".join(tally.dumps[:20])


def test_most_rules_are_taken(tally: Tally) -> None:
    assert tally.accepted > 0.85 * (tally.accepted + tally.refused)
    assert tally.refused


def test_every_extension_is_drawn(tally: Tally) -> None:
    assert set(tally.counts) == {(family, item.NAME) for family in Family for item in extensions(family)}
