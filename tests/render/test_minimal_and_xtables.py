"""The formats for tests: a line a branch, and the lines of xtables-monitor."""

from __future__ import annotations

import re
from pathlib import Path

from iptc_sim import parse, parse_flow, trace
from iptc_sim.flows import NodeOptions, read_node
from iptc_sim.records import replace
from iptc_sim.render import render_minimal, render_xtables

NODE = read_node(NodeOptions(iface=("d0=10.0.0.1/24", "e0=10.0.1.1/24")))


def test_minimal_is_a_line_a_branch() -> None:
    rules = parse("""*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:SVC - [0:0]
-A PREROUTING -j SVC
-A SVC -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.1.2:80
-A SVC -p tcp -m comment --comment "\\x1b[2J ; ;" -j DNAT --to-destination 10.0.1.3:80
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:END - [0:0]
-A FORWARD -d 10.0.1.3/32 -g END
-A END -m recent --name A --rcheck -j LOG
-A END
-A END -j REJECT --reject-with tcp-reset
COMMIT
""")
    found = trace(rules, "tcp 10.0.0.9:1 -> 10.9.9.9:8080 in d0", NODE)
    start = "odds 1/2 ; PREROUTING nat PREROUTING:1 JUMP SVC ; PREROUTING nat SVC"
    first, second = (line.split(f" ; {start}") for line in render_minimal(found).splitlines())
    assert first == [
        "forward tcp 10.0.0.9:1 -> 10.0.1.2:80 in d0 out e0",
        ":1 DNAT ; FORWARD filter FORWARD:policy ACCEPT ; POSTROUTING nat POSTROUTING:policy ACCEPT",
    ]
    words = (
        "FORWARD:1 GOTO END ; FORWARD filter END:1? LOG ; FORWARD filter END:2 CONTINUE ; FORWARD filter END:3 REJECT"
    )
    assert second == [
        "reject tcp-reset tcp 10.0.0.9:1 -> 10.0.1.3:80 in d0 out e0",
        f":2 DNAT ; FORWARD filter {words}",
    ]


def test_minimal_tells_the_reply_behind_its_branch() -> None:
    rules = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    lines = render_minimal(trace(rules, "udp 127.0.0.1:1 -> 127.0.0.1:2", reply=True)).splitlines()
    way = "in lo ; odds 1 ; OUTPUT filter OUTPUT:policy ACCEPT ; INPUT filter INPUT:policy ACCEPT"
    assert lines[0] == f"local udp 127.0.0.1:1 -> 127.0.0.1:2 {way}"
    assert lines[1] == f"reply local udp 127.0.0.1:2 -> 127.0.0.1:1 {way}"


#: What was sent while xtables-monitor printed monitored/trace.txt, in order.
SENT = (
    "tcp 10.0.0.5:1 -> 10.0.1.5:80 in d0",
    "tcp 10.0.0.5:1 -> 10.0.1.5:443 in d0 flags fin,syn,rst,psh,ack,urg",
    *(f"udp 10.0.0.5:9 -> 10.0.1.5:{port} in d0" for port in (82, 84, 85, 86)),
    "icmp 10.0.0.5 -> 10.0.1.5 in d0",
    "udp 10.0.0.5:9 -> 10.0.0.1:87 in d0",
    "udp 127.0.0.1:7 -> 127.0.0.1:8",
)


def plain(line: str) -> str:
    """Cut out what only the machine knows: ids, MAC addresses, lengths; handles stay, the rules being just loaded."""
    line = re.sub(r"^( ?[A-Z]+: [0-9]+) [0-9a-f]+", r"\1", line)
    return re.sub(r" (MAC[A-Z]+|LEN|ID)=[^ ]+| DF", "", line)


def test_xtables_prints_what_xtables_monitor_printed() -> None:
    """monitored/ holds rules and what xtables-monitor 1.8.9 --trace printed, through ``plain``, in a namespace."""
    folder = Path(__file__).parent / "monitored"
    rules = parse((folder / "rules.save").read_text())
    printed: list[str] = []
    for text in SENT:
        found = trace(rules, text, NODE)
        kept = replace(found, ends=found.ends[-1:])  # of NFQUEUE: no program takes the packet
        printed += [plain(line) for line in render_xtables(kept, rules).splitlines()]
    assert printed == (folder / "trace.txt").read_text().splitlines()


def test_xtables_shows_captured_bytes() -> None:
    raw = bytes.fromhex("4500003c004d4000400600000a0000090a000105") + bytes(40)
    flow = parse_flow("tcp 10.0.0.9:1 -> 10.0.1.5:2 in d0 mark 0x10")
    rules = parse("*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n")
    text = render_xtables(trace(rules, replace(flow, packet=replace(flow.packet, raw=raw)), NODE), rules)
    assert text.splitlines()[0] == (
        "PACKET: 2 00000001 IN=d0 OUT=e0 SRC=10.0.0.9 DST=10.0.1.5 LEN=60 TOS=0x0 TTL=63 ID=77 DF "
        "SPORT=1 DPORT=2 SYN MARK=0x10 "
    )


def test_xtables_of_ipv6_has_the_words_of_the_tool() -> None:
    """As 1.8.9 prints it: TC in decimal, LEN of the payload and an IPv4 header, family 10, ``-6``."""
    rules = parse("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -d fd01::5/128 -j RETURN\nCOMMIT\n")
    text = render_xtables(trace(rules, "tcp [fd00::5]:1 -> [fd01::5]:80 in d0"), rules)
    assert text.splitlines() == [
        "PACKET: 10 00000001 IN=d0 OUT=? SRC=fd00::5 DST=fd01::5 LEN=40 TC=0 HOPLIMIT=63 FLOWLBL=0 SPORT=1 DPORT=80 SYN ",
        " TRACE: 10 00000001 filter:FORWARD:rule:0x4:0xfffffffb  -6 -t filter -A FORWARD -d fd01::5/128 -j RETURN",
        " TRACE: 10 00000001 filter:FORWARD:policy:ACCEPT ",
    ]


def test_handles_are_those_of_one_load() -> None:
    """As ``nft -a list ruleset`` shows them after iptables-nft-restore of this text: chains and rules count together."""
    rules = parse("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n"
                  "-A B -j RETURN\n-A FORWARD -j B\n-A B -j ACCEPT\nCOMMIT\n")  # fmt: skip
    text = render_xtables(trace(rules, "udp 10.0.0.9:1 -> 10.0.1.5:2 in d0", NODE), rules)
    assert "FORWARD:rule:0x7:JUMP:B" in text
    assert "B:rule:0x6:0xfffffffb" in text
