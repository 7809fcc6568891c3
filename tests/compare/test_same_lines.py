"""Chains are compared by their lines first: the answer is that of a comparison by rule."""

from __future__ import annotations

import pytest

from iptc_sim.compare import diff
from iptc_sim.diagnostics import SourceFile
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax import parse
from iptc_sim.syntax.stored import StoredRules
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


def stored(text: str, counters: str = "") -> StoredRules:
    """The rules of chain A, behind so many others that rules of their shapes are not built when they are read."""
    shapes = ("-p tcp", "-p udp", '-m comment --comment "x"', "-s 10.0.0.1 -j DROP")
    before = "".join(f"{counters}-A INPUT {rule}\n" * 9 for rule in shapes)
    ruleset = parse(SourceFile("x", f"{HEAD}{before}{text}COMMIT\n"), family=Family.IPV4)
    chain = ruleset.chain("filter", "A")
    assert chain is not None
    assert isinstance(chain.rules, StoredRules)
    return chain.rules


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-A A -p tcp\n-A A -p udp\n", "-A A -p tcp\n-A A -p udp"),
        ("[1:2] -A A -p tcp\n[3:4] -A A -p udp\n" * 2, "-A A -p tcp\n-A A -p udp\n-A A -p tcp\n-A A -p udp"),
        ('-A A -m comment --comment "[1:2] x"\n-A A -p tcp\n', '-A A -m comment --comment "[1:2] x"\n-A A -p tcp'),
        ("", ""),
        ("-A A -p tcp\n-A INPUT\n-A A -p udp\n", None),
        ("-A A -p tcp\n# that was one\n-A A -p udp\n", None),
        ("-A A -p tcp\n-I A -p udp\n", None),
        ("-A A -p udp\n-D A 1\n", ""),
    ],
)
def test_text_of_a_chain(text: str, expected: str | None) -> None:
    assert stored(text, "[0:0] " if text.startswith("[") else "").text == expected


def test_rules_that_are_built_at_once_are_told_with_the_others() -> None:
    drops = [f"-A A -s 10.0.0.{number}/32 -j DROP" for number in range(20)]
    for lines in (["-A A -p tcp --dport 1", *drops], [*drops, "-A A -j LOG"], ["-A A -j LOG", *drops, "-A A -g A"]):
        assert stored("".join(f"{line}\n" for line in lines)).text == "\n".join(lines)
