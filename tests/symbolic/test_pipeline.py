"""Whole ways and single tables: what is told apart, what is the same, what stays free."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

import pytest

from iptc_sim.constraint import Field
from iptc_sim.diagnostics import InputError
from iptc_sim.moment import Hook
from iptc_sim.packet import Packet
from iptc_sim.protocols import TCP
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import Fate
from iptc_sim.symbolic.leaves import Accepted
from iptc_sim.symbolic.outcome import Outcome, differing
from iptc_sim.symbolic.pipeline import Entrance, Pipeline, behaviour, walk
from iptc_sim.symbolic.store import Value
from iptc_sim.symbolic.variables import ROUTE, Space, interface_name, interface_number, interface_spans
from iptc_sim.syntax import parse
from iptc_sim.tracking import State


def _packet(destination: str = "10.0.0.1", dport: int = 80, **more: object) -> Packet:
    source = ip_address("203.0.113.9")
    packet = Packet(source, ip_address(destination), TCP, 33000, dport, in_interface="eth0")
    return packet if not more else Packet(source, packet.destination, TCP, 33000, dport, in_interface="eth0", **more)  # type: ignore[arg-type]


def _point(space: Space, packet: Packet, answers: Mapping[object, int] | None = None) -> dict[int, int]:
    return space.point(packet, State.NEW, answers=dict(answers or {}))


def _same(a: Ruleset, b: Ruleset) -> bool:
    space = Space.of([a, b])
    return all(
        differing(space, behaviour(space, a, entrance), behaviour(space, b, entrance)) is space.diagrams.no
        for entrance in Entrance
    )


def _filter(*rules: str, policy: str = "ACCEPT") -> Ruleset:
    return parse("\n".join(("*filter", f":FORWARD {policy} [0:0]", ":U - [0:0]", *rules, "COMMIT", "")))


def _nat(*rules: str) -> Ruleset:
    return parse("\n".join(("*nat", ":PREROUTING ACCEPT [0:0]", ":U - [0:0]", *rules, "COMMIT", "")))


def test_rules_in_another_order_that_nobody_notices() -> None:
    one = "-A FORWARD -s 10.0.0.1/32 -j DROP"
    other = "-A FORWARD -s 10.0.0.2/32 -j REJECT"
    assert _same(_filter(one, other), _filter(other, one))
    assert not _same(_filter(one, other), _filter(one, other.replace("10.0.0.2", "10.0.0.1")))


def test_two_halves_are_the_whole() -> None:
    halves = ("-A FORWARD -d 10.0.0.0/9 -j DROP", "-A FORWARD -d 10.128.0.0/9 -j DROP")
    assert _same(_filter(*halves), _filter("-A FORWARD -d 10.0.0.0/8 -j DROP"))
    assert not _same(_filter(*halves), _filter("-A FORWARD -d 10.0.0.0/7 -j DROP"))


def test_a_policy_is_a_last_rule() -> None:
    assert _same(_filter(policy="DROP"), _filter("-A FORWARD -j DROP"))
    assert not _same(_filter(policy="DROP"), _filter("-A FORWARD -j REJECT"))


def test_return_and_goto() -> None:
    returned = _filter("-A FORWARD -j U", "-A FORWARD -j DROP", "-A U -p tcp -j RETURN", "-A U -j ACCEPT")
    assert _same(returned, _filter("-A FORWARD -p tcp -j DROP"))
    went = _filter("-A FORWARD -g U", "-A FORWARD -j DROP", "-A U -p udp -j ACCEPT")
    assert _same(went, _filter())
    assert _same(_filter("-A FORWARD -g U", "-A U -p udp -j DROP", policy="DROP"), _filter(policy="DROP"))


def test_a_circle_is_refused() -> None:
    with pytest.raises(InputError, match="comes back to itself"):
        behaviour(Space.of([_filter()]), _filter("-A FORWARD -j U", "-A U -j U"), Entrance.ARRIVING)


def test_a_mark_that_packets_have_already() -> None:
    head = "*mangle\n:PREROUTING ACCEPT [0:0]\n"
    a = parse(head + "-A PREROUTING -m mark --mark 0x1 -j MARK --set-mark 0x1\nCOMMIT\n")
    assert _same(a, parse(head + "COMMIT\n"))
    assert not _same(a, parse(head + "-A PREROUTING -m mark --mark 0x1 -j MARK --set-mark 0x3\nCOMMIT\n"))
    twice = "-A PREROUTING -j MARK --xor-mark 0x5\n" * 2
    assert _same(parse(head + twice + "COMMIT\n"), parse(head + "COMMIT\n"))


def test_a_destination_that_packets_have_already() -> None:
    a = _nat("-A PREROUTING -d 10.0.0.1/32 -j DNAT --to-destination 10.0.0.1")
    assert _same(a, _nat())
    assert not _same(a, _nat("-A PREROUTING -d 10.0.0.1/32 -j DNAT --to-destination 10.0.0.2"))


def test_one_probability_or_one_endpoint() -> None:
    def service(threshold: str, last: str) -> Ruleset:
        return _nat(
            "-A PREROUTING -d 10.0.0.1/32 -j U",
            f"-A U -m statistic --mode random --probability {threshold} -j DNAT --to-destination 10.1.0.1",
            f"-A U -j DNAT --to-destination {last}",
        )

    assert _same(service("0.5", "10.1.0.2"), service("0.50000000000", "10.1.0.2"))
    assert not _same(service("0.5", "10.1.0.2"), service("0.5000000005", "10.1.0.2"))
    assert not _same(service("0.5", "10.1.0.2"), service("0.5", "10.1.0.3"))


def test_the_same_rules_are_the_same_diagram() -> None:
    rules = (
        "-A PREROUTING -d 10.0.0.1/32 -j U",
        "-A U -m statistic --mode random --probability 0.3 -j DNAT --to-destination 10.1.0.1",
        "-A U -m limit --limit 5/min -j DNAT --to-destination 10.1.0.2-10.1.0.4",
    )
    a, b = _nat(*rules), _nat(*rules)
    space = Space.of([a, b])
    for entrance in Entrance:
        assert behaviour(space, a, entrance) is behaviour(space, b, entrance)
    one = behaviour(space, _nat(*rules[:2]), Entrance.ARRIVING)
    assert one is not behaviour(space, b, Entrance.ARRIVING)


def test_nat_is_for_new_connections() -> None:
    a = _nat("-A PREROUTING -d 10.0.0.1/32 -p tcp -m conntrack --ctstate ESTABLISHED -j DNAT --to-destination 10.1.0.1")
    assert _same(a, _nat("-A PREROUTING -p tcp -m conntrack --ctstate NEW"))


def test_conditions_that_are_not_reasoned_about_are_the_same_ones() -> None:
    rule = "-A FORWARD -p tcp -m string --algo bm --string x -j DROP"
    assert _same(_filter(rule), _filter(rule, rule))
    assert not _same(_filter(rule), _filter(rule.replace("--string x", "--string y")))
    assert not _same(_filter(rule), _filter())


def test_limits_are_asked_of_the_same_packets() -> None:
    rule = "-A FORWARD -m limit --limit 5/min -j ACCEPT"
    assert _same(_filter(rule, policy="DROP"), _filter(rule, policy="DROP"))
    ahead = "-A FORWARD -s 10.0.0.1/32 -j DROP"
    assert not _same(_filter(ahead, rule, policy="DROP"), _filter(rule, ahead, policy="DROP"))
    log = "-A FORWARD -m limit --limit 5/min -j LOG"
    assert _same(_filter(log, policy="DROP"), _filter(policy="DROP"))


def test_what_routing_says_is_the_same_for_the_same_destination() -> None:
    rules = parse(
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.0.0.1/32 -p tcp -j DNAT --to-destination 10.1.0.1:8080\n"
        "COMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\nCOMMIT\n"
    )
    space = Space.of([rules])
    pipeline = Pipeline(space, rules)
    diagram = pipeline.behaviour(Entrance.ARRIVING)
    moved = ("route", Value(int(ip_address("10.1.0.1"))), None)
    for local in (0, 1):
        point = _point(space, _packet(), {moved: local, ROUTE: 1 - local})
        (outcome,) = pipeline.summaries.odds.at(diagram, point)
        assert isinstance(outcome, Outcome)
        assert outcome.fate is (Fate.DROP if local else Fate.FORWARD)
        if not local:
            assert (outcome.destination, outcome.dport) == (Value(int(ip_address("10.1.0.1"))), Value(8080))


def test_a_hundred_endpoints_do_not_multiply() -> None:
    rules = [
        f"-A U -m statistic --mode random --probability 0.1 -j DNAT --to-destination 10.1.0.{n}" for n in range(100)
    ]
    text = _nat("-A PREROUTING -d 10.0.0.1/32 -j U", *rules, "-A U -j DNAT --to-destination 10.2.0.1")
    space = Space.of([text], budget=50_000)
    pipeline = Pipeline(space, text)
    found = pipeline.summaries.odds.at(pipeline.behaviour(Entrance.ARRIVING), _point(space, _packet()))
    assert len(found) == 101
    assert sum(odds.fraction for odds in found.values()) == 1


def test_what_is_not_known_is_told() -> None:
    rules = _filter("-A FORWARD -p tcp -j NFQUEUE --queue-num 3", "-A FORWARD -j NOWHERE")
    pipeline = Pipeline(Space.of([rules]), rules)
    pipeline.behaviour(Entrance.ARRIVING)
    told = {found.places: found.why for found in pipeline.undecided}
    assert "queue 3" in told[("filter", "FORWARD", 1),]
    assert "NOWHERE" in told[("filter", "FORWARD", 2),]


def test_one_table_by_itself() -> None:
    rules = _nat("-A PREROUTING -d 10.0.0.1/32 -p tcp -j DNAT --to-destination 10.1.0.1:8080")
    space = Space.of([rules])
    diagram = walk(space, rules, Hook.PREROUTING, "nat")
    hit = space.diagrams.value(diagram, _point(space, _packet()))
    assert isinstance(hit, Accepted)
    assert hit.store.destination == Value(int(ip_address("10.1.0.1")))
    miss = space.diagrams.value(diagram, _point(space, _packet("10.0.0.2")))
    assert isinstance(miss, Accepted)
    assert miss.store == Accepted(miss.store).store
    assert len(space.diagrams.values(diagram)) >= 2
    other = _nat("-A PREROUTING -d 10.0.0.1/32 -p tcp -j DNAT --to-destination 10.1.0.1:8081")
    assert walk(space, other, Hook.PREROUTING, "nat") is not diagram
    assert walk(space, rules, Hook.PREROUTING, "nat") is diagram


def test_a_chain_of_services_in_a_cell_and_as_a_whole() -> None:
    rules = [
        f"-A U -d 10.96.{n >> 8}.{n & 255}/32 -p tcp -m tcp --dport {80 + n % 3} -j DNAT --to-destination 10.1.{n >> 8}.{n & 255}:80"
        for n in range(2_000)
    ]
    rules.insert(1_000, "-A U -s 203.0.113.0/24 -p tcp -m tcp --dport 80 -j RETURN")
    ruleset = _nat("-A PREROUTING -j U", *rules)
    space = Space.of([ruleset])
    whole = walk(space, ruleset, Hook.PREROUTING, "nat")
    moved = 0
    for number in (0, 998, 1_000, 1_001, 1_999, 2_500):
        destination = f"10.96.{number >> 8}.{number & 255}"
        for dport in (80, 81, 82):
            number_of = int(ip_address(destination))
            cell = {Field.DESTINATION: ((number_of, number_of),), Field.DPORT: ((dport, dport),)}
            point = _point(space, _packet(destination, dport))
            found = space.diagrams.value(walk(space, ruleset, Hook.PREROUTING, "nat", cell), point)
            assert found == space.diagrams.value(whole, point)
            assert isinstance(found, Accepted)
            hits = number < 2_000 and dport == 80 + number % 3 and not (number >= 1_000 and dport == 80)
            assert (found.store.destination == Value((10 << 24 | 1 << 16) + number)) is hits
            moved += hits
    assert moved > 3


def test_names_of_interfaces_are_numbers() -> None:
    assert interface_number(None) == 0
    (eth,) = interface_spans("eth", prefix=True)
    (eth0,) = interface_spans("eth0", prefix=False)
    assert eth[0] <= eth0[0] == eth0[1] <= eth[1]
    assert not eth[0] <= interface_number("et") <= eth[1]
    assert interface_name((eth0,)) == "eth0"
    rest = ((eth0[1] + 1, eth[1]),)
    name = interface_name(rest)
    assert name is not None
    assert name.startswith("eth")
    assert name != "eth0"
    assert interface_name(interface_spans("cali", prefix=True)) not in {None, "eth0"}
    assert interface_name(((0, 0),)) is None


def test_points_tell_what_they_were_made_of() -> None:
    space = Space.of([_filter()])
    packet = _packet(mark=0x4001, ttl=7)
    fields = space.fields(space.point(packet, State.RELATED, answers={("free", "x"): 1}))
    assert fields[Field.DESTINATION] == int(packet.destination)  # type: ignore[arg-type]
    assert fields[Field.MARK] == 0x4001
    assert fields[Field.HOPS] == 7
    assert fields[Field.CTSTATE] == 2
    assert fields[Field.IN_INTERFACE] == interface_number("eth0")
    assert space.answers({space.variable(("free", "x")): 1}) == {("free", "x"): 1}


def test_points_that_packets_can_be_at() -> None:
    space = Space.of([_filter()])
    arriving, local = (
        space.diagrams.value(space.possible(local=one), _point(space, _packet())) for one in (False, True)
    )
    assert local is False
    assert arriving is False  # routing has not said anything yet
    routed = _point(space, _packet()) | {space.level(Field.OUT_INTERFACE): interface_number("eth1")}
    assert space.diagrams.value(space.possible(local=False), routed) is True
    for change in (
        {space.level(Field.IN_INTERFACE): interface_number("lo")},
        {space.level(Field.CTMARK, 3): 1},
        {space.level(Field.FLAGS): 0x12},
        {space.level(Field.PROTOCOL): 47},
    ):
        assert space.diagrams.value(space.possible(local=False), routed | change) is False
    later = {space.level(Field.FLAGS): 0x12, space.level(Field.CTMARK, 3): 1, space.level(Field.CTSTATE): 1}
    assert space.diagrams.value(space.possible(local=False), routed | later) is True
