"""Who reaches a destination: every packet against the engine, and examples worked out by hand."""

from __future__ import annotations

import os
from collections import Counter
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest

from iptc_sim import api
from iptc_sim.behaviour.reach import reach
from iptc_sim.behaviour.reach_answer import Destination, Reach, Wanted
from iptc_sim.connection import Flow
from iptc_sim.diagnostics import InputError, UsageError
from iptc_sim.node import Node, Route
from iptc_sim.render.reach_words import end_words, packets_words, turns
from iptc_sim.steps import RuleStep
from iptc_sim.syntax import parse
from iptc_sim.values import Prefix, Variant
from tests.behaviour.reach_oracle import BARE, HOSTS, NODE, PORTS, Judge, count_all, drawn_rules, packets
from tests.strategies import ladder

#: How many drawn rulesets; by hand some thousands.
RULESETS: Final = int(os.environ.get("IPTC_REACH", "6"))
FIRST: Final = int(os.environ.get("IPTC_REACH_FIRST", "0"))
PACKETS: Final = 2_000


def destination(text: str, port: int | None = None) -> Destination:
    """Return a destination."""
    return Destination(Prefix.parse(text), port)


def drawn_destination(seed: int) -> Destination:
    """Return an address, an address with a port, or a network."""
    host = HOSTS[seed % len(HOSTS)]
    kinds = [destination(host, PORTS[seed % len(PORTS)]), destination(host), destination("10.2.0.0/24", 8080)]
    return kinds[seed % 3]


@pytest.mark.parametrize("wanted", Wanted)
def test_a_packet_is_of_a_class_exactly_where_the_engine_says_so(wanted: Wanted) -> None:
    found: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + RULESETS):
        text, to = drawn_rules(seed), drawn_destination(seed)
        node = BARE if seed % 3 == 2 else NODE
        answer = reach(parse(text), to, node, wanted=wanted, limit=10_000)
        if answer.undecided:  # such as the source that MASQUERADE gives, asked for by address
            found["undecided"] += 1
            continue
        share = PACKETS // len(Wanted)
        flows = (Flow(packet) for packet in packets(text, to, seed, share))
        found += count_all(Judge(text, node, answer), flows)
    assert 20 * found["undecided"] <= RULESETS
    assert found["in"] > RULESETS
    assert found["out"] > 10 * RULESETS


def told(found: Reach) -> list[str]:
    """Return the classes in words: packets, and what becomes of them."""
    return [
        f"{packets_words(item)}: {end_words(item, found.to, found.wanted)}"
        + "".join(f", where {fact}" for fact in item.facts)
        for item in found.classes
    ]


def rules_on_the_way(found: Reach, number: int = 0) -> list[str]:
    """Return the rules that the first example of a class meets."""
    steps = [step for turn in turns(found.classes[number].examples[0]) for step in turn.steps]
    return [f"{step.chain} {step.number if isinstance(step, RuleStep) else step.policy}" for step in steps]


def test_slices_answer_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(6):
        text, to = drawn_rules(seed), drawn_destination(seed)
        for wanted in (Wanted.REACHED, Wanted.DROPPED):
            monkeypatch.setattr("iptc_sim.behaviour.reach.is_large", lambda _: False)
            whole = reach(parse(text), to, NODE, wanted=wanted)
            monkeypatch.setattr("iptc_sim.behaviour.reach.is_large", lambda _: True)
            part = reach(parse(text), to, NODE, wanted=wanted)
            assert told(part) == told(whole)
            assert [rules_on_the_way(part, n) for n, _ in enumerate(part.classes)] == [
                rules_on_the_way(whole, n) for n, _ in enumerate(whole.classes)
            ]


