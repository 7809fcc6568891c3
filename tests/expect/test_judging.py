"""Expectations against traces whose outcome follows from the rules by hand, from arithmetic, or from the seed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from iptc_sim.diagnostics import read_source
from iptc_sim.expect import Expected, judge
from iptc_sim.expect.asked import Asked
from iptc_sim.expect.values import ANY, read_chance, read_code, read_destination, read_mark, read_place
from iptc_sim.kube import Settings, load_cluster
from iptc_sim.kube.compiler import compile_text
from iptc_sim.kube.text import Spelling
from iptc_sim.node import Node
from iptc_sim.protocols import TCP
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import Fate
from iptc_sim.syntax import parse, read_rules
from iptc_sim.values import Family

NODE = Node.of({"eth0": ["192.0.2.10/24"], "eth1": ["10.0.0.1/24"]})
RULES = parse(
    """*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 53 -j MARK --set-xmark 0x14/0xffffffff
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:WEB - [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j WEB
-A POSTROUTING -s 10.0.0.0/24 -o eth0 -j SNAT --to-source 192.0.2.10
-A WEB -p tcp -m statistic --mode random --probability 0.25000000000 -j DNAT --to-destination 10.0.0.5:8080
-A WEB -p tcp -j DNAT --to-destination 10.0.0.6:8080
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset
-A INPUT -p tcp -m tcp --dport 99 -m limit --limit 1/sec -j ACCEPT
-A FORWARD -d 10.0.0.6/32 -j DROP
COMMIT
"""
)
WEB = "tcp 203.0.113.5:40000 -> 192.0.2.10:80 in eth0"
SSH = "tcp 203.0.113.5:40000 -> 192.0.2.10:22 in eth0"
SMTP = "tcp 203.0.113.5:40000 -> 192.0.2.10:25 in eth0"
CLOSED = "tcp 203.0.113.5:40000 -> 192.0.2.10:3306 in eth0"
LIMITED = "tcp 203.0.113.5:40000 -> 192.0.2.10:99 in eth0"
OUT = "udp 10.0.0.9:5353 -> 192.0.2.99:53 in eth1"
OPEN = parse(
    "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m statistic --mode random --probability 0.25000000000 "
    "-j DNAT --to-destination 10.0.0.5:8080\n-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.6:8080\nCOMMIT\n"
)


def to(text: str) -> object:
    return read_destination(text, TCP)


def misses(packet: str, rules: Ruleset = RULES, node: Node = NODE, **parts: Any) -> list[str]:
    """Return the keys of what does not hold."""
    asked = Asked(rules, packet, node)
    return [failure.key for failure in judge(Expected(**parts), asked.found)]


@pytest.mark.parametrize(
    ("packet", "holds", "fails"),
    [
        (SSH, {"reaches": (to("192.0.2.10:22"),)}, {"reaches": (to("192.0.2.10:23"),)}),
        (SSH, {"reaches": (to("192.0.2.10"),)}, {"reaches": (to("192.0.2.11"),)}),
        (SSH, {"local": True}, {"local": False}),
        (SSH, {"masqueraded": False}, {"masqueraded": True}),
        (SSH, {"mark": read_mark("0")}, {"mark": read_mark("0x4/0x4")}),
        (SSH, {"via": (read_place("INPUT:1"),)}, {"via": (read_place("INPUT:2"),)}),
        (SSH, {"via": (read_place("filter/INPUT"),)}, {"via": (read_place("filter/INPUT:policy"),)}),
        (SSH, {"may_reach": (to("192.0.2.10:22"),)}, {"dropped_by": ANY}),
        (CLOSED, {"dropped_by": ANY}, {"rejected_with": ANY}),
        (CLOSED, {"dropped_by": read_place("filter/INPUT:policy")}, {"dropped_by": read_place("filter/INPUT:1")}),
        (CLOSED, {"dropped_by": read_place("INPUT:0")}, {"dropped_by": read_place("FORWARD")}),
        (CLOSED, {"via": (read_place("INPUT:policy"),)}, {"reaches": (to("192.0.2.10:3306"),)}),
        (SMTP, {"rejected_with": "tcp-reset"}, {"rejected_with": "icmp-port-unreachable"}),
        (SMTP, {"rejected_by": read_place("INPUT:2")}, {"rejected_by": read_place("INPUT:3")}),
        (SMTP, {"rejected_with": ANY}, {"dropped_by": ANY}),
        (OUT, {"masqueraded": to("192.0.2.10")}, {"masqueraded": to("192.0.2.11")}),
        (OUT, {"mark": read_mark("0x4/0x4")}, {"mark": read_mark("0x8/0xc")}),
        (OUT, {"local": False}, {"local": True}),
        (WEB, {"odds": ((to("10.0.0.5:8080"), read_chance("1/4")),)}, {"odds": ((to("10.0.0.5:8080"), read_chance("1/3")),)}),
        (WEB, {"odds": ((Fate.DROP, read_chance("75%")),)}, {"odds": ((Fate.REJECT, read_chance("1%")),)}),
        (WEB, {"odds": ((Fate.REJECT, read_chance("0")),)}, {"dropped_by": ANY}),
        (WEB, {"via": (read_place("WEB"),)}, {"via": (read_place("WEB"), read_place("WEB:1"))}),
    ],
)  # fmt: skip
def test_every_part_holds_and_fails(packet: str, holds: dict[str, Any], fails: dict[str, Any]) -> None:
    (key,) = fails
    assert misses(packet, **holds) == []
    assert misses(packet, **fails) == [key.replace("_", "-")]


def test_every_branch_counts() -> None:
    """One of two servers is dropped: neither does the packet reach the other, nor is it dropped."""
    assert misses(WEB, reaches=(to("10.0.0.5:8080"),)) == ["reaches"]
    assert misses(WEB, may_reach=(to("10.0.0.5:8080"),)) == ["may-reach"]
    assert misses(WEB, dropped_by=ANY) == ["dropped-by"]
    assert misses(WEB, translated_to=to("10.0.0.6:8080")) == ["translated-to"]
    assert misses(WEB, masqueraded=False) == ["masqueraded"]


def test_reaches_is_exact_and_may_reach_is_not() -> None:
    both = (to("10.0.0.5:8080"), to("10.0.0.6:8080"))
    packet = "tcp 203.0.113.5:1 -> 192.0.2.10:80 in eth0"
    assert misses(packet, OPEN, reaches=both) == []
    assert misses(packet, OPEN, reaches=both[:1]) == ["reaches"]
    assert misses(packet, OPEN, may_reach=both[:1]) == []
    assert misses(packet, OPEN, may_reach=(*both, to("10.0.0.7:8080"))) == ["may-reach"]


def test_what_is_not_translated_is_not_translated_to_itself() -> None:
    assert misses(SSH, translated_to=to("192.0.2.10:22")) == ["translated-to"]
    assert misses("tcp 203.0.113.5:1 -> 10.0.0.6:8080 in eth0", OPEN, translated_to=to("10.0.0.6:8080")) == [
        "translated-to"
    ]


def test_a_chance_that_cannot_be_told_holds_for_nothing() -> None:
    """The limit may have been used up: nobody knows."""
    assert misses(LIMITED, odds=((to("192.0.2.10:99"), read_chance("1/2")),)) == ["odds"]
    assert misses(LIMITED, local=True) == ["local"]
    assert misses(LIMITED, dropped_by=ANY) == ["dropped-by"]


def test_the_services_of_the_seed(seed: Path) -> None:
    """Three pods: a third each, as kube-proxy 1.11 writes it with five digits (0.33332999982, 0.5)."""
    sources = [read_source(name, seed / name) for name in ("services.yaml", "endpoints.yaml")]
    settings = Settings(release="1.11")
    rules = parse(compile_text(load_cluster(sources, settings), settings, Spelling.SAVE))
    packet = "tcp 172.17.0.9:33000 -> 10.97.126.137:8125 in docker0"
    third = read_chance("1/3")
    ends = tuple(to(f"172.17.0.{last}:80") for last in (4, 5, 6))
    assert misses(packet, rules, Node(), odds=tuple((end, third) for end in ends), reaches=ends) == []
    exact = read_chance("178955181/536870912")
    assert misses(packet, rules, Node(), odds=((ends[0], exact),)) == []
    assert misses(packet, rules, Node(), odds=((ends[1], exact),)) == ["odds"]


def test_dockers_rule_of_the_seed(seed: Path) -> None:
    rules = read_rules(seed / "docker-nat.rules")
    assert misses("tcp 127.0.0.1:40000 -> 127.0.0.2:8080", rules, Node(), reaches=(to("127.0.0.2:8080"),)) == []
    assert misses("tcp 10.0.0.9:1 -> 127.0.0.2:8080 in eth0", rules, Node(), translated_to=to("172.17.0.7:80")) == []


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1/3", [Fraction(1, 3), Fraction(178955181, 536870912), Fraction(33333, 100000)], [Fraction(333, 1000)]),
        ("50%", [Fraction(1, 2), Fraction(495, 1000), Fraction(505, 1000)], [Fraction(494, 1000), Fraction(51, 100)]),
        ("33.3%", [Fraction(1, 3), Fraction(33251, 100000)], [Fraction(334, 1000)]),
        ("0.25", [Fraction(1, 4), Fraction(254, 1000)], [Fraction(256, 1000)]),
        ("1", [Fraction(1)], [Fraction(99999, 100000)]),
        ("100%", [Fraction(1)], [Fraction(999, 1000)]),
        ("0/1", [Fraction(0)], [Fraction(1, 1 << 31)]),
        ("178955181/536870912", [Fraction(178955181, 536870912)], [Fraction(178955182, 536870912), Fraction(1, 3)]),
    ],
)
def test_chances(text: str, inside: list[Fraction], outside: list[Fraction]) -> None:
    chance = read_chance(text)
    assert all(map(chance.holds, inside))
    assert not any(map(chance.holds, outside))


def test_numbers_of_python_stand_for_fractions() -> None:
    assert [str(read_chance(number)) for number in (0.5, 1 / 3, 1, 0, 0.0)] == ["1/2", "1/3", "1/1", "0/1", "0/1"]


@pytest.mark.parametrize(
    "text", ["", "1/0", "2/1", "-1/2", "1.5", "101%", "1e-3", "half", "٣/٤", "nan", "1/2/3", "50 %"]
)
def test_no_chances(text: str) -> None:
    with pytest.raises(ValueError, match=r"chance|between"):
        read_chance(text)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -0.5, 1.5])
def test_no_chances_as_numbers(number: float) -> None:
    with pytest.raises(ValueError, match=r"chance|between"):
        read_chance(number)


@pytest.mark.parametrize("text", ["INPUT", "filter/INPUT", "INPUT:3", "nat/KUBE-SVC-X:12", "filter/FORWARD:policy"])
def test_places_are_written_as_they_are_read(text: str) -> None:
    assert str(read_place(text)) == text


def test_codes_have_short_names() -> None:
    assert read_code("port-unreach", Family.IPV4) == "icmp-port-unreachable"
    assert read_code("any", Family.IPV6) == "any"
    with pytest.raises(ValueError, match="not a way to reject"):
        read_code("icmp6-no-route", Family.IPV4)
