"""``--explain``: a sentence for every rule."""

from __future__ import annotations

import pytest

from iptc_sim import Family, InputError, parse, trace
from iptc_sim.render import explain, explain_rule, render_explained
from tests.drawn.rules import draw_rules, extensions

SENTENCES = [
    ("nat", "PREROUTING", "-d 10.0.0.1/32 -p tcp -m tcp --dport 80:90 -j DNAT --to-destination 10.0.1.2:8080",
     ("If it is TCP, it goes to 10.0.0.1 and its destination port is 80 to 90, its destination becomes 10.0.1.2, "
     "port 8080, for the whole connection.")),
    ("nat", "PREROUTING", "-m addrtype --dst-type LOCAL -j ACCEPT",
     "If its destination is an address of type LOCAL, it is accepted: this table is done with it."),
    ("nat", "POSTROUTING", "! -o docker0 -s 172.17.0.0/16 -j MASQUERADE",
     ("If it comes from 172.17.0.0/16 and it does not leave by docker0, its source becomes the address of the interface "
     "it leaves by, for the whole connection.")),
    ("nat", "POSTROUTING", "-j SNAT --to-source 1.2.3.4-1.2.3.6",
     "Whatever the packet, its source becomes one of 1.2.3.4-1.2.3.6, for the whole connection."),
    ("filter", "FORWARD", "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
     "If its connection is RELATED or ESTABLISHED, it is accepted: this table is done with it."),
    ("filter", "FORWARD", "-p udp -m multiport ! --dports 53,67:68 -j DROP",
     "If it is UDP and its destination port is not 53 or 67 to 68, it is dropped without a word."),
    ("filter", "INPUT", "-p tcp -m tcp --syn -j REJECT --reject-with tcp-reset",
     ("If it is TCP and of its TCP flags SYN is set and ACK, FIN and RST are not set, it is dropped, and its sender is "
     "told so with tcp-reset.")),
    ("filter", "INPUT", "-m mark --mark 0x4000/0x4000 -m statistic --mode random --probability 0.25 -j RETURN",
     ("If its mark is 0x4000/0x4000 and a draw with a chance of 25.000% says so, the walk leaves this chain: it goes on "
     "behind the jump to it, in a built-in chain with the policy.")),
    ("filter", "INPUT", "-m statistic --mode nth --every 3 --packet 0",
     "If it is number 1 of every 3 packets that get here, it is counted, and nothing else happens."),
    ("filter", "INPUT", "-m recent --name A --rcheck --seconds 60 --hitcount 2 -j CHAIN",
     ("If its source is on the list A and was seen at least 2 times within the last 60 seconds, the walk goes on in "
     "chain CHAIN, and comes back here if nothing there decides.")),
    ("filter", "INPUT", "-m recent --name A --set -g CHAIN",
     "If its source is now put on the list A, the walk goes on in chain CHAIN, and does not come back to this chain."),
    ("mangle", "PREROUTING", "-j MARK --or-mark 0x8", "Whatever the packet, the bits 0x8 of its mark are set, and the walk goes on."),
    ("mangle", "PREROUTING", "-j MARK --set-mark 0x8", "Whatever the packet, its mark is set to 0x8, and the walk goes on."),
    ("mangle", "PREROUTING", "-j MARK --and-mark 0xfffffff7",
     "Whatever the packet, the bits 0x8 of its mark are cleared, and the walk goes on."),
    ("mangle", "PREROUTING", "-m ecn --ecn-ip-ect 1 -j DSCP --set-dscp 0x10",
     "If -m ecn says ecn-ip-ect 1, the target DSCP acts on it (set-dscp 0x10)."),
    ("filter", "INPUT", "-m foo --bar 1 -j FOO --baz",
     "If -m foo --bar 1 holds (which is not known here), -j FOO --baz gets it (which is not known here)."),
    ("filter", "INPUT", '-m comment --comment "a b"', "Whatever the packet, it is counted, and nothing else happens."),
]  # fmt: skip


@pytest.mark.parametrize(("table", "chain", "words", "sentence"), SENTENCES, ids=[row[2] for row in SENTENCES])
def test_sentences(table: str, chain: str, words: str, sentence: str) -> None:
    rules = parse(f"*{table}\n:CHAIN - [0:0]\n-A {chain} {words}\nCOMMIT\n")
    (rule,) = (rule for *_, rule in rules.rules())
    assert explain_rule(rule) == sentence


@pytest.mark.parametrize("family", list(Family))
def test_every_extension_has_a_clause(family: Family) -> None:
    """Of rules drawn for each extension the sentence is one line, and an option that is there changes it."""
    met = set()
    for kind in extensions(family):
        for drawn in draw_rules(kind, family, 5, 77):
            try:
                rules = parse(f"*{drawn.table}\n:NEXT - [0:0]\n{drawn.line}\nCOMMIT\n", family=family)
            except InputError:
                continue
            for *_, rule in rules.rules():
                text = explain_rule(rule)
                assert text.endswith(".")
                assert text.isprintable()
                met |= {part.name for part in rule.extensions}
                assert all(explain(part) for part in rule.matches if part.name not in SILENT)
    assert len(met) > 60


SILENT = {"comment", "tcp", "udp", "sctp", "dccp", "time", "ah", "esp", "ipcomp"}


def test_what_branches_share_is_said_once() -> None:
    rules = parse(
        "*nat\n:S - [0:0]\n-A PREROUTING -j S\n"
        '-A S -m comment --comment "\x1b[2J" -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.0.1\n'
        "-A S -j DNAT --to-destination 10.0.0.2\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\nCOMMIT\n"
    )
    text = render_explained(trace(rules, "udp 1.1.1.1:1 -> 2.2.2.2:2 in eth0"))
    assert "\x1b" not in text
    assert text.splitlines() == [
        ("nat PREROUTING rule 1: Whatever the packet, the walk goes on in chain S, and comes back here if nothing there "
        "decides."),
        "nat S rule 1: If a draw with a chance of 50.000% says so, its destination becomes 10.0.0.1, for the whole connection.",
        "filter FORWARD policy: What comes to the end of the chain is dropped.",
        "branch 2:",
        "nat S rule 2: Whatever the packet, its destination becomes 10.0.0.2, for the whole connection.",
        "filter FORWARD policy: What comes to the end of the chain is dropped.",
    ]  # fmt: skip
