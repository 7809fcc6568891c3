"""IPT103, IPT104, IPT106, IPT107."""

from __future__ import annotations

import pytest

from tests.lint.found import findings, table, told

SSH = "-A INPUT -p tcp --dport 22 -j ACCEPT"


def test_duplicate() -> None:
    assert told(table(SSH, "-A INPUT -p udp -j ACCEPT", SSH)) == ["IPT103 INPUT 3 because 1"]
    spelled = "-A INPUT -m tcp -p tcp --destination-port ssh -j ACCEPT"
    assert told(table(SSH.replace("-p tcp", "-p tcp -m tcp"), spelled)) == ["IPT103 INPUT 2 because 1"]
    commented = SSH.replace("-j", '-m comment --comment "again" -j')
    (one,) = findings(table(SSH, commented))
    assert one.diagnostic.message == (
        "filter INPUT rule 2 (line 6) says the same as rule 1 (line 5) (comments aside: '' and 'again')"
    )
    jumps = ["-A INPUT -j a", "-A INPUT -p udp -j ACCEPT", "-A INPUT -j a", "-A a -p tcp -j DROP"]
    assert told(table(*jumps, chains=["a"])) == ["IPT103 INPUT 3 because 1"]
    marks = ["-A PREROUTING -p tcp -j MARK --set-mark 1", "-A PREROUTING -p tcp -j MARK --set-mark 1"]
    assert told(table(*marks, name="mangle")) == ["IPT103 PREROUTING 2 because 1"]


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([SSH, SSH.replace("22", "23")], id="another port"),
        pytest.param([SSH, SSH.replace("-j", "-g")], id="no such target"),
        pytest.param(["-A INPUT -m limit --limit 1/s -j ACCEPT"] * 2, id="limit twice"),
        pytest.param(["-A INPUT -m recent --set"] * 2, id="recent twice"),
        pytest.param(["-A INPUT -m hashlimit --hashlimit-upto 1/s --hashlimit-name x -j ACCEPT"] * 2, id="hashlimit twice"),
        pytest.param(["-A INPUT -m statistic --mode random --probability 0.5 -j DROP"] * 2, id="a draw twice"),
        pytest.param(["-A INPUT -p tcp"] * 2, id="counters"),
        pytest.param(["-A INPUT -p tcp -j LOG"] * 2, id="LOG"),
        pytest.param(["-A INPUT -p tcp -j MARK --xor-mark 1"] * 2, id="the mark is turned over twice"),
        pytest.param(["-A INPUT -p tcp -j TTL --ttl-dec 1"] * 2, id="no such place, and not the same twice"),
        pytest.param(["-A INPUT -p tcp -j FANCY"] * 2, id="not known"),
        pytest.param(["-A INPUT -j a"] * 2 + ["-A a -m limit --limit 1/s -j DROP"], id="a chain with a limit"),
        pytest.param(["-A INPUT -j a"] * 2 + ["-A a -p tcp -j LOG"], id="a chain that logs"),
        pytest.param(["-A INPUT -m mark --mark 1 -j DROP", "-A INPUT -p tcp -j MARK --set-mark 1",
                      "-A INPUT -m mark --mark 1 -j DROP"], id="what is asked is changed between"),
        pytest.param(["-A INPUT -p tcp -j MARK --set-mark 1", "-A INPUT -p udp -j MARK --set-mark 2",
                      "-A INPUT -p tcp -j MARK --set-mark 1"], id="what is done is undone between"),
        pytest.param(["-A INPUT -m set --match-set a src -j DROP", "-A INPUT -p tcp -j SET --add-set a src",
                      "-A INPUT -m set --match-set a src -j DROP"], id="the set is filled between"),
    ],
)  # fmt: skip
def test_no_duplicate(rules: list[str]) -> None:
    assert told(table(*rules, chains=["a"]), "IPT103") == []


def test_a_listing_that_was_pasted_twice() -> None:
    listing = "-P INPUT ACCEPT\n-A INPUT -p tcp -j ACCEPT\n"
    assert told(listing * 2) == []
    assert told(listing + "-A INPUT -p tcp -j ACCEPT\n") == ["IPT103 INPUT 2 because 1"]
    assert told(table("-A INPUT -p tcp -j ACCEPT") * 2) == []


def test_equal_rules_of_two_chains_are_no_duplicates() -> None:
    """ufw has the same rules in several of its layers."""
    assert told(table("-A INPUT -p tcp -j DROP", "-A FORWARD -p tcp -j DROP")) == []


def test_of_two_equal_rules_one_is_told_of() -> None:
    """Whoever believed two findings would remove both rules."""
    assert told(table(SSH, SSH, DROP_ALL)) == ["IPT103 INPUT 2 because 1"]


DROP_ALL = "-A INPUT -j DROP"


