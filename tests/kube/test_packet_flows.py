"""Where packets end under kube-proxy's rules: the packet flow cases of its own tests, and the corpora's dumps."""

from __future__ import annotations

from fractions import Fraction

import pytest

from iptc_sim.steps import Trace
from tests.kube import corpus
from tests.kube.packet_flow_cases import BASIC, LATER, NODE_PORTS, POLICIES, TERMINATING
from tests.kube.packet_flow_tables import CORPUS, MASQUERADE, RELEASE_1_11, TOPOLOGY
from tests.kube.packet_flows import Case, Flow, follow, said_of, shares

CASES = (*BASIC, *POLICIES, *TERMINATING, *LATER, *NODE_PORTS, *MASQUERADE, *TOPOLOGY, *RELEASE_1_11)

#: kube-proxy writes chances with ten decimals.
ROUNDING = Fraction(1, 10**9)


def check(case: Case, flow: Flow) -> None:
    found = follow(case, flow)
    expected = flow.full or flow.stated
    assert said_of(found) == expected
    assert_fair(found)
    # Without a history the destinations are the same; only sticky clients have no odds then.
    assert said_of(follow(case, flow, fresh=False)) == expected


def assert_fair(found: Trace) -> None:
    """Every endpoint has the same share."""
    each = shares(found)
    known = [odds for odds in each.values() if odds is not None]
    assert len(known) == len(each)
    assert sum(known) == 1
    assert all(abs(odds - Fraction(1, len(each))) < ROUNDING for odds in known)


def params(cases: tuple[Case, ...]) -> list[object]:
    return [pytest.param(case, flow, id=f"{case.name}: {flow.name}") for case in cases for flow in case.flows()]


@pytest.mark.parametrize(("case", "flow"), params(CASES))
def test_flow_ends_as_kube_proxys_tests_say(case: Case, flow: Flow) -> None:
    check(case, flow)


@pytest.mark.corpora
@pytest.mark.skipif(not CORPUS, reason=f"no corpora in {corpus.FOLDER} (IPTC_CORPORA names another folder)")
@pytest.mark.parametrize(("case", "flow"), params(CORPUS))
def test_flow_ends_as_in_the_saved_rules(case: Case, flow: Flow) -> None:
    check(case, flow)
