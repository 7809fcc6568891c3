"""IPT113 to IPT116: published ports."""

from __future__ import annotations

import pytest

from tests.lint.found import findings, table, told

DNAT = "-A PREROUTING -d 192.0.2.1 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.2:8080"
MASQUERADE = "-A POSTROUTING -s 10.0.0.0/24 -d 10.0.0.2 -j MASQUERADE"
KNOWN = "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"

DOCKER_NAT = [
    "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
    "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
    "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
    "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
]
DOCKER_FILTER = [
    "-A FORWARD -j DOCKER-USER",
    "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A FORWARD -o docker0 -j DOCKER",
    "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT",
    "-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT",
]


def both(nat: list[str], rules: list[str], *, chains: tuple[str, ...] = (), **policies: str) -> str:
    own = [name for name in chains if any(f"-A {name} " in rule or f"-j {name}" in rule for rule in nat)]
    return table(*nat, name="nat", chains=own) + table(*rules, chains=chains, **policies)


def docker(*more: str, user: str = "-A DOCKER-USER -j RETURN", **policies: str) -> str:
    """What dockerd 20.10 writes for ``-p 8080:80``, and more rules for filter."""
    return both(DOCKER_NAT, [*more, *DOCKER_FILTER, user], chains=("DOCKER", "DOCKER-USER"), **policies)


def test_never_let_through() -> None:
    text = both(
        [DNAT, MASQUERADE], [KNOWN, "-A FORWARD -d 10.0.0.2 -p tcp --dport 80 -j ACCEPT"], FORWARD="DROP", INPUT="DROP"
    )
    (one,) = findings(text, "IPT113")
    assert one.diagnostic.message == (
        "nat PREROUTING rule 1 (line 6) sends new connections to 10.0.0.2:8080, and FORWARD accepts none of them"
    )
    assert str(one.diagnostic.severity) == "warning"
    (one,) = findings(text.replace(":INPUT DROP", ":INPUT ACCEPT"), "IPT113")
    assert one.diagnostic.message.endswith("of them (unless 10.0.0.2 is an address of this node)")
    assert str(one.diagnostic.severity) == "note"


@pytest.mark.parametrize(
    "rule",
    [
        "-A FORWARD -d 10.0.0.2 -p tcp --dport 8080 -j ACCEPT",
        "-A FORWARD -p tcp -m limit --limit 1/s -j ACCEPT",
        "-A FORWARD -s 198.51.100.0/24 -j ACCEPT",
        "-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT",
        "-A FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
        "-A FORWARD -i eth1 -j ACCEPT",
        "-A FORWARD -m owner --uid-owner 0 -j FANCY",
        "-A FORWARD -j missing",
        "-A FORWARD -m set --match-set a src -j ACCEPT",
        "-A FORWARD -j NFQUEUE\n-A FORWARD -j ACCEPT",
    ],
)
def test_some_are_let_through(rule: str) -> None:
    expected = ["IPT113"] if "NFQUEUE" in rule else []
    found = findings(both([DNAT, MASQUERADE], [KNOWN, rule], FORWARD="DROP", INPUT="DROP"), "IPT113")
    assert [one.code for one in found] == expected


@pytest.mark.parametrize(
    "rule",
    [
        DNAT.replace("DNAT --to-destination 10.0.0.2:8080", "REDIRECT --to-ports 8080"),
        DNAT.replace("10.0.0.2:8080", "127.0.0.1:8080"),
        DNAT.replace("10.0.0.2:8080", "10.0.0.2-10.0.0.9"),
        DNAT.replace("-A PREROUTING", "-A OUTPUT"),
    ],
)
def test_what_may_stay_here_is_not_told_of(rule: str) -> None:
    assert told(both([rule], [KNOWN], FORWARD="DROP"), "IPT113") == []


def test_without_filter_nothing_is_said() -> None:
    assert told(table(DNAT, name="nat"), "IPT113", "IPT115", "IPT116") == []


def test_hairpin() -> None:
    (one,) = findings(both([DNAT], []), "IPT114")
    assert one.diagnostic.message == (
        "nat PREROUTING rule 1 (line 6): if 10.0.0.2 calls itself by the public address, "
        "the packet comes back with its own source"
    )