def test_redundant() -> None:
    rules = [
        "-A INPUT -s 10.1.2.3 -j ACCEPT",
        "-A INPUT -p udp -s 11.0.0.0/8 -j DROP",
        "-A INPUT -s 10.0.0.0/8 -j ACCEPT",
    ]
    assert told(table(*rules, INPUT="DROP")) == ["IPT104 INPUT 1 because 3"]
    assert told(table(*rules, INPUT="DROP"), "IPT104") == ["IPT104 INPUT 1 because 3"]
    rejects = ["-A INPUT -p udp --dport 53 -j REJECT", "-A INPUT -p udp -j REJECT"]
    assert told(table(*rejects)) == ["IPT104 INPUT 1 because 2"]


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(["-A INPUT -s 10.1.2.3 -j ACCEPT", "-A INPUT -p udp -j DROP", "-A INPUT -s 10.0.0.0/8 -j ACCEPT"],
                     id="some are dropped between"),
        pytest.param(["-A INPUT -s 10.1.2.3 -j ACCEPT", "-A INPUT -p udp -j LOG", "-A INPUT -s 10.0.0.0/8 -j ACCEPT"],
                     id="some would be logged between"),
        pytest.param(["-A INPUT -s 10.1.2.3 -j ACCEPT", "-A INPUT -s 10.0.0.0/8 -j DROP"], id="another verdict"),
        pytest.param(["-A INPUT -p udp --dport 53 -j REJECT --reject-with icmp-admin-prohibited", "-A INPUT -p udp -j REJECT"],
                     id="another code"),
        pytest.param(["-A INPUT -s 10.1.2.3 -m limit --limit 1/s -j ACCEPT", "-A INPUT -s 10.0.0.0/8 -j ACCEPT"],
                     id="limit"),
        pytest.param(["-A INPUT -s 10.1.2.3 -j ACCEPT", "-A INPUT -m limit --limit 1/s -j ACCEPT"], id="behind it a limit"),
        pytest.param(["-A INPUT -s 10.1.2.3 -j ACCEPT", "-A INPUT -s 10.0.0.0/8 -p tcp -j ACCEPT"], id="not all of them"),
        pytest.param(["-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A INPUT -j ACCEPT"],
                     id="known connections first"),
        pytest.param(["-A INPUT -s 10.1.2.3", "-A INPUT -s 10.0.0.0/8"], id="counters"),
        pytest.param(["-A INPUT -s 10.1.2.3 -j LOG", "-A INPUT -s 10.0.0.0/8 -j LOG"], id="LOG"),
        pytest.param(["-A INPUT -s 10.1.2.3 -j a", "-A INPUT -s 10.0.0.0/8 -j a", "-A a -p tcp -j ACCEPT"], id="jumps"),
        pytest.param(["-A FORWARD -i docker0 ! -o docker0 -j ACCEPT", "-A FORWARD -j ACCEPT"], id="Docker's own"),
        pytest.param(["-A INPUT -m mark --mark 1 -j ACCEPT", "-A INPUT ! -p udp -j MARK --set-mark 2",
                      "-A INPUT -m mark --mark 1/1 -j ACCEPT"], id="the mark is changed between"),
    ],
)  # fmt: skip
def test_not_redundant(rules: list[str]) -> None:
    assert told(table(*rules, chains=["a"]), "IPT104") == []


def test_not_redundant_by_policy() -> None:
    """A rule that says what the policy says is how people write."""
    assert told(table(SSH)) == []
    assert told(table("-A INPUT -j DROP", INPUT="DROP")) == []


def test_unused_chain() -> None:
    (one,) = findings(table("-A web -p tcp -j ACCEPT", chains=["web"]))
    assert one.diagnostic.message == "no rule leads to chain web of filter (with 1 rule): no packet comes there"
    assert one.diagnostic.span is not None
    assert one.diagnostic.span.line == 5
    two = table(SSH) + table("-A web -p tcp -j ACCEPT", name="nat", chains=["web"])
    (one,) = findings(two)
    assert one.diagnostic.span is not None
    assert one.diagnostic.span.source.line(one.diagnostic.span.line) == ":web - [0:0]"
    assert told(table("-A INPUT -j web", "-A web -p tcp -j ACCEPT", chains=["web"])) == []
    assert told(table("-A INPUT -g web", "-A web -p tcp -j ACCEPT", chains=["web"])) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("-N web\n-A web -p tcp -j ACCEPT\n", id="a listing of one chain"),
        pytest.param("*filter\n-A web -p tcp -j ACCEPT\nCOMMIT\n", id="grep"),
        pytest.param(table("-A INPUT -j other", "-A web -p tcp -j ACCEPT", chains=["web"]), id="chains are left out"),
        pytest.param(table("...", "-A web -p tcp -j ACCEPT", chains=["web"]), id="lines are left out"),
        pytest.param("iptables -N web\niptables -A web -p tcp -j ACCEPT\n", id="a script"),
        pytest.param("*filter\n:web - [0:0]\n-A web -j ACCEPT\nCOMMIT\n", id="a piece for restore --noflush"),
        *(
            pytest.param(table(f"-A {name} -p tcp -j ACCEPT", chains=[name]), id=name)
            for name in (
                "KUBE-KUBELET-CANARY",
                "KUBE-MARK-DROP",
                "DOCKER-USER",
                "ufw-user-input",
                "f2b-sshd",
                "cali-INPUT",
                "shorewall",
                "logdrop",
            )
        ),
    ],
)
def test_no_unused_chain(text: str) -> None:
    assert told(text, "IPT106") == []


def test_jump_to_an_empty_chain() -> None:
    text = table("-A INPUT -p tcp -j web", "-A FORWARD -j web", chains=["web"])
    (one,) = findings(text)
    assert one.diagnostic.message == (
        "filter INPUT rule 1 (line 6) (and 1 more) leads to web, which has no rules: nothing happens there"
    )
    for name in ("DOCKER-USER", "ufw-user-input", "f2b-sshd", "KUBE-EXTERNAL-SERVICES", "tcpre", "dynamic", "nixos-fw"):
        assert told(text.replace("web", name), "IPT107") == []
    assert told("-A INPUT -p tcp -j web\n-N web\n", "IPT107") == []
