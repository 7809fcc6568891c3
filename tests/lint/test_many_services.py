"""Dumps of large clusters: nothing is said of kube-proxy's rules, and what people add to them is seen."""

from __future__ import annotations

import pytest

from iptc_sim.diagnostics import SourceFile
from iptc_sim.lint import lint
from iptc_sim.syntax import parse
from tests.bench.dumps import dump

_OWN = """\
-A PREROUTING -s 198.51.100.0/24 -j RETURN
-A PREROUTING -s 198.51.100.7/32 -p tcp -j RETURN
"""
_JUMP = '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\n'


@pytest.mark.parametrize("services", [60, 700])  # from 2,000 chains on those of Services are not looked into
def test_kube_proxy_and_two_rules_of_a_person(services: int) -> None:
    text = dump(services, 3)
    assert lint(parse(SourceFile("node.save", text))) == ()
    before, after = text.replace(_JUMP, _OWN + _JUMP), text.replace(_JUMP, _JUMP + _OWN)
    assert before != text
    for changed in (before, after):
        (one,) = lint(parse(SourceFile("node.save", changed)))
        assert one.spot is not None
        assert (one.code, one.spot.table, one.spot.chain) == ("IPT100", "nat", "PREROUTING")


def test_an_uneven_service_is_found_among_many() -> None:
    text = dump(700, 3)
    place = text.index("--probability 0.333")
    changed = text[:place] + text[place:].replace("--probability 0.333", "--probability 0.233", 1)
    (one,) = lint(parse(SourceFile("node.save", changed)))
    assert (one.code, str(one.diagnostic.severity)) == ("IPT110", "warning")