@pytest.mark.parametrize(
    "nat",
    [
        pytest.param([DNAT, MASQUERADE], id="masqueraded"),
        pytest.param([DNAT, "-A POSTROUTING -s 10.0.0.0/24 -j SNAT --to-source 10.0.0.1"], id="SNAT"),
        pytest.param([DNAT, "-A POSTROUTING -m mark --mark 1 -j MASQUERADE"], id="by a mark that others may set"),
        pytest.param([DNAT, "-A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE"], id="by the state"),
        pytest.param([DNAT.replace("-d 192.0.2.1", "-d 192.0.2.1 -i eth0")], id="only from outside"),
        pytest.param([DNAT.replace("-d 192.0.2.1", "-d 192.0.2.1 ! -i br0")], id="not from there"),
        pytest.param([DNAT.replace("-d 192.0.2.1", "-d 192.0.2.1 ! -s 10.0.0.0/24")], id="not from those"),
        pytest.param([DNAT.replace("-d 192.0.2.1 ", "")], id="a transparent proxy"),
        pytest.param(["-A PREROUTING -j KUBE-SEP-AAAAAAAAAAAAAAAA",
                      "-A KUBE-SEP-AAAAAAAAAAAAAAAA -p tcp -j DNAT --to-destination 10.244.0.2:80"], id="kube-proxy"),
    ],
)  # fmt: skip
def test_no_hairpin(nat: list[str]) -> None:
    assert told(both(nat, [], chains=("KUBE-SEP-AAAAAAAAAAAAAAAA",)), "IPT114") == []


def test_docker_publishes_past_input() -> None:
    (one,) = findings(docker("-A INPUT -p tcp --dport 22 -j ACCEPT", INPUT="DROP", FORWARD="DROP"))
    assert one.code == "IPT115"
    assert one.diagnostic.message == (
        "port 8080 is open to other machines although INPUT drops it: nat DOCKER rule 1 (line 10) sends them to "
        "172.17.0.2:80, which FORWARD accepts"
    )
    named = findings(docker("-A INPUT -p tcp --dport 8080 -j DROP"), "IPT115")
    assert [spot.number for one in named for spot in one.because] == [1]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(docker(), id="INPUT is open"),
        pytest.param(docker("-A INPUT -p tcp --dport 8080 -j ACCEPT", INPUT="DROP"), id="the port is open"),
        pytest.param(docker("-A INPUT -s 10.0.0.0/8 -j ACCEPT", INPUT="DROP"), id="it is open to some"),
        pytest.param(docker("-A INPUT -i eth1 -j ACCEPT", INPUT="DROP"), id="it is open on one side"),
        pytest.param(docker("-A INPUT -p tcp -m limit --limit 1/s -j ACCEPT", INPUT="DROP"), id="it may be open"),
        pytest.param(docker(INPUT="DROP", user="-A DOCKER-USER -i eth0 -j DROP"), id="closed in DOCKER-USER"),
        pytest.param(docker(INPUT="DROP", user="-A DOCKER-USER ! -i lo -j DROP"), id="closed there for all"),
        pytest.param(docker(INPUT="DROP", user="-A DOCKER-USER -p tcp -m limit --limit 1/s -j DROP"), id="perhaps"),
        pytest.param(docker(INPUT="DROP").replace("! -i docker0 -p tcp -m tcp --dport 8080", "-d 127.0.0.1 ! -i docker0 -p tcp -m tcp --dport 8080"),
                     id="published on lo"),
        pytest.param(both([DNAT, MASQUERADE], ["-A INPUT -p tcp --dport 22 -j ACCEPT"], INPUT="DROP"),
                     id="a router that forwards a port"),
    ],
)  # fmt: skip
def test_nothing_is_passed_by(text: str) -> None:
    assert findings(text, "IPT115") == []


def test_ports_of_people_are_told_of_where_input_names_them() -> None:
    text = both([DNAT, MASQUERADE], ["-A INPUT -p tcp --dport 80 -j REJECT"])
    (one,) = findings(text, "IPT115")
    assert [str(spot) for spot in one.because] == ["filter INPUT rule 1 (line 13)"]


REDIRECT = "-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080"
WEB = "-A INPUT -p tcp --dport 80 -j ACCEPT"