@pytest.mark.parametrize(("policy", "place"), [("ACCEPT", "FORWARD 3"), ("DROP", "FORWARD DROP")])
def test_what_is_behind_rules_that_a_slice_leaves_out_keeps_its_place(
    policy: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iptc_sim.behaviour.reach.is_large", lambda _: True)
    other = "-A FORWARD -d 10.2.0.6/32 -j ACCEPT\n"
    own = "-A FORWARD -d 10.2.0.5/32 -p tcp -j " + ("DROP" if policy == "ACCEPT" else "ACCEPT")
    rules = f"*filter\n:FORWARD {policy}\n{other}{other}{own}\nCOMMIT\n"
    found = reach(parse(rules), destination("10.2.0.5"), NODE, wanted=Wanted.DROPPED)
    assert not found.undecided
    assert [rules_on_the_way(found, number) for number, _ in enumerate(found.classes)] == [[place]]


@pytest.mark.parametrize("wanted", [Wanted.REACHED, Wanted.DROPPED])
def test_what_is_undecided_of_a_slice_keeps_its_place(wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iptc_sim.behaviour.reach.is_large", lambda _: True)
    other = "-A FORWARD -d 10.2.0.6/32 -j ACCEPT\n"
    rules = f"*filter\n:FORWARD DROP\n{other}{other}-A FORWARD -d 10.2.0.5/32 -j GONE\nCOMMIT\n"
    found = reach(parse(rules), destination("10.2.0.5"), NODE, wanted=wanted)
    assert [item.places for item in found.undecided] == [("filter FORWARD rule 3",)]


def test_keys_looked_at_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iptc_sim.behaviour.reach.is_large", lambda _: True)
    monkeypatch.setattr("iptc_sim.behaviour.reach._TOGETHER", 0)
    found: Counter[str] = Counter()
    for seed in range(9):
        text, to = drawn_rules(seed), drawn_destination(seed)
        answer = reach(parse(text), to, NODE, limit=10_000)
        assert not answer.undecided
        found += count_all(Judge(text, NODE, answer), (Flow(packet) for packet in packets(text, to, seed, 200)))
    assert found["in"] > 20
    assert found["out"] > 100


def test_a_container_in_the_seed(seed: Path) -> None:
    """docker.md: what arrives for 127.0.0.2 by another interface than docker0; OUTPUT leaves out 127.0.0.0/8."""
    found = api.reach((seed / "docker-nat.rules").read_text(), "172.17.0.7:80")
    assert told(found) == [
        "any protocol from anywhere to 172.17.0.7 port 80, arriving or made on this node: forwarded or sent, unchanged",
        (
            "tcp from anywhere to 127.0.0.2 port 8080, arriving by any but docker0: "
            "forwarded, its destination becomes 172.17.0.7:80"
        ),
    ]
    assert rules_on_the_way(found, 1) == ["PREROUTING 1", "DOCKER 1"]


def test_an_endpoint_of_a_service(corpora: Path) -> None:
    """kube-proxy.md: masquerade for what is not of the pods' network, and for the endpoint's talk to itself."""
    text = (corpora / "kube-proxy-1.28" / "clusterip.save").read_text()
    found = api.reach(text, "10.244.1.5:8080")
    third = "715827883/2147483648 (33.333%): forwarded or sent, its destination becomes 10.244.1.5:8080"
    assert told(found) == [
        (
            "any protocol from anywhere to 10.244.1.5 port 8080, arriving or made on this node: "
            "forwarded or sent, unchanged"
        ),
        (
            "tcp from anywhere but 10.244.0.0/16, or from 10.244.1.5 to 10.96.0.20 port 80, arriving or made on this node: "
            f"{third} and its source is rewritten"
        ),
        "tcp from 10.244.0.0/16 but not 10.244.1.5 to 10.96.0.20 port 80, arriving or made on this node: " + third,
    ]
    assert rules_on_the_way(found, 2) == [
        "PREROUTING 1", "KUBE-SERVICES 1", "KUBE-SVC-CDGGSHYLG3RE2FKL 2", "KUBE-SEP-AFGSLHOD2HFNCBX4 2",
    ]  # fmt: skip
    masqueraded = api.reach(text, "10.244.1.5:8080", wanted="masqueraded")
    assert told(masqueraded) == told(found)[1:2]
    near = api.reach(text, "10.244.1.5:8080", source="10.244.7.0/24")
    assert told(near) == [
        told(found)[0],
        "tcp from anywhere to 10.96.0.20 port 80, arriving or made on this node: " + third,
    ]


def test_a_service_without_endpoints(corpora: Path) -> None:
    """kube-proxy.md: rejected where it is forwarded or made here; what is for the node itself is not."""
    text = (corpora / "kube-proxy-1.28" / "no-endpoints.save").read_text()
    found = api.reach(text, "10.96.7.90:80", wanted="rejected")
    assert told(found) == [
        "tcp from anywhere to 10.96.7.90 port 80, made on this node: rejected with icmp-port-unreachable",
        (
            "tcp from anywhere to 10.96.7.90 port 80 (an address that is not this node's), arriving: "
            "rejected with icmp-port-unreachable"
        ),
    ]
    assert rules_on_the_way(found) == ["OUTPUT 3", "KUBE-SERVICES 1"]


def test_a_load_balancer_for_some_sources_only(corpora: Path) -> None:
    """kube-proxy.md: what loadBalancerSourceRanges do not name is dropped, though the balancer itself is let through."""
    text = (corpora / "kube-proxy-1.28" / "loadbalancer-sourceranges.save").read_text()
    found = api.reach(text, "203.0.113.10:443", wanted="dropped")
    assert told(found) == [
        (
            "tcp from anywhere but 192.168.0.0/24,198.51.100.0/24,203.0.113.10/31 to 203.0.113.10 port 443, "
            "arriving or made on this node: dropped"
        )
    ]


DOCKER_NODE: Final = Node.of(
    {"eth0": ["10.0.0.1/24"], "docker0": ["172.17.0.1/16"]},
    [Route(Prefix.parse("0.0.0.0/0"), "eth0", ip_address("10.0.0.9"))],
    sysctls={"net/ipv4/ip_forward": "1"},
)


def test_a_published_port_of_docker(corpora: Path) -> None:
    """docker.md: 29 drops what is sent to the container itself in raw; 20.10 lets it pass where the port is published."""
    new = (corpora / "docker" / "29.7-any" / "iptables-save.txt").read_text()
    assert told(api.reach(new, "172.17.0.2:80", DOCKER_NODE)) == [
        (
            "tcp from anywhere to 127.0.0.0/8 port 8080, arriving by eth0: "
            "forwarded, its destination becomes 172.17.0.2:80"
        ),
        (
            "any protocol from anywhere to 172.17.0.2 port 80, arriving by docker0 or made on this node: "
            "forwarded or sent, unchanged"
        ),
        (
            "tcp from anywhere to 10.0.0.1,172.17.0.1 port 8080, arriving by eth0 or made on this node: "
            "forwarded or sent, its destination becomes 172.17.0.2:80"
        ),
    ]
    dropped = api.reach(new, "172.17.0.2:80", DOCKER_NODE, wanted="dropped")
    assert told(dropped) == ["any protocol from anywhere to 172.17.0.2 port 80, arriving by eth0: dropped"]
    assert rules_on_the_way(dropped) == ["PREROUTING 1"]
    old = (corpora / "docker" / "20.10-any" / "iptables-save.txt").read_text()
    found = api.reach(old, "172.17.0.2:80", DOCKER_NODE)
    assert (
        "tcp from anywhere but 172.17.0.2 to 172.17.0.2 port 80, arriving or made on this node: "
        "forwarded or sent, unchanged"
    ) in told(found)
    policy = api.reach(old, "172.17.0.2:80", DOCKER_NODE, wanted="dropped")
    assert told(policy) == ["any protocol but tcp from anywhere to 172.17.0.2 port 80, arriving by eth0: dropped"]
    assert rules_on_the_way(policy) == ["FORWARD DROP"]


def test_redirect_needs_the_node() -> None:
    text = "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 3128\nCOMMIT\n"
    blind = api.reach(text, "192.0.2.10:3128")
    assert [item.why for item in blind.undecided] == [
        "REDIRECT sends packets to this node's own address, which is not told (--iface, --node)"
    ]
    found = api.reach(text, "192.0.2.10:3128", NODE)
    assert told(found)[0] == (
        "tcp from anywhere to anywhere port 80, arriving by eth0: "
        "delivered on this node, its destination becomes 192.0.2.10:3128"
    )
    assert not found.undecided


def test_netmap_gives_an_address_for_an_address() -> None:
    text = "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -d 198.18.4.0/24 -j NETMAP --to 10.2.0.0/24\nCOMMIT\n"
    found = api.reach(text, "10.2.0.5", NODE)
    assert told(found) == [
        "any protocol from anywhere to 10.2.0.5, arriving or made on this node: forwarded or sent, unchanged",
        "any protocol from anywhere to 198.18.4.5, arriving: forwarded, its destination becomes 10.2.0.5",
    ]


def test_what_cannot_be_reasoned_about_is_told() -> None:
    text = (
        "*filter\n:FORWARD DROP\n-A FORWARD -p tcp -m string --string ok --algo bm -j ACCEPT\n"
        "-A FORWARD -p udp -m limit --limit 5/sec -j ACCEPT\nCOMMIT\n"
    )
    found = api.reach(text, "10.2.0.5:80", NODE)
    assert [item.facts for item in found.classes] == [("-m limit --limit 5/sec holds",), ()]
    # A packet with that text in it is not made up.
    (left,) = found.undecided
    assert left.places[0].startswith(
        "arriving: protocol tcp, destination 10.2.0.5, destination port 80, where -m string"
    )


def test_connections_that_exist_only_where_asked_for() -> None:
    text = "*filter\n:FORWARD DROP\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n"
    assert told(api.reach(text, "10.2.0.5", NODE)) == [
        "any protocol from anywhere to 10.2.0.5, made on this node: sent, unchanged"
    ]
    every = api.reach(text, "10.2.0.5", NODE, states=["NEW", "ESTABLISHED", "RELATED", "INVALID"])
    assert any("arriving" in line and "ESTABLISHED" in line for line in told(every))


def test_ipv6() -> None:
    text = (
        "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -d fd00:96::1/128 -p tcp -m tcp --dport 80 "
        "-j DNAT --to-destination [fd00:10::5]:8080\nCOMMIT\n"
    )
    found = api.reach(text, "[fd00:10::5]:8080")
    assert told(found)[1] == (
        "tcp from anywhere to fd00:96::1 port 80, arriving: forwarded, its destination becomes [fd00:10::5]:8080"
    )


def test_no_more_classes_than_asked_for() -> None:
    text = drawn_rules(7)
    whole = reach(parse(text), drawn_destination(7), NODE)
    first = reach(parse(text), drawn_destination(7), NODE, limit=2)
    assert len(whole.classes) > 2
    assert told(first) == told(whole)[:2]
    assert first.left == len(whole.classes) - 2


def test_families_are_not_mixed() -> None:
    with pytest.raises(UsageError, match="IPv6"):
        api.reach("*filter\n:FORWARD ACCEPT\nCOMMIT\n", "fd00::1")


def test_a_word_that_is_no_destination() -> None:
    for text in ("", "10.0.0.1:", "10.0.0.1:70000", "10.0.0.1:x", "web", "10.0.0.0/33"):
        with pytest.raises(ValueError, match=r"."):
            Destination.parse(text)
    for text in ("10.0.0.1", "10.0.0.1:80", "10.0.0.0/8:80", "fd00::1", "[fd00::1]:80"):
        assert str(Destination.parse(text)) == text


@pytest.mark.parametrize("more", [(), (Route(Prefix.parse("10.96.0.0/12"), None, kind="unreachable"),)])
def test_a_destination_without_a_route_is_rewritten_ahead_of_routing(more: tuple[Route, ...]) -> None:
    rules = parse("*nat\n-A PREROUTING -d 10.96.0.10/32 -p tcp -j DNAT --to-destination 10.2.0.5\nCOMMIT\n")
    node = Node.of({"eth0": ["192.0.2.1/24"], "cni0": ["10.2.0.1/24"]}, more)
    found = reach(rules, destination("10.2.0.5", 80), node)
    assert any("to 10.96.0.10 port 80, arriving: forwarded" in line for line in told(found)), told(found)
    gone = reach(rules, destination("10.96.0.10", 80), node)
    assert not gone.classes


def test_deep_chains() -> None:
    with pytest.raises(InputError, match="nested deeper than 15 jumps"):
        reach(parse(ladder(3000)), destination("10.2.0.5"), NODE)
    legacy = parse(
        ladder(3000, "DNAT --to-destination 10.2.0.5").replace("filter", "nat").replace("FORWARD", "PREROUTING"),
        variant=Variant.LEGACY,
    )
    found = reach(legacy, destination("10.2.0.5"), NODE)
    assert found.undecided
