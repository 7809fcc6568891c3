"""Commands of a restore line, counters and -4/-6: what iptables-nft-restore 1.8.9 answered to each of these lines."""

from __future__ import annotations

import pytest

from iptc_sim.ruleset import Counters
from iptc_sim.syntax.lines import CommandLine, EmptyLine, RuleLine
from iptc_sim.syntax.plan import RulePlan
from iptc_sim.syntax.shapes import ShapeCache
from iptc_sim.syntax.words import LineError
from iptc_sim.values import Family


def read(text: str) -> object:
    return ShapeCache(Family.IPV4, strict=True).read(text, (None, 1))


@pytest.mark.parametrize(
    ("text", "command", "number", "rules"),
    [
        ("-j ACCEPT -A INPUT", "-A", 0, 1),
        ("! -s 1.2.3.4 -A INPUT", "-A", 0, 1),
        ("--app INPUT -j ACCEPT", "-A", 0, 1),
        ("-AINPUT -j ACCEPT", "-A", 0, 1),
        ("--append=INPUT -j ACCEPT", "-A", 0, 1),
        ("-vA INPUT -j ACCEPT", "-A", 0, 1),
        ('"-A" INPUT', "-A", 0, 1),
        ("-4 -A INPUT", "-A", 0, 1),
        ("--ins INPUT -j ACCEPT", "-I", 0, 1),
        ("-I INPUT 2 -j ACCEPT", "-I", 2, 1),
        ("-I INPUT +1", "-I", 1, 1),
        ("-I INPUT 0x1", "-I", 1, 1),
        ("-I INPUT 1 -s 1.1.1.1,2.2.2.2 -d 3.3.3.3,4.4.4.4", "-I", 1, 4),
        ("-D INPUT -j ACCEPT", "-D", 0, 1),
        ("-D INPUT 1", "-D", 1, 0),
        ("-D INPUT 1 -v", "-D", 1, 0),
        ("-D INPUT 1 -m comment --comment x", "-D", 1, 0),
        ("-D INPUT 1 -6", "-D", 1, 0),
        ("-R INPUT 1 -j ACCEPT", "-R", 1, 1),
        ("-C INPUT -j ACCEPT", "-C", 0, 1),
        ("[1:2]-A INPUT", "-A", 0, 1),
        ("[1:2]-j ACCEPT -A INPUT", "-A", 0, 1),
        ("[1:2] -D INPUT 3", "-D", 3, 0),
    ],
)
def test_commands_about_rules(text: str, command: str, number: int, rules: int) -> None:
    item = read(text)
    assert isinstance(item, RuleLine)
    assert (item.chain, item.command, item.number, len(item.rules)) == ("INPUT", command, number, rules)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("-N BAR", CommandLine("-N", "BAR")),
        ("-N BAR -v", CommandLine("-N", "BAR")),
        ("-N BAR -6", CommandLine("-N", "BAR")),
        ("[1:2] -N BAR", CommandLine("-N", "BAR")),
        ("-X", CommandLine("-X")),
        ("-X FOO", CommandLine("-X", "FOO")),
        ("-F", CommandLine("-F")),
        ("--flush=INPUT", CommandLine("-F", "INPUT")),
        ("-FINPUT", CommandLine("-F", "INPUT")),
        ("-F -m comment --comment x", CommandLine("-F")),
        ('-P "INPUT" "DROP"', CommandLine("-P", "INPUT", "DROP")),
        ("-P INPUT DROP -c 5 6", CommandLine("-P", "INPUT", "DROP", Counters(5, 6))),
        ("-P INPUT DROP -6", CommandLine("-P", "INPUT", "DROP")),
        ("-E FOO BAR", CommandLine("-E", "FOO", "BAR")),
        ("-Z INPUT 1", CommandLine("-Z", "INPUT", number=1)),
        ("-L -Z", CommandLine("-Z")),
        ("-Z -S", CommandLine("-Z")),
        ("-L INPUT 1 -n -v -x --line-numbers", CommandLine("-L", "INPUT", number=1)),
        ("-S INPUT", CommandLine("-S", "INPUT")),
    ],
)
def test_commands_about_chains(text: str, wanted: CommandLine) -> None:
    assert read(text) == wanted


