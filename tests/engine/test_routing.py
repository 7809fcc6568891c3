"""Routing decisions; what is expected here is what the kernel does in tests/kernel/test_routing.py."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

import pytest

from iptc_sim.engine.routing import Verdict, refused_on_arrival, route_in, route_out
from iptc_sim.node import Listener, NextHop, Node, Route, RoutingRule
from iptc_sim.packet import Owner, Packet
from iptc_sim.protocols import TCP, UDP
from iptc_sim.records import replace
from iptc_sim.values import UNKNOWN, NumberRange, Prefix

INTERFACES = {"eth0": ["192.0.2.10/24", "192.0.2.11/24"], "eth1": ["10.0.0.1/24"], "eth2": ["10.0.1.1/24"]}
DEFAULT = Route(Prefix.parse("0.0.0.0/0"), "eth0", ip_address("192.0.2.1"))
BY_TABLE_100 = Route(Prefix.parse("0.0.0.0/0"), "eth2", ip_address("10.0.1.9"), table="100")
ROUTER6 = {"eth0": ["2001:db8:1::10/64"], "eth1": ["2001:db8:2::1/64"]}


def packet(source: str, destination: str, by: str | None = "eth1", **more: object) -> Packet:
    made = Packet(ip_address(source), ip_address(destination), UDP, 1000, 53, frozenset(), in_interface=by)
    return replace(made, **more)  # type: ignore[arg-type]


def arrive(source: str, destination: str, switches: Mapping[str, str] | None = None, by: str = "eth1") -> Verdict:
    interfaces = ROUTER6 if ":" in destination else INTERFACES
    return route_in(packet(source, destination, by), Node.of(interfaces, (DEFAULT,), sysctls=switches))


@pytest.mark.parametrize(
    ("source", "destination", "kind"),
    [
        ("10.0.0.5", "198.51.100.7", "forward"),
        ("10.0.0.5", "10.0.1.1", "local"),
        ("127.0.0.1", "198.51.100.7", "lost"),
        ("192.0.2.11", "198.51.100.7", "lost"),
        ("10.0.0.1", "198.51.100.7", "lost"),
        ("224.0.0.5", "198.51.100.7", "lost"),
        ("255.255.255.255", "198.51.100.7", "lost"),
        ("0.0.0.0", "198.51.100.7", "lost"),
        ("0.1.2.3", "198.51.100.7", "forward"),
        ("240.0.0.1", "198.51.100.7", "forward"),
        ("10.0.0.255", "198.51.100.7", "forward"),
        ("10.0.0.5", "127.0.0.1", "lost"),
        ("10.0.0.5", "0.0.0.0", "lost"),
        ("10.0.0.5", "255.255.255.255", "local"),
        ("0.0.0.0", "255.255.255.255", "local"),
        ("0.0.0.0", "0.0.0.0", "local"),
        ("0.0.0.0", "10.0.0.1", "lost"),
        ("10.0.0.5", "10.0.1.255", "local"),
        ("10.0.0.5", "224.0.0.1", "local"),
        ("10.0.0.5", "224.0.0.5", "lost"),
        ("2001:db8:2::5", "2001:db8:1::7", "forward"),
        ("2001:db8:1::10", "2001:db8:1::7", "forward"),
        ("fe80::7", "2001:db8:1::7", "lost"),
        ("::", "2001:db8:1::7", "lost"),
        ("fe80::7", "2001:db8:2::1", "local"),
        ("2001:db8:2::5", "2001:db8:2::", "local"),
        ("2001:db8:2::5", "ff02::1", "local"),
        ("2001:db8:2::5", "ff02::5", "lost"),
        ("2001:db8:2::5", "2001:db8:9::9", "lost"),
    ],
)
def test_martians(source: str, destination: str, kind: str) -> None:
    assert arrive(source, destination).kind == kind


@pytest.mark.parametrize(
    ("source", "destination"), [("ff02::1", "2001:db8:1::7"), ("::1", "2001:db8:1::7"), ("2001:db8:2::5", "::1"),
                                ("2001:db8:2::5", "ff01::1")]
)  # fmt: skip
def test_what_ipv6_refuses_on_arrival(source: str, destination: str) -> None:
    assert "before any hook" in refused_on_arrival(packet(source, destination), Node())
    assert bool(refused_on_arrival(packet(source, destination, "lo"), Node())) == (source == "ff02::1")  # nor by lo


@pytest.mark.parametrize(
    ("source", "switches", "kind"),
    [
        ("10.0.1.5", {"net/ipv4/conf/eth1/rp_filter": "1"}, "lost"),
        ("10.0.0.5", {"net/ipv4/conf/eth1/rp_filter": "1"}, "forward"),
        ("10.0.1.5", {"net/ipv4/conf/eth1/rp_filter": "2"}, "forward"),
        ("10.0.1.5", {"net/ipv4/conf/eth1/rp_filter": "1", "net/ipv4/conf/all/rp_filter": "2"}, "forward"),
        ("10.0.1.5", {"net/ipv4/conf/all/rp_filter": "1"}, "lost"),
        ("10.0.0.255", {"net/ipv4/conf/eth1/rp_filter": "2"}, "lost"),
        ("192.0.2.11", {"net/ipv4/conf/eth1/accept_local": "1"}, "forward"),
        ("10.0.0.5", {"net/ipv4/ip_forward": "0"}, "lost"),
        ("10.0.0.5", {"net/ipv4/conf/eth1/forwarding": "0"}, "lost"),
        ("10.0.0.5", {"net/ipv6/conf/all/forwarding": "0"}, "forward"),
    ],
)
def test_switches(source: str, switches: dict[str, str], kind: str) -> None:
    assert arrive(source, "198.51.100.7", switches).kind == kind


def test_ipv6_forwarding_has_its_own_switches() -> None:
    off = {"net/ipv6/conf/all/forwarding": "0"}
    way = ("2001:db8:2::5", "2001:db8:1::7")
    assert arrive(*way, {"net/ipv4/ip_forward": "0"}).kind == "forward"
    assert arrive(*way, off).why.endswith("net.ipv6.conf.all.forwarding is 0")
    assert arrive(*way, off | {"net/ipv6/conf/eth1/force_forwarding": "1"}).kind == "forward"


def test_route_localnet_delivers() -> None:
    for scope in ("eth1", "all"):
        assert arrive("10.0.0.5", "127.0.0.1", {f"net/ipv4/conf/{scope}/route_localnet": "1"}).kind == "local"
    assert arrive("10.0.0.5", "127.0.0.1", {"net/ipv4/conf/eth2/route_localnet": "1"}).kind == "lost"


def test_marks_choose_tables() -> None:
    node = Node.of(INTERFACES, (DEFAULT, BY_TABLE_100), rules=[RoutingRule(100, table="100", mark=1, mask=0xFF)])
    marked, plain = (route_in(packet("10.0.0.5", "198.51.100.7", mark=mark), node) for mark in (0x301, 0))
    assert (marked.interface, marked.table, marked.gateway) == ("eth2", "100", ip_address("10.0.1.9"))
    assert (plain.interface, plain.table) == ("eth0", "main")
    assert route_out(packet("10.0.0.1", "198.51.100.7", None, mark=1), node).interface == "eth2"


def test_users_choose_tables_for_what_they_send() -> None:
    node = Node.of(
        INTERFACES, (DEFAULT, BY_TABLE_100), rules=[RoutingRule(100, table="100", uids=NumberRange(1000, 2000))]
    )
    sent = packet("10.0.0.1", "198.51.100.7", None)
    assert route_out(replace(sent, owner=Owner(1500)), node).interface == "eth2"
    assert route_out(replace(sent, owner=None), node).interface == "eth0"
    unknown = route_out(sent, node)
    assert (unknown.interface, unknown.why) == (UNKNOWN, "rule 100 asks for the user, which was not told")


def test_a_route_of_main_wins_over_a_shorter_local_one_until_there_is_a_rule() -> None:
    routes = (
        DEFAULT,
        Route(Prefix.parse("10.58.0.0/16"), "lo", kind="local", table="local"),
        Route(Prefix.parse("10.58.1.0/24"), "eth2"),
    )
    asked = packet("10.0.0.5", "10.58.1.9")
    assert route_in(asked, Node.of(INTERFACES, routes)).kind == "forward"
    rule = RoutingRule(100, table="99", source=Prefix.parse("99.0.0.0/8"))
    assert route_in(asked, Node.of(INTERFACES, routes, rules=[rule])).kind == "local"


def test_several_ways_are_told_with_their_weights() -> None:
    ways = (NextHop("eth0", ip_address("192.0.2.1"), 3), NextHop("eth2", ip_address("10.0.1.9")))
    verdict = route_in(
        packet("10.0.0.5", "10.50.0.1"), Node.of(INTERFACES, [Route(Prefix.parse("10.50.0.0/16"), None, ways=ways)])
    )
    assert (verdict.kind, verdict.interface, verdict.ways) == ("forward", UNKNOWN, ways)


@pytest.mark.parametrize(
    ("destination", "source", "interface"),
    [
        ("198.51.100.7", "192.0.2.10", "eth0"),
        ("10.0.1.9", "10.0.1.1", "eth2"),
        ("10.0.1.1", "10.0.1.1", "lo"),
        ("192.0.2.11", "192.0.2.10", "lo"),
        ("127.0.0.5", "127.0.0.1", "lo"),
        ("0.0.0.0", "127.0.0.1", "lo"),
        ("10.60.0.1", "10.0.0.1", "eth2"),
    ],
)
def test_source_of_what_the_node_sends(destination: str, source: str, interface: str) -> None:
    hinted = Route(Prefix.parse("10.60.0.0/16"), "eth2", source=ip_address("10.0.0.1"))
    for protocol in (TCP, UDP):
        asked = Packet(UNKNOWN, ip_address(destination), protocol, UNKNOWN, 53)
        verdict = route_out(asked, Node.of(INTERFACES, (DEFAULT, hinted)))
        assert (str(verdict.source), verdict.interface) == (source, interface)


@pytest.mark.parametrize(
    ("kind", "error"), [("unreachable", "EHOSTUNREACH"), ("prohibit", "EACCES"), ("blackhole", "EINVAL")]
)
def test_refusing_routes(kind: str, error: str) -> None:
    node = Node.of(INTERFACES, [Route(Prefix.parse("10.50.0.0/16"), None, kind=kind)])
    sent, came = route_out(packet("10.0.0.1", "10.50.0.1", None), node), route_in(packet("10.0.0.5", "10.50.0.1"), node)
    assert (sent.kind, sent.error, came.kind, came.error) == ("lost", error, "lost", error)
    assert came.why.endswith("the sender gets an ICMP error") != (kind == "blackhole")
    assert route_out(packet("10.0.0.1", "10.51.0.1", None), node).error == "ENETUNREACH"


def test_what_is_for_many_leaves_by_the_interface_of_its_source() -> None:
    node = Node.of(INTERFACES, (DEFAULT,))
    for destination in ("255.255.255.255", "224.0.0.5"):
        assert route_out(packet("10.0.1.1", destination, None), node).interface == "eth2"
    assert route_out(packet("192.0.2.10", "10.0.0.255", None), node).interface == "eth1"


def test_of_a_node_that_is_not_known_little_is_said() -> None:
    node = Node()
    assert route_in(packet("10.0.0.5", "198.51.100.7"), node).interface is UNKNOWN
    assert route_in(packet("10.0.0.5", "224.0.0.5"), node).kind == "local"  # every group is taken as joined
    assert route_in(packet("127.0.0.1", "198.51.100.7"), node).kind == "lost"


def test_a_socket_takes_what_is_for_it() -> None:
    one = Listener(TCP, ip_address("127.0.0.1"), 80, frozenset({4}))
    assert one.takes(TCP, ip_address("127.0.0.1"), 80)
    assert not one.takes(TCP, ip_address("192.0.2.10"), 80)
