"""Rules that go beyond what lint can follow: nothing is said of them, and nothing breaks."""

from __future__ import annotations

from functools import partial

import pytest

from iptc_sim.lint import lint
from iptc_sim.lint.space import Space
from tests.lint.found import findings, read, table, told
from tests.lint.test_nat import docker

SHADOWED = ("-A INPUT -s 10.0.0.0/8 -j DROP", "-A INPUT -s 10.1.0.0/16 -j ACCEPT")


def nested(depth: int) -> str:
    """Chains that call one another so deep, behind a rule that is shadowed, and one that is there twice at the end."""
    jumps = [f"-A c{number} -p tcp -j c{number + 1}" for number in range(depth)]
    end = f"-A c{depth} -p tcp -j ACCEPT"
    chains = [f"c{number}" for number in range(depth + 1)]
    return table(*SHADOWED, "-A INPUT -j c0", *jumps, end, end, chains=chains)


def test_deep_chains() -> None:
    assert told(nested(90)) == ["IPT100 INPUT 2 because 1", "IPT103 c90 2 because 1"]
    assert told(nested(2_000)) == ["IPT108 INPUT 0", "IPT103 c2000 2 because 1"]


def test_growth_of_deep_chains() -> None:
    found = lint(read(nested(2_000)), since=read(table("-A INPUT -j ACCEPT")), codes={"IPT118"})
    assert [one.diagnostic.message for one in found][-1] == (
        "the longest walk of a packet through filter INPUT: 1 -> 2005 rules"
    )


def test_too_many_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the nodes run out, what is still told is part of what is told with all of them."""
    text = docker("-A INPUT -p tcp --dport 22 -j ACCEPT", *SHADOWED, INPUT="DROP", FORWARD="DROP")
    whole = {str(one) for one in findings(text)}
    assert len(whole) > 1
    counts = set()
    for budget in range(0, 500, 20):
        monkeypatch.setattr("iptc_sim.lint.machine.Space", partial(Space, budget=budget))
        some = {str(one) for one in findings(text)}
        left = {one for one in some if "IPT108" in one}
        assert some - left <= whole, budget
        assert left or some == whole, budget
        counts.add(len(some - left))
    assert counts >= {0, len(whole)}
