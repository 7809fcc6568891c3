"""The packet flow cases of kube-proxy's tests in the kernel: it does what the trace says, rule by rule."""

from __future__ import annotations

import pytest

from iptc_sim.api import to_flow
from iptc_sim.kernel import Lab
from iptc_sim.syntax.write import write_save
from iptc_sim.verify import Divergence, compare
from iptc_sim.verify.compare import Terms
from iptc_sim.verify.report import divergence_text
from tests.kernel.scenario import table
from tests.kube.packet_flow_cases import BASIC, LATER, NODE_PORTS, POLICIES, TERMINATING
from tests.kube.packet_flow_releases import XLB
from tests.kube.packet_flow_tables import CORPUS, MASQUERADE
from tests.kube.packet_flows import Case, follow

pytestmark = pytest.mark.kernel

CASES = (
    *(case.at(28) for case in (*BASIC, *POLICIES, *TERMINATING, *LATER, *NODE_PORTS, *MASQUERADE)),
    *(case.at(minor) for case in XLB for minor in (11, 23)),
    *CORPUS,
)
NOTHING = "".join(table(name) for name in ("nat", "filter"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_kernel_goes_one_of_the_ways(case: Case, variant: str) -> None:
    family = case.settings.family
    rules = write_save(case.ruleset)
    with Lab(case.interfaces, case.routes, sysctls=case.sysctls, reader="netlink", quiet=True) as lab:
        lab.load(rules, family, variant)
        for number, flow in enumerate(case.flows()):
            lab.forget_connections(family)
            if number and "-m recent" in rules:
                # Lists are found by name, so those of rules that are replaced in one go are kept.
                lab.load(NOTHING, family, variant)
                lab.load(rules, family, variant)
            seen = lab.inject(to_flow(flow.text).packet, conntrack=False)
            found = follow(case, flow)
            terms = Terms(case.ruleset, verdicts=variant == "nft", states=False, answers=False, entries=False)
            same = compare(found, seen, terms)
            assert not isinstance(same, Divergence), (flow.name, divergence_text(same))
