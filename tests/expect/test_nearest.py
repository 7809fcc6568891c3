"""Which rule came nearest: rules in which it is plain by hand."""

from __future__ import annotations

import pytest

from iptc_sim.expect import Expected, judge, nearest
from iptc_sim.expect.asked import Asked
from iptc_sim.expect.values import ANY, read_destination, read_mark, read_place
from iptc_sim.node import Node
from iptc_sim.protocols import TCP
from iptc_sim.syntax import parse

NODE = Node.of({"eth0": ["192.0.2.10/24"], "eth1": ["10.0.0.1/24"]})
RULES = parse(
    """*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth1 -p tcp -j MARK --set-xmark 0x4/0x4
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:NODEPORTS - [0:0]
:SVC - [0:0]
:OTHER - [0:0]
-A PREROUTING -d 10.96.0.1/32 -j SVC
-A PREROUTING -i eth0 -p tcp -j NODEPORTS
-A POSTROUTING -s 10.0.0.0/24 -o eth0 -j MASQUERADE
-A NODEPORTS -p udp -m udp --dport 30080 -j SVC
-A NODEPORTS -p tcp -m tcp --dport 30081 -j SVC
-A NODEPORTS -p tcp -m tcp --dport 30082 -j OTHER
-A SVC -p tcp -j DNAT --to-destination 10.0.0.5:8080
-A OTHER -p tcp -j DNAT --to-destination 10.0.0.6:8080
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -s 10.0.0.0/24 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j LOG
-A INPUT -p tcp -m tcp --dport 23 -j DROP
-A INPUT -s 203.0.113.0/24 -p tcp -m tcp --dport 25 -j REJECT
COMMIT
"""
)
NODE_PORT = "tcp 203.0.113.5:1 -> 192.0.2.10:30080 in eth0"
SSH = "tcp 203.0.113.5:1 -> 192.0.2.10:22 in eth0"


def near(packet: str, **parts: object) -> tuple[str, ...]:
    asked = Asked(RULES, packet, NODE)
    (failure,) = judge(Expected(**parts), asked.found)  # type: ignore[arg-type]
    return nearest(failure, asked.found, RULES)


def test_the_jump_that_would_have_led_to_the_destination() -> None:
    """Of the rules that lead to 10.0.0.5, rule 2 of NODEPORTS has -p tcp right; rule 3 leads elsewhere."""
    wanted = read_destination("10.0.0.5:8080", TCP)
    sentence = "nat NODEPORTS rule 2 (-> SVC, line 15) does not fit: --dport 30081: the destination port is 30080"
    assert near(NODE_PORT, reaches=(wanted,)) == (sentence,)
    assert near(NODE_PORT, translated_to=wanted) == (sentence,)


def test_the_last_of_those_that_come_equally_near() -> None:
    wanted = read_destination("10.0.0.6", TCP)
    assert near(NODE_PORT, translated_to=wanted) == (
        "nat NODEPORTS rule 3 (-> OTHER, line 16) does not fit: --dport 30082: the destination port is 30080",
    )


def test_no_rule_leads_there() -> None:
    assert near(NODE_PORT, translated_to=read_destination("10.0.0.7", TCP)) == ()


def test_the_accept_that_a_dropped_packet_missed() -> None:
    assert near(SSH, local=True) == (
        "filter INPUT rule 1 (ACCEPT, line 23) does not fit: -s 10.0.0.0/24: the source is 203.0.113.5",
    )
    assert near(SSH, reaches=(read_destination("192.0.2.10:22", TCP),))[0].startswith("filter INPUT rule 1 (ACCEPT")


def test_the_target_that_was_wanted() -> None:
    out = "tcp 192.0.2.7:1 -> 10.0.0.9:80 in eth0"
    assert near(out, dropped_by=ANY) == ()  # INPUT is not passed
    assert near(SSH, rejected_with=ANY)[0].startswith("filter INPUT rule 4 (REJECT, line 26) does not fit: --dport 25")
    assert near(out, masqueraded=True)[0].startswith("nat POSTROUTING rule 1 (MASQUERADE, line 13) does not fit: -s")
    assert near(out, mark=read_mark("0x4"))[0].startswith(
        "mangle PREROUTING rule 1 (MARK, line 3) does not fit: -i eth1"
    )


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("INPUT:3", "filter INPUT rule 3: it is reached in INPUT, and does not fit: --dport 23: the destination port is 22"),
        ("INPUT:9", "filter INPUT has only 4 rules"),
        ("filter/INPT", "there is no chain INPT in filter (did you mean INPUT?)"),
        ("FORWARD", "FORWARD: the packet does not pass FORWARD: it is for this node"),
        ("SVC", "nat SVC: nat PREROUTING rule 1 (-> SVC) is reached in PREROUTING, and does not fit: -d 10.96.0.1/32"),
    ],
)  # fmt: skip
def test_a_place_is_asked_about_by_itself(place: str, sentence: str) -> None:
    assert near(SSH, via=(read_place(place),))[0].startswith(sentence)
