"""``--why``: the nearest place where the packet went another way."""

from __future__ import annotations

import pytest

from iptc_sim import UsageError, parse, trace
from iptc_sim.flows import NodeOptions, read_node
from iptc_sim.render import Place, find_places, render_why

RULES = parse("""*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:D - [0:0]
:E - [0:0]
:F - [0:0]
:G - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j D
-A OUTPUT ! -d 127.0.0.0/8 -j D
-A D -p tcp -j E
-A D -p tcp -m tcp --dport 99 -j DNAT --to-destination 10.0.1.1
-A E -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.1.1
-A E -p tcp -m tcp --dport 81 -j RETURN
-A E -p tcp -m tcp --dport 82 -j RETURN
-A F -j G
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:GONE - [0:0]
:LAST - [0:0]
-A INPUT -p udp -m limit --limit 1/s -j LOG
-A INPUT -p udp -m udp --dport 5 -g GONE
-A INPUT -p udp -j LAST
-A FORWARD -d 10.0.1.9/32 -j REJECT
-A FORWARD -p udp -m recent --rcheck --name A -j ACCEPT
-A FORWARD -p udp -j GONE
COMMIT
*security
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
COMMIT
""")
NODE = read_node(NodeOptions(iface=("eth0=10.0.0.1/24", "eth1=10.0.1.254/24")))
HOST = "tcp 10.0.0.1:1 -> 127.0.0.1:80 from host"
WEB = "tcp 10.0.0.9:1 -> 10.0.0.1:80 in eth0"
OTHER = "tcp 10.0.0.9:1 -> 10.0.0.1:81 in eth0"
FAR = "tcp 10.0.0.9:1 -> 10.0.1.2:81 in eth0"
UDP = "udp 10.0.0.9:1 -> 10.0.0.1:5 in eth0"
AGAIN = f"{WEB} ct established"


@pytest.mark.parametrize(
    ("flow", "asked", "answer"),
    [
        (WEB, "E:1", "it is reached in PREROUTING, and fits: DNAT"),
        (OTHER, "E:1", "it is reached in PREROUTING, and does not fit: --dport 80: the destination port is 81"),
        (OTHER, "E:3", "it is not reached: nat E rule 2 (RETURN) leaves the chain before it"),
        (WEB, "D:2", "it is not reached: nat D rule 1 jumps to E before it, and there nat E rule 1 (DNAT) ends the table"),
        (WEB, "E", "it is entered in PREROUTING"),
        (HOST, "D", ("nat OUTPUT rule 1 (-> D) is reached in OUTPUT, and does not fit: "
                    "! -d 127.0.0.0/8: the destination is 127.0.0.1")),
        (FAR, "E:1", ("nat PREROUTING rule 1 (-> D), on the way to E, is reached in PREROUTING, and does not fit: "
                     "--dst-type LOCAL: the type of the destination 10.0.1.2 is UNICAST")),
        (WEB, "F", "no rule of table nat jumps to F"),
        (WEB, "nat/G:1", None),
        (WEB, "G", "only F leads to G, and no built-in chain of table nat leads there"),
        (WEB, "nat/OUTPUT:1", "only packets made on this node pass OUTPUT; this one comes in from outside"),
        (OTHER, "FORWARD:1", "the packet does not pass FORWARD: it is for this node (10.0.0.1 is an address of this node)"),
        (FAR, "filter/INPUT", "the packet does not pass INPUT: it is for another machine"),
        (FAR, "security/FORWARD", "the way ends before it: DROPPED on its way to 10.0.1.2:81 by policy DROP of filter FORWARD"),
        (FAR, "POSTROUTING", "the way ends before POSTROUTING: DROPPED on its way to 10.0.1.2:81"),
        (AGAIN, "PREROUTING", "nat is walked once for a connection, and this one (ESTABLISHED) is decided: as told"),
        (AGAIN, "E", "nat PREROUTING, which leads there: nat is walked once for a connection"),
        (UDP, "LAST", "filter INPUT rule 3 (-> LAST) is not reached: filter INPUT rule 2 goes on in GONE and does not come back"),
        (UDP, "filter/INPUT:1", "it is reached in INPUT, and whether it fits cannot be told: "),
        ("tcp 10.0.0.1:1 -> 10.0.1.2:1 from host", "filter/INPUT", "the packet does not pass INPUT: it is made here"),
        ("tcp 10.0.0.1:1 -> 10.0.1.2:1 from host", "filter/FORWARD", "only packets from another machine pass FORWARD"),
        ("tcp 10.0.0.1:1 -> 10.0.1.2:1 from host", "nat/PREROUTING", "only packets that come in pass PREROUTING"),
    ],
)  # fmt: skip
def test_the_nearest_place_is_named(flow: str, asked: str, answer: str | None) -> None:
    found = trace(RULES, flow, NODE)
    if answer is None:
        with pytest.raises(UsageError):
            find_places(asked, RULES)
        return
    text = render_why(found, RULES, find_places(asked, RULES))
    assert f"\n  {answer}" in text


