"""Where packets end under kube-proxy's rules: the packet flow cases of its own tests on every release, and the corpora's dumps."""

from __future__ import annotations

from fractions import Fraction

import pytest

from iptc_sim.steps import Trace
from tests.kube import corpus
from tests.kube.packet_flow_cases import BASIC, LATER, NODE_PORTS, POLICIES, TERMINATING
from tests.kube.packet_flow_releases import CHANGED, EXT_RELEASES, LATER_RELEASES, XLB, XLB_RELEASES
from tests.kube.packet_flow_tables import CORPUS, MASQUERADE, TOPOLOGY
from tests.kube.packet_flows import Case, Flow, follow, said_of, shares

#: Kinds of cases, and the releases whose outcomes are stated.
CASES = (
    ((*BASIC, *POLICIES, *TERMINATING, *MASQUERADE, *TOPOLOGY, *CHANGED), EXT_RELEASES),
    ((*LATER, *NODE_PORTS), LATER_RELEASES),
    (XLB, XLB_RELEASES),
)

#: kube-proxy writes chances with ten decimals, up to 1.16 with five.
ROUNDING = Fraction(1, 10**9)
COARSE = Fraction(1, 10**5)


def wrong(case: Case, flow: Flow, *, fresh: bool = True) -> str:
    """Return what is wrong about a flow; empty for nothing."""
    found = follow(case, flow, fresh=fresh)
    said, expected = said_of(found), flow.full or flow.stated
    if said != expected:
        return f"{flow.name}: {said}, not {expected}"
    # Without a history sticky clients have no odds.
    coarse = case.settings.kube_proxy.probability_digits < 10
    return "" if not fresh or is_fair(found, COARSE if coarse else ROUNDING) else f"{flow.name}: {shares(found)}"


def is_fair(found: Trace, rounding: Fraction) -> bool:
    """Whether every endpoint has the same share."""
    each = shares(found)
    known = [odds for odds in each.values() if odds is not None]
    return (
        len(known) == len(each)
        and sum(known) == 1
        and all(abs(odds - Fraction(1, len(each))) < rounding for odds in known)
    )


@pytest.mark.parametrize(
    "case",
    [case.at(minor) for cases, releases in CASES for case in cases for minor in releases],
    ids=lambda case: case.name,
)
def test_flows_end_as_kube_proxys_tests_say(case: Case) -> None:
    assert not [*filter(None, (wrong(case, flow) for flow in case.flows()))]
    if case.settings.release == "1.28":
        assert not [*filter(None, (wrong(case, flow, fresh=False) for flow in case.flows()))]


@pytest.mark.corpora
@pytest.mark.skipif(not CORPUS, reason=f"no corpora in {corpus.FOLDER} (IPTC_CORPORA names another folder)")
@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_flows_end_as_in_the_saved_rules(case: Case) -> None:
    for fresh in (True, False):
        assert not [*filter(None, (wrong(case, flow, fresh=fresh) for flow in case.flows()))]
