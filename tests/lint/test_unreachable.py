"""IPT100, IPT101, IPT102, IPT105, IPT112: each with what is found, and what is nearly that but is not."""

from __future__ import annotations

import pytest

from iptc_sim.values import Family
from tests.lint.found import findings, table, told

SSH = "-A INPUT -s 10.1.2.3 -p tcp --dport 22 -j ACCEPT"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(["-A INPUT -s 10.0.0.0/8 -j DROP", SSH], ["IPT100 INPUT 2 because 1"], id="one rule"),
        pytest.param(
            ["-A INPUT -s 10.0.0.0/9 -j DROP", "-A INPUT -p udp -j DROP", "-A INPUT -s 10.128.0.0/9 -j ACCEPT",
             "-A INPUT -s 10.0.0.0/8 -p tcp -j LOG"],
            ["IPT100 INPUT 4 because 1,3"],
            id="two together, and no third one is named",
        ),
        pytest.param(
            ["-A INPUT -p tcp --dport 0:100 -j DROP", "-A INPUT -p tcp --dport 101:65535 -j DROP",
             "-A INPUT -p tcp -m multiport --dports 22,80,443 -j ACCEPT"],
            ["IPT100 INPUT 3 because 1,2"],
            id="ports",
        ),
        pytest.param(
            ["-A INPUT -i eth0 -j DROP", "-A INPUT ! -i eth0 -j ACCEPT", "-A INPUT -p udp -m limit --limit 1/s -j LOG"],
            ["IPT100 INPUT 3 because 1,2"],
            id="the shadowed one may have a state",
        ),
        pytest.param(
            ["-A INPUT -m string --string x --algo bm -j DROP", "-A INPUT -p tcp -m string --string x --algo bm -j LOG"],
            ["IPT100 INPUT 2 because 1"],
            id="the same unknown condition",
        ),
        pytest.param(
            ["-A INPUT -m mark --mark 0x1/0x1 -j DROP", "-A INPUT -m mark --mark 0x3/0x3 -j ACCEPT"],
            ["IPT100 INPUT 2 because 1"],
            id="bits of the mark",
        ),
        pytest.param(
            ["-A INPUT -m statistic --mode random --probability 1 -p tcp -j DROP", SSH],
            ["IPT100 INPUT 2 because 1"],
            id="a draw that always hits",
        ),
    ],
)  # fmt: skip
def test_shadowed(rules: list[str], expected: list[str]) -> None:
    assert told(table(*rules), "IPT100") == expected


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(["-A INPUT -s 10.0.0.0/8 -p udp -j DROP", SSH], id="another protocol"),
        pytest.param(["-A INPUT -s 10.0.0.0/8 -m limit --limit 1/s -j DROP", SSH], id="limit"),
        pytest.param(["-A INPUT -s 10.0.0.0/8 -m recent --rcheck -j DROP", SSH], id="recent"),
        pytest.param(["-A INPUT -m statistic --mode random --probability 0.9999 -j DROP", SSH], id="a draw"),
        pytest.param(["-A INPUT -m statistic --mode nth --every 1 --packet 0 -j LOG", SSH], id="it only logs"),
        pytest.param(["-A INPUT -s 10.0.0.0/8 -j LOG", SSH], id="LOG goes on"),
        pytest.param(["-A INPUT -s 10.0.0.0/8", SSH], id="a counter"),
        pytest.param(["-A INPUT -s 10.0.0.0/8 -j FANCY --opt 1", SSH], id="a target that is not known"),
        pytest.param(["-A INPUT -m string --string x --algo bm -j DROP", "-A INPUT -m string --string y --algo bm -j LOG"],
                     id="another unknown condition"),
        pytest.param(["-A INPUT -m mark --mark 0x1/0x1 -j DROP", "-A INPUT -p tcp -j MARK --set-mark 1",
                      "-A INPUT -m mark --mark 0x1/0x1 -j ACCEPT"], id="the mark is set between"),
        pytest.param(["-A INPUT -m mark --mark 0x3/0x3 -j DROP", "-A INPUT -m mark --mark 0x1/0x1 -j ACCEPT"], id="bits"),
        pytest.param(["-A INPUT -f -j DROP", "-A INPUT ! -f -j DROP", SSH], id="fragments"),
        pytest.param(["-A INPUT -m set --match-set a src -j DROP", "-A INPUT -p tcp -j SET --add-set a src",
                      "-A INPUT -m set --match-set a src -j ACCEPT"], id="a rule fills the set"),
        pytest.param(["-A INPUT -m ttl --ttl-eq 1 -j DROP", "-A INPUT -m ttl --ttl-lt 3 -j ACCEPT"], id="more times to live"),
        pytest.param(["-A FORWARD -m physdev --physdev-in eth0 -j DROP", "-A FORWARD -m physdev --physdev-in eth1 -j LOG"],
                     id="ports of a bridge"),
        pytest.param(["-A FORWARD -i br0 -o br0 -j ACCEPT", "-A FORWARD -i br0 -j DROP"], id="bridge to itself"),
    ],
)  # fmt: skip
def test_not_shadowed(rules: list[str]) -> None:
    assert told(table(*rules), "IPT100", "IPT101", "IPT102", "IPT105") == []


