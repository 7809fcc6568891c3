"""Excerpts of kube-proxy's rules: the jumps that always lead to them are taken as there, and said."""

from __future__ import annotations

import pytest

from iptc_sim.api import trace
from iptc_sim.engine.outcomes import outcomes
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax import parse
from tests.kube import corpus

FLOWS = {
    "tcp 10.244.0.9:33000 -> 10.96.0.20:80 in cni0": "PREROUTING",
    "tcp 192.168.0.2:33000 -> 10.96.0.20:80 from host": "OUTPUT",
}


def _nat(keep: str) -> Ruleset:
    """Return lines of a node's nat, as ``iptables -t nat -S | grep`` prints them."""
    text = (corpus.FOLDER / "clusterip.save").read_text().partition("*nat\n")[2]
    return parse("".join(line for line in text.splitlines(keepends=True) if line.startswith(keep)), table="nat")


def _ends(rules: Ruleset, flow: str, *, as_is: bool = False) -> set[tuple[str, str]]:
    found = outcomes(trace(rules, flow, as_is=as_is))
    return {(str(one.odds), str(one.destination)) for one in found}


@pytest.mark.corpora
@pytest.mark.skipif(not corpus.NAMES, reason=f"no corpora in {corpus.FOLDER}")
@pytest.mark.parametrize("flow", FLOWS)
def test_the_jumps_are_taken_as_there(flow: str) -> None:
    excerpt, whole = _nat("-A KUBE"), _nat("-A ")
    assert _ends(excerpt, flow) == _ends(whole, flow)
    assert len(_ends(excerpt, flow)) > 1
    said = " ".join(trace(excerpt, flow).assumptions)
    assert f"without nat {FLOWS[flow]}: kube-proxy's jump to KUBE-SERVICES is taken as there" in said
    assert "KUBE-SERVICES" not in " ".join(trace(whole, flow).assumptions)
    assert len(_ends(excerpt, flow, as_is=True)) == 1