@pytest.mark.parametrize(
    "text", ["-6", "-6 -A NOCHAIN", "--ipv6 bogus", "-A NOCHAIN -6", "-A INPUT ! -6", "-C INPUT -6"]
)
def test_rules_of_the_other_family_are_skipped(text: str) -> None:
    assert read(text) == EmptyLine()


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("-A INPUT -A INPUT", 2), ("-A INPUT -D INPUT", 2), ("-F -X", 1), ("-L -S", 1), ("-L -L", 1), ("-Z -Z", 1),
        ("-j ACCEPT", 0), ("[1:2]", 0), ("! -A INPUT", 1), ("-A INPUT 1 -j ACCEPT", 2),
        ("-A INPUT -n", 2), ("-A INPUT -x", 2), ("-A INPUT --line", 2), ("-D INPUT -c 1 2", 2), ("-C INPUT -c 1 2", 2),
        ("-I INPUT 0", 2), ("-I INPUT x", 2), ("-I INPUT -1", 2), ("-I INPUT 1 2", 3), ('-I INPUT "" -j ACCEPT', 2),
        ("-I INPUT 99999999999", 2), ("-R INPUT", 2), ("-R INPUT -j ACCEPT", 2), ("-R INPUT 1 -s 1.1.1.1,2.2.2.2", 1),
        ("-R INPUT 1 -6", 0), ("-D INPUT 1 -j ACCEPT", 3), ("-D INPUT 1 -s 1.2.3.4", 3), ("-D INPUT 1 -c 1 2", 3),
        ("-N", 1), ("-N BAR x", 2), ("-N BAR -j ACCEPT", 2), ("-N BAR -n", 2), ("-N BAR -c 5 6", 2),
        ("-X FOO x", 2), ("-X -j ACCEPT", 1), ("-F INPUT INPUT", 2), ("-F -c 5 6", 1), ("-F -m nosuch", 2),
        ("-P INPUT", 2), ("-P INPUT -c 5 6 DROP", 2), ("-P INPUT DROP x", 3), ("-P INPUT DROP -j ACCEPT", 3),
        ("-P INPUT DROP -i eth0", 3), ("-E FOO", 2), ("-E FOO BAR -c 1 2", 3), ("-S -n", 1), ("-L -p tcp", 1),
        ("-L -c 5 6", 1), ("-Z -n", 1), ("-L INPUT x", 2), ("-L INPUT 1 2", 3),
        ("bogus -6", 0), ("--ipv -A INPUT", 0), ("-A INPUT -h", 2), ("-A INPUT -V", 2),
    ],
)  # fmt: skip
def test_commands_that_iptables_refuses(text: str, index: int) -> None:
    with pytest.raises(LineError) as caught:
        read(text)
    assert caught.value.index == index, caught.value.message


@pytest.mark.parametrize(
    ("text", "counters"),
    [
        ("-A INPUT -c 5 6", Counters(5, 6)),
        ("-A INPUT -c 5,6", Counters(5, 6)),
        ("-A INPUT -c5,6", Counters(5, 6)),
        ("-A INPUT --set-counters=5 6", Counters(5, 6)),
        ("-A INPUT -c 5x 6y", Counters(5, 6)),
        ("-A INPUT -c 5,6,7", Counters(5, 6)),
        ("[1:2] -A INPUT", Counters(1, 2)),
        ("[ 1:2 ] -A INPUT", Counters(1, 2)),
        ("[99999999999999999999999:2] -A INPUT", Counters((1 << 64) - 1, 2)),
        ("[a:b] -A INPUT", None),
        ("[5:] -A INPUT", None),
    ],
)
def test_counters(text: str, counters: Counters | None) -> None:
    item = read(text)
    assert isinstance(item, RuleLine)
    assert item.rules[0].counters == counters


@pytest.mark.parametrize(
    "text",
    [
        "-A INPUT -c 5", "-A INPUT -c x 6", "-A INPUT -c 5 x", "-A INPUT -c 5 -6", "-A INPUT -c 5,", "-A INPUT -c ,5",
        '-A INPUT -c "" 5', "-A INPUT -c 1 2 -c 3 4", "-A INPUT -c 5,6 7",
        "[5] -A INPUT", "[1:2 -A INPUT", "[:5] -A INPUT", "[] -A INPUT", " [1:2] -A INPUT", "[1:2] [1:2] -A INPUT",
    ],
)  # fmt: skip
def test_counters_that_iptables_refuses(text: str) -> None:
    with pytest.raises(LineError):
        read(text)


def test_a_plan_tells_where_the_interfaces_stand() -> None:
    cache = ShapeCache(Family.IPV4)
    cache.read("-A FOO ! -i eth0 -o eth1 -j ACCEPT", (None, 1))
    assert cache.last is not None
    plan: RulePlan = cache.last.plan
    assert (plan.in_interface, plan.out_interface) == (3, 5)