def test_what_ends_in_another_chain() -> None:
    """A jump shadows where nothing comes back from it."""
    ends = ["-A INPUT -s 10.0.0.0/8 -j a", SSH, "-A a -p tcp -j DROP", "-A a -p udp -j ACCEPT"]
    assert told(table(*ends, chains=["a"])) == ["IPT100 INPUT 2 because 1"]
    returns = [*ends[:2], "-A a -s 10.1.0.0/16 -j RETURN", *ends[2:]]
    assert told(table(*returns, chains=["a"])) == []
    other = [*ends[:2], "-A a -p udp -j DROP"]
    assert told(table(*other, chains=["a"])) == []
    hidden = "-A INPUT -s 10.0.0.0/8 -j hidden\n" + SSH
    assert told(f"*filter\n{hidden}\nCOMMIT\n") == []
    goes = ["-A INPUT -s 10.0.0.0/8 -g a", SSH, "-A a -p udp -j DROP"]
    assert told(table(*goes, chains=["a"]), "IPT100") == ["IPT100 INPUT 2 because 1"]


def test_shadowed_in_a_user_chain_whoever_calls_it() -> None:
    rules = ["-A INPUT -j a", "-A FORWARD -j a", "-A a -i eth0 -j RETURN", "-A a -i eth0 -p tcp -j ACCEPT"]
    assert told(table(*rules, chains=["a"])) == ["IPT100 a 2 because 1"]


def test_the_message_names_rules_and_lines() -> None:
    (one,) = findings(table("-A INPUT -s 10.0.0.0/8 -j DROP", SSH))
    assert one.diagnostic.message == (
        "filter INPUT rule 2 (line 6) can never match: rule 1 (line 5) takes every packet that fits it"
    )
    assert one.diagnostic.span is not None
    assert (one.diagnostic.span.line, [spot.line for spot in one.because]) == (6, [5])
    assert one.diagnostic.hint == "move it before them, or remove it"


def test_ipv6() -> None:
    rules = ["-A INPUT -s fd00::/8 -j DROP", "-A INPUT -s fd00:1::5/128 -p tcp -j ACCEPT"]
    assert [one.code for one in findings(table(*rules), family=Family.IPV6)] == ["IPT100"]


def test_kept_away_by_callers() -> None:
    """IPT101: the jumps let nothing through that fits."""
    rules = ["-A INPUT -p tcp --dport 80 -j web", "-A web -p tcp --dport 81 -j DROP", "-A web -j ACCEPT"]
    assert told(table(*rules, chains=["web"])) == ["IPT101 web 1 because 1"]
    more = [rules[0], "-A FORWARD -j web", *rules[1:]]
    assert told(table(*more, chains=["web"])) == []
    marked = [
        "-A INPUT -p tcp --dport 80 -j MARK --set-mark 1",
        "-A INPUT -m mark --mark 1 -j web",
        "-A web -p udp -j DROP",
    ]
    assert told(table(*marked, chains=["web"])) == []  # others may set marks, too


def test_kept_away_by_what_is_taken_before() -> None:
    rules = ["-A INPUT -p tcp -j DROP", "-A INPUT -j web", "-A web -p tcp --dport 80 -j ACCEPT", "-A web -p udp -j LOG"]
    assert told(table(*rules, chains=["web"])) == ["IPT101 web 1 because 2"]


