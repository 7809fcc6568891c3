"""What each match says of a packet, and the reason that it gives. Expected values: man iptables-extensions and the kernel."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from iptc_sim.connection import Connection
from iptc_sim.match import No, Unclear, Yes
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.ruleset import Rule
from iptc_sim.syntax import parse
from iptc_sim.tracking import Direction, State
from iptc_sim.values import UNKNOWN, Odds

NODE = Node.of({"eth0": ["192.0.2.10/24"], "docker0": ["172.17.0.1/16"]})
PACKET = Packet(
    ip_address("10.0.0.5"),
    ip_address("192.0.2.10"),
    6,
    33000,
    80,
    mark=0x15,
    in_interface="eth0",
    out_interface="docker0",
)


def rule_of(options: str) -> Rule:
    ruleset = parse(f"*filter\n:FOO - [0:0]\n-A FOO {options}\nCOMMIT\n")
    return next(rule for *_, rule in ruleset.rules())


def outcome(options: str, packet: Packet = PACKET, connection: Connection | None = None) -> str:
    """Return ``yes``, ``no: REASON`` or ``?: REASON`` for the whole rule."""
    at = Moment(packet, Hook.FORWARD, "filter", NODE, connection)
    for match in (rule_of(options).base, *rule_of(options).matches):
        found = match.judge(at)
        if isinstance(found, No):
            return f"no: {found}"
        if isinstance(found, Unclear):
            return f"?: {found}"
        assert isinstance(found, Yes)
    return "yes"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-s 10.0.0.0/8", "yes"),
        ("-s 10.0.0.6", "no: -s 10.0.0.6/32: the source is 10.0.0.5"),
        ("! -s 10.0.0.0/8", "no: ! -s 10.0.0.0/8: the source is 10.0.0.5"),
        ("! -d 127.0.0.0/8", "yes"),
        ("-s 10.0.0.5/255.0.0.255", "yes"),
        ("-i eth0 -o docker0", "yes"),
        ("-i eth+", "yes"),
        ("! -i eth+", "no: ! -i eth+: the in interface is eth0"),
        ("-i eth", "no: -i eth: the in interface is eth0"),
        ("-p tcp", "yes"),
        ("! -p tcp", "no: ! -p tcp: the protocol is tcp"),
        ("-p udp", "no: -p udp: the protocol is tcp"),
        ("-f", "no: -f: the packet is not a later fragment"),
        ("! -f", "yes"),
        ("-p tcp -m tcp --dport 80", "yes"),
        ("-p tcp -m tcp --dport 81:90", "no: --dport 81:90: the destination port is 80"),
        ("-p tcp -m tcp ! --sport 1024:", "no: ! --sport 1024:65535: the source port is 33000"),
        ("-p tcp --syn", "yes"),
        ("-p tcp --tcp-flags ALL NONE", "no: --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE: the flags are SYN"),
        ("-p tcp --tcp-option 5", "no: --tcp-option 5: it has no TCP options"),
        ("-p tcp -m multiport --dports 22,80:90", "yes"),
        ("-p tcp -m multiport ! --dports 22,80:90", "no: ! --dports 22,80:90: the destination port is 80"),
        ("-p tcp -m multiport --ports 33000", "yes"),
        ("-p tcp -m multiport --sports 80", "no: --sports 80: the source port is 33000"),
        ("-m mark --mark 0x15", "yes"),
        ("-m mark --mark 0x5/0xf", "yes"),
        ("-m mark --mark 0x14/0x10", "no: --mark 0x14/0x10: the mark is 0x15"),
        ("-m mark ! --mark 0x1/0x1", "no: ! --mark 0x1/0x1: the mark is 0x15"),
        ("-m addrtype --dst-type LOCAL", "yes"),
        ("-m addrtype --src-type LOCAL", "no: --src-type LOCAL: the type of the source 10.0.0.5 is UNICAST"),
        ("-m addrtype --dst-type LOCAL --limit-iface-in", "yes"),
        ("-m addrtype ! --dst-type BROADCAST,MULTICAST", "yes"),
        ("-m comment --comment x", "yes"),
        ("-m statistic --mode random --probability 0", "no: --probability 0.00000000000: that never happens"),
        ("-m statistic --mode random --probability 1", "yes"),
        ("-m statistic --mode nth --every 1 --packet 0", "yes"),
        ("-m recent --set", "yes"),
        ("-m recent --name X --rcheck", "?: whether 10.0.0.5 is on the list X is not known"),
        ("-m recent --name X --update --rdest", "?: whether 192.0.2.10 is on the list X is not known"),
    ],
)
def test_judgement_and_reason(options: str, expected: str) -> None:
    assert outcome(options) == expected


@pytest.mark.parametrize(
    ("options", "out", "expected"),
    [
        ("-o eth0", None, "no: -o eth0: there is no out interface"),
        ("! -o eth0", None, "yes"),
        ("-o eth+", None, "no: -o eth+: there is no out interface"),
        ("-o eth0", UNKNOWN, "?: -o eth0: the out interface is not known"),
        ("-o eth0 -s 1.1.1.1", UNKNOWN, "no: -s 1.1.1.1/32: the source is 10.0.0.5"),
        ("-o eth0 -p udp", UNKNOWN, "no: -p udp: the protocol is tcp"),
    ],
)
def test_interfaces_that_are_not_there_or_not_known(options: str, out: str | None, expected: str) -> None:
    assert outcome(options, replace(PACKET, out_interface=out)) == expected


@pytest.mark.parametrize(
    ("threshold", "numerator"),
    [("0.33333", 715820724), ("0.3333333333", 715827883), ("0.5", 1 << 30), ("0.0000000001", 0)],
)
def test_random_draws_are_exact(threshold: str, numerator: int) -> None:
    (match,) = rule_of(f"-m statistic --mode random --probability {threshold}").matches
    found = match.judge(Moment(PACKET, Hook.FORWARD, "filter", NODE, None))
    if numerator == 0:
        assert isinstance(found, No)
        return
    assert isinstance(found, Unclear)
    assert found.chance == Odds(numerator, 1 << 31)


def test_negated_draws_and_counters_have_the_complement() -> None:
    at = Moment(PACKET, Hook.FORWARD, "filter", NODE, None)
    (match,) = rule_of("-m statistic --mode random ! --probability 0.25").matches
    found = match.judge(at)
    assert isinstance(found, Unclear)
    assert found.chance is not None
    assert str(found.chance) == "3/4"
    (match,) = rule_of("-m statistic --mode nth --every 3 --packet 1").matches
    found = match.judge(at)
    assert isinstance(found, Unclear)
    assert str(found.chance) == "1/3"


ENTRY = Connection.first(PACKET)
DNATED = replace(ENTRY, reply=replace(ENTRY.reply, source=ip_address("172.17.0.7"), sport=8080))
UNTRACKED = replace(ENTRY, state=State.UNTRACKED)
REPLY = replace(DNATED, state=State.ESTABLISHED, direction=Direction.REPLY)


@pytest.mark.parametrize(
    ("options", "entry", "expected"),
    [
        ("-m conntrack --ctstate NEW", ENTRY, "yes"),
        ("-m state --state NEW", ENTRY, "yes"),
        ("-m conntrack --ctstate ESTABLISHED,RELATED", ENTRY, "no: --ctstate RELATED,ESTABLISHED: the state is NEW"),
        ("-m conntrack ! --ctstate INVALID", ENTRY, "yes"),
        ("-m conntrack --ctstate DNAT", DNATED, "yes"),
        ("-m conntrack --ctstate SNAT", DNATED, "no: --ctstate SNAT: the state is NEW,DNAT"),
        ("-m conntrack --ctstate ESTABLISHED", REPLY, "yes"),
        ("-m conntrack --ctdir REPLY", REPLY, "yes"),
        ("-m conntrack --ctdir ORIGINAL", REPLY, "no: --ctdir ORIGINAL: the direction is REPLY"),
        ("-m conntrack --ctorigdst 192.0.2.10 --ctorigdstport 80", DNATED, "yes"),
        ("-m conntrack --ctreplsrc 172.17.0.7 --ctreplsrcport 8080", DNATED, "yes"),
        ("-m conntrack --ctorigdstport 81", DNATED, "no: --ctorigdstport 81: the original destination port is 80"),
        ("-m conntrack --ctproto 17", ENTRY, "no: --ctproto 17: the protocol is 6"),
        ("-m conntrack --ctstatus NONE", ENTRY, "no: --ctstatus NONE: the status is not confirmed"),
        ("-m conntrack --ctstatus SEEN_REPLY", REPLY, "yes"),
        ("-m conntrack --ctstatus CONFIRMED", replace(ENTRY, confirmed=True), "yes"),  # sent once more, or come by lo
        ("-m conntrack ! --ctstatus CONFIRMED,SEEN_REPLY", ENTRY, "yes"),
        ("-m conntrack --ctstatus ASSURED", replace(REPLY, confirmed=True, assured=True), "yes"),
        ("-m conntrack --ctstatus ASSURED", REPLY, "?: --ctstatus ASSURED: whether the entry is ASSURED is not known"),
        ("-m conntrack --ctexpire 5", ENTRY, "?: --ctexpire 5: the timeout of the entry is not known"),
        ("-m conntrack --ctstate UNTRACKED", UNTRACKED, "yes"),
        ("-m conntrack --ctstate UNTRACKED --ctproto 17", UNTRACKED, "yes"),  # the rest is not looked at
        ("-m conntrack --ctstate NEW", UNTRACKED, "no: --ctstate NEW: the state is UNTRACKED"),
        ("-m state --state UNTRACKED", UNTRACKED, "yes"),
        ("-m conntrack --ctdir ORIGINAL", UNTRACKED, "no: --ctdir ORIGINAL: the packet has no conntrack entry"),
        ("-m conntrack --ctstate INVALID", None, "yes"),
        ("-m state --state INVALID", None, "yes"),
        ("-m conntrack --ctproto 6", None, "no: --ctproto 6: the packet has no conntrack entry"),
    ],
)
def test_connection_tracking(options: str, entry: Connection | None, expected: str) -> None:
    assert outcome(options, connection=entry) == expected


def test_the_ports_of_icmp_are_its_id_and_its_message() -> None:
    """Type and code are one number; tests/kernel/test_connections.py asks the kernel."""
    ping = replace(PACKET, protocol=1, sport=None, dport=None, icmp_type=8, icmp_code=0, icmp_id=7, flags=frozenset())
    entry = Connection.first(ping)
    for asked in ("--ctorigsrcport 7", "--ctorigdstport 2048", "--ctreplsrcport 7", "--ctrepldstport 0"):
        assert outcome(f"-m conntrack {asked}", ping, entry) == "yes"
    assert outcome("-m conntrack ! --ctorigdstport 80:", ping, entry).startswith("no: ")
    unknown = replace(ping, icmp_id=None)
    assert outcome("-m conntrack --ctorigsrcport 7", unknown, Connection.first(unknown)).startswith("?: ")


@pytest.mark.parametrize(
    ("options", "kind", "expected"),
    [
        ("--icmp-type echo-request", (8, 0), "yes"),
        ("--icmp-type 3/4", (3, 4), "yes"),
        ("--icmp-type 3/4", (3, 1), "no: --icmp-type 3/4: the ICMP type is 3/1"),
        ("--icmp-type any", (13, 0), "yes"),
        ("! --icmp-type 8", (8, 0), "no: ! --icmp-type 8: the ICMP type is 8/0"),
    ],
)
def test_icmp(options: str, kind: tuple[int, int], expected: str) -> None:
    packet = Packet(PACKET.source, PACKET.destination, 1, flags=frozenset(), icmp_type=kind[0], icmp_code=kind[1])
    assert outcome(f"-p icmp -m icmp {options}", packet) == expected


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.2", "LOCAL"),
        ("192.0.2.10", "LOCAL"),
        ("192.0.2.255", "BROADCAST"),
        ("255.255.255.255", "BROADCAST"),
        ("0.0.0.0", "BROADCAST"),
        ("127.255.255.255", "BROADCAST"),
        ("192.0.2.0", "UNICAST"),
        ("224.0.0.1", "MULTICAST"),
        ("8.8.8.8", "UNICAST"),
        ("ff02::1", "MULTICAST"),
        ("::1", "LOCAL"),
    ],
)
def test_address_types_are_the_local_tables(address: str, kind: str) -> None:
    assert NODE.address_type(ip_address(address)) == kind