def test_input_rule_that_never_sees_new_connections() -> None:
    (one,) = findings(both([REDIRECT], [WEB], INPUT="DROP"), "IPT116")
    assert one.diagnostic.message == (
        "filter INPUT rule 1 (line 12) never sees new connections of other machines: "
        "nat PREROUTING rule 1 (line 6) sends them on before"
    )
    elsewhere = both(
        [DNAT.replace("-d 192.0.2.1 ", "").replace(":8080", "")], [WEB, "-A FORWARD -d 10.0.0.2 -j ACCEPT"]
    )
    assert told(elsewhere, "IPT116") == ["IPT116 INPUT 1 because 1"]


@pytest.mark.parametrize(
    ("nat", "rules"),
    [
        pytest.param([REDIRECT], [WEB.replace("--dport 80", "--dport 8080")], id="it names the new port"),
        pytest.param([REDIRECT], ["-A INPUT -p tcp -m multiport --dports 80,8080 -j ACCEPT"], id="both ports"),
        pytest.param([REDIRECT.replace("-p tcp", "-i eth0 -p tcp")], [WEB], id="others come by another interface"),
        pytest.param([REDIRECT.replace("-p tcp", "-s 10.0.0.0/8 -p tcp")], [WEB], id="from elsewhere"),
        pytest.param([DNAT], [WEB], id="for another address"),
        pytest.param([DNAT.replace("-d 192.0.2.1 ", "").replace(":8080", "")], [WEB], id="may be this node"),
        pytest.param(["-A PREROUTING -s 10.1.1.1 -j ACCEPT", REDIRECT], [WEB], id="an exception before it"),
        pytest.param([REDIRECT.replace("-p tcp", "-m limit --limit 1/s -p tcp")], [WEB], id="only some"),
        pytest.param([REDIRECT], ["-A INPUT -p tcp --dport 80 -j DROP"], id="a rule that closes the port"),
        pytest.param([REDIRECT], ["-A INPUT -p tcp -j ACCEPT"], id="a rule without a port"),
        pytest.param([REDIRECT.replace("REDIRECT --to-ports 8080", "web")], [WEB], id="a chain that is not shown"),
    ],
)
def test_input_rule_that_may_see_some(nat: list[str], rules: list[str]) -> None:
    assert told(both(nat, rules), "IPT116") == []


def test_docker_and_an_input_rule() -> None:
    """Containers are not sent on by ``! -i docker0``: the rule is for them."""
    assert told(docker("-A INPUT -p tcp --dport 8080 -j ACCEPT", INPUT="DROP"), "IPT116") == []
    outside = docker("-A INPUT -i eth0 -p tcp --dport 8080 -j ACCEPT", INPUT="DROP")
    assert told(outside, "IPT116") == ["IPT116 INPUT 1 because 1"]


def test_packets_for_loopback_do_not_come_to_prerouting() -> None:
    rule = "-A PREROUTING -d 127.0.0.1 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.2"
    (one,) = findings(table(rule, name="nat"), "IPT112")
    assert str(one.diagnostic.severity) == "note"
    assert told(table(rule.replace("-d 127.0.0.1 ", ""), name="nat"), "IPT112") == []
    assert told(table(rule.replace("PREROUTING", "OUTPUT"), name="nat"), "IPT112") == []
    shared = ["-A PREROUTING -j a", "-A OUTPUT -j a", rule.replace("PREROUTING", "a")]
    assert told(table(*shared, name="nat", chains=["a"]), "IPT112") == []
    docker = ["-A PREROUTING -j DOCKER", rule.replace("PREROUTING", "DOCKER")]
    assert told(table(*docker, name="nat", chains=["DOCKER"]), "IPT112") == []


def test_other_networks_of_containers() -> None:
    """Stage two drops what comes from one bridge to another; that is no protection from outside."""
    more = [
        "-A FORWARD -j DOCKER-ISOLATION-STAGE-1",
        "-A DOCKER-ISOLATION-STAGE-1 -i br-0123456789ab ! -o br-0123456789ab -j DROP",
        "-A INPUT -p tcp --dport 22 -j ACCEPT",
    ]
    text = both(
        DOCKER_NAT, [*more, *DOCKER_FILTER], chains=("DOCKER", "DOCKER-USER", "DOCKER-ISOLATION-STAGE-1"), INPUT="DROP"
    )
    assert [one.code for one in findings(text, "IPT115")] == ["IPT115"]