def test_each_branch_has_its_answer() -> None:
    found = trace(RULES, "udp 10.0.0.9:1 -> 10.0.1.2:5 in eth0", NODE)
    text = render_why(found, RULES, find_places("FORWARD:3", RULES))
    assert text.splitlines()[-5:] == [
        "filter FORWARD rule 3: -A FORWARD -p udp -j GONE",
        " branch 1 (odds not known):",
        "  it is not reached: filter FORWARD rule 2 (ACCEPT) ends the table before it",
        " branch 2 (odds not known):",
        "  it is reached in FORWARD, and fits: -> GONE",
    ]
    same = render_why(found, RULES, find_places("FORWARD:1", RULES)).splitlines()
    assert same[-2] == " in each of the branches:"


def test_places_are_found_by_table_chain_and_number() -> None:
    assert find_places("D", RULES) == [Place("nat", "D")]
    assert find_places("INPUT", RULES) == [Place("nat", "INPUT"), Place("filter", "INPUT"), Place("security", "INPUT")]
    assert find_places("INPUT:2", RULES) == [Place("filter", "INPUT", 2)]  # the only one with so many rules
    odd = parse("*filter\n:a/b - [0:0]\n:c:1 - [0:0]\n-A a/b -j c:1\nCOMMIT\n")
    assert find_places("a/b:1", odd) == [Place("filter", "a/b", 1)]
    assert find_places("c:1", odd) == [Place("filter", "c:1")]
    assert find_places("filter/a/b", odd) == [Place("filter", "a/b")]


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        ("DD", "there is no chain DD in nat or filter or security", ""),
        ("PREROUTIN:1", "there is no chain PREROUTIN in nat or filter or security", "did you mean PREROUTING?"),
        ("filter/D", "there is no chain D in filter", ""),
        ("D:3", "there is no rule 3: nat D has 2", ""),
        ("D:0", "there is no rule 0: nat D has 2", ""),
        ("D:99999999999999999999", "there is no chain", ""),
        ("D:x", "there is no chain", ""),
        ("", "there is no chain", ""),
        (":", "there is no chain", ""),
    ],
)
def test_what_is_not_there_is_refused(asked: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        find_places(asked, RULES)
    (found,) = raised.value.diagnostics
    assert found.code == "IPT004"
    assert found.message.startswith(message)
    assert hint in found.hint


def test_text_of_rules_is_escaped() -> None:
    rules = parse('*filter\n:E\x07 - [0:0]\n-A E\x07 -m comment --comment "\x1b[2J" -j DROP\nCOMMIT\n')
    found = trace(rules, "udp 127.0.0.1:1 -> 127.0.0.1:2")
    text = render_why(found, rules, find_places("E\x07:1", rules))
    assert "filter E\\x07 rule 1" in text
    assert not {"\x1b", "\x07"} & set(text)