def test_a_chain_that_nothing_comes_to_is_told_of_once() -> None:
    rules = [
        "-A INPUT -s 10.0.0.0/8 -j DROP",
        "-A INPUT -s 10.1.0.0/16 -j web",
        "-A web -p tcp -j ACCEPT",
        "-A web -j LOG",
    ]
    assert told(table(*rules, chains=["web"])) == ["IPT100 INPUT 2 because 1"]


def test_chains_of_programs_are_left_to_them() -> None:
    """Docker's second stage has rules for bridges that nothing comes from, when there is only one."""
    rules = [
        "-A FORWARD -j DOCKER-ISOLATION-STAGE-1",
        "-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2",
        "-A DOCKER-ISOLATION-STAGE-1 -j RETURN",
        "-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP",
        "-A DOCKER-ISOLATION-STAGE-2 -j RETURN",
    ]
    chains = ["DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2"]
    assert told(table(*rules, chains=chains)) == []
    own = [rule.replace("DOCKER-ISOLATION-STAGE-", "stage") for rule in rules]
    assert told(table(*own, chains=["stage1", "stage2"])) == ["IPT101 stage2 1 because 1"]


def test_in_chains_of_programs_what_is_shadowed_is_a_note() -> None:
    rules = [
        "-A INPUT -j f2b-sshd",
        "-A f2b-sshd -s 10.0.0.0/8 -j DROP",
        "-A f2b-sshd -s 10.1.2.3 -j DROP",
        "-A f2b-sshd -j RETURN",
    ]
    (one,) = findings(table(*rules, chains=["f2b-sshd"]))
    assert (one.code, str(one.diagnostic.severity), one.diagnostic.hint) == (
        "IPT100",
        "note",
        "fail2ban writes this chain",
    )


@pytest.mark.parametrize(
    "rule",
    [
        "-p tcp --dport 80 -m conntrack --ctstate NEW -m state ! --state NEW -j DROP",
        "! -i + -j DROP",
        "-m mark --mark 0x1/0x2 -j DROP",
        "-p tcp --tcp-flags SYN ACK -j DROP",
        "-p tcp -m tcp --dport 80 -m multiport ! --dports 80 -j DROP",
        "-s 10.0.0.1 -m iprange --src-range 10.0.0.2-10.0.0.9 -j DROP",
    ],
)
def test_contradicting(rule: str) -> None:
    assert told(table(f"-A INPUT {rule}", "-A INPUT -p tcp -j ACCEPT")) == ["IPT102 INPUT 1"]


@pytest.mark.parametrize(
    "rule",
    [
        "-f -j DROP",
        "-p tcp -m tcp --dport 80 -m multiport --dports 80,81 -j DROP",
        "-m conntrack --ctstate NEW -m connmark --mark 1 -j DROP",
        "-m limit --limit 1/s -m limit --limit 2/s -j DROP",
        "-m addrtype --dst-type LOCAL -m pkttype --pkt-type broadcast -j DROP",
    ],
)
def test_not_contradicting(rule: str) -> None:
    assert told(table(f"-A INPUT {rule}", "-A INPUT -p tcp -j ACCEPT")) == []


def test_state_in_raw() -> None:
    """What comes back by lo has its connection already."""
    assert told(table("-A PREROUTING -m conntrack --ctstate ESTABLISHED -j ACCEPT", name="raw")) == []


def test_an_interface_that_the_hook_does_not_know() -> None:
    rules = ["-A OUTPUT -j a", "-A a -i eth0 -j DROP", "-A a -p tcp -j LOG"]
    assert told(table(*rules, chains=["a"])) == ["IPT102 a 1"]
    assert told(table("-A INPUT -j a", *rules, chains=["a"])) == []
    assert told("*filter\n" + "\n".join(rules) + "\nCOMMIT\n") == []  # an excerpt: others may call it


