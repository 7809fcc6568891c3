"""Chains are compared by their lines first: the answer is that of a comparison by rule."""

from __future__ import annotations

import pytest

from iptc_sim.compare import diff
from iptc_sim.diagnostics import SourceFile
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax import parse
from iptc_sim.values import Family

HEAD = "*filter\n:INPUT ACCEPT [0:0]\n:A - [0:0]\n"


def differ(one: str, other: str) -> bool:
    def read(text: str) -> Ruleset:
        return parse(SourceFile("x", f"{HEAD}{text}COMMIT\n"), family=Family.IPV4)

    chains = [read(text).chain("filter", "A") for text in (one, other)]
    by_line, by_rule = ([chain.rules if quick else tuple(chain.rules) for chain in chains if chain] for quick in (1, 0))
    assert (by_line[0] == by_line[1]) is (by_rule[0] == by_rule[1])
    found = bool(diff(read(one), read(other)))
    assert found is (by_rule[0] != by_rule[1])
    return found


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("-A A -s 10.0.0.1 -j DROP\n", "-A A -s 10.0.0.1 -j DROP\n", False),
        ("-A A -s 10.0.0.1 -j DROP\n", "-A A -s 10.0.0.1/32 -j DROP\n", False),
        ("-A A -s 10.0.0.1 -j DROP\n", "[5:300] -A A -s 10.0.0.1 -j DROP\n", False),
        ("-A A -s 10.0.0.1 -j DROP\n", "-A A -s 10.0.0.2 -j DROP\n", True),
        ("-A A -j DROP\n-A A -j DROP\n", "-A A -j DROP\n", True),
        ("-A A -p tcp\n-A A -p udp\n", "-A A -p udp\n-A A -p tcp\n", True),
        ("-A A -p tcp\n-A A -p udp\n", "-A A -p udp\n-I A -p tcp\n", False),
        ("-A A -p tcp\n", "-A A -p udp\n-R A 1 -p tcp\n", False),
        ("-A A -s 10.0.0.1,10.0.0.2 -j DROP\n", "-A A -s 10.0.0.1 -j DROP\n-A A -s 10.0.0.2 -j DROP\n", False),
        ("-A A -s 10.0.0.1,10.0.0.2 -j DROP\n", "-A A -s 10.0.0.1,10.0.0.2 -j DROP\n", False),
    ],
)
def test_lines_and_rules_agree(one: str, other: str, expected: bool) -> None:
    assert (differ(one, other), differ(other, one)) == (expected, expected)


def test_the_same_line_says_something_else_in_the_other_family() -> None:
    text = f"{HEAD}-A A -j REJECT\nCOMMIT\n"
    four, six = (parse(SourceFile("x", text), family=family) for family in Family)
    assert four.chain("filter", "A").rules != six.chain("filter", "A").rules  # type: ignore[union-attr]