def test_behind_an_end() -> None:
    end = "-A INPUT -j DROP"
    rules = ["-A INPUT -p tcp -j ACCEPT", end, "-A INPUT -p udp -j ACCEPT", "-A INPUT -p icmp -j ACCEPT", SSH]
    (one,) = findings(table(*rules))
    assert one.diagnostic.message == (
        "filter INPUT rules 3 to 5 (lines 7 to 9) can never match: rule 2 (line 6) takes every packet"
    )
    assert told(table(*rules)) == ["IPT105 INPUT 3 because 2"]
    for passing in (
        "-A INPUT -j LOG",
        "-A INPUT",
        "-A INPUT -m limit --limit 1/s -j DROP",
        "-A INPUT -j MARK --set-mark 1",
    ):
        assert told(table(passing, *rules[2:4])) == []
    assert told(table("-A INPUT -m comment --comment all -j DROP", *rules[2:4])) == ["IPT105 INPUT 2 because 1"]


def test_behind_a_chain_that_ends() -> None:
    rules = ["-A INPUT -j a", SSH, "-A a -p tcp -j ACCEPT", "-A a -j REJECT"]
    assert told(table(*rules, chains=["a"])) == ["IPT105 INPUT 2 because 1"]
    assert told(table(*rules[:3], "-A a -p udp -j REJECT", chains=["a"])) == ["IPT100 INPUT 2 because 1"]
    assert told(table(*rules[:2], "-A a -p udp -j REJECT", chains=["a"])) == []


def test_script_with_conditions_is_left_alone() -> None:
    """Both branches of an if are read, and only one of them is run."""
    text = 'if [ -n "$1" ]; then\niptables -A INPUT -j DROP\nelse\niptables -A INPUT -p tcp -j ACCEPT\nfi\n'
    assert told(text) == []


def test_lines_that_are_left_out() -> None:
    assert (
        told(
            "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m mark --mark 1 -j DROP\n...\n-A INPUT -m mark --mark 1 -j ACCEPT\nCOMMIT\n"
        )
        == []
    )


@pytest.mark.parametrize(
    ("rule", "fires"),
    [
        ("-A POSTROUTING -m conntrack --ctstate ESTABLISHED -j MASQUERADE", False),
        ("-A POSTROUTING -m conntrack --ctstate RELATED -j MASQUERADE", True),
        ("-A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE", True),
        ("-A PREROUTING -m state --state INVALID -j DNAT --to-destination 10.0.0.1", False),
        ("-A PREROUTING -i lo -j REDIRECT", False),
        ("-A PREROUTING -i lo+ -j REDIRECT", True),
        ("-A PREROUTING ! -i eth0 -j REDIRECT", True),
        ("-A INPUT -i lo -j SNAT --to-source 10.0.0.1", False),
        ("-A POSTROUTING -o lo -j MASQUERADE", True),
    ],
)
def test_nat_that_cannot_fire(rule: str, fires: bool) -> None:
    expected = [] if fires else [f"IPT112 {rule.split()[1]} 1"]
    assert told(table(rule, "-A OUTPUT -p tcp -j ACCEPT", name="nat"), "IPT112", "IPT102", "IPT101") == expected


def test_an_exception_for_lo_does_no_harm() -> None:
    (one,) = findings(table("-A PREROUTING -i lo -j RETURN", "-A PREROUTING -p tcp -j REDIRECT", name="nat"))
    assert (one.code, str(one.diagnostic.severity)) == ("IPT112", "note")
    assert told(table("-A PREROUTING -i lo -j RETURN", name="mangle")) == []


def test_nat_with_an_interface_that_is_not_there() -> None:
    rules = ["-A OUTPUT -j a", "-A a -i eth0 -p tcp -j DNAT --to-destination 10.0.0.1", "-A a -p udp -j ACCEPT"]
    assert told(table(*rules, name="nat", chains=["a"])) == ["IPT112 a 1"]
    assert told(table("-A PREROUTING -j a", *rules, name="nat", chains=["a"]), "IPT112") == []


def test_long_chains() -> None:
    """Beyond 200 rules chains are walked by blocks of addresses."""
    rules = [f"-A INPUT -s 10.0.{number}.0/24 -j DROP" for number in range(250)]
    assert told(table(*rules, "-A INPUT -s 10.0.7.9 -j ACCEPT")) == ["IPT100 INPUT 251 because 8"]
    assert told(table(*rules, "-A INPUT -s 10.1.7.9 -j ACCEPT")) == []
    assert told(table(*rules[:8], *rules[8:], "-A INPUT -s 10.0.7.0/24 -d 10.9.9.9 -j LOG")) == [
        "IPT100 INPUT 251 because 8"
    ]
