"""Targets that rewrite the packet: the bytes that leave the node beside those of the simulator."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest

from iptc_sim.connection import Connection
from iptc_sim.kernel import KernelTrace, Lab
from iptc_sim.match import Yes
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import Node, Route
from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.ruleset import Rule
from iptc_sim.syntax import parse
from iptc_sim.target import Alter, Drop, SetMark
from iptc_sim.values import Family, Prefix
from iptc_sim.wire.packets import packet_bytes, read_packet
from tests.kernel.header_cases import (
    AH4,
    CLIENT,
    CLIENT6,
    DATAGRAM,
    ICMP6,
    MSS,
    PADDED,
    SERVER,
    SERVER6,
    SYN,
    TCP6,
    TCP_HEAD,
    TEXT,
    UDP_HEAD,
    dccp,
    four,
    fragment,
    numbered,
    sctp,
    six,
    tcp,
)
from tests.kernel.scenario import ROUTER, ROUTER6, ROUTER_ROUTES, table

pytestmark = pytest.mark.kernel

NODE = Node.of(dict(ROUTER))
ROUTES6 = (Route(Prefix.parse("::/0"), "eth0", ip_address("2001:db8:1::1")),)

PACKETS4 = numbered(
    [
        tcp(),
        tcp(MSS),
        tcp(b"\1\1" + MSS + b"\x08\x0a" + bytes(8) + b"\x03\x03\x07"),
        tcp(b"", TEXT),
        tcp(MSS, TEXT),
        tcp(b"", b"", replace(SYN, tos=0xB9), flags=0xC0),
        tcp(MSS, b"x", replace(SYN, tos=3, ttl=100), flags=0x40),
        four(DATAGRAM, UDP_HEAD + b"abcdefgh"),
        tcp(bytes(40)),
        tcp(MSS + b"\1" * 36),
        tcp(b"\x08\x00" + MSS),
        tcp(b"\1\1\3\3\2\3"),
    ]
)
PACKETS6 = numbered(
    [
        tcp(packet=TCP6),
        tcp(MSS, packet=TCP6),
        tcp(MSS, TEXT, packet=replace(TCP6, tos=0xB9)),
        six((60, PADDED), last=6, payload=TCP_HEAD),
        six((60, PADDED), last=6, payload=tcp(MSS, packet=TCP6)[40:]),
        six(last=58, payload=ICMP6),
    ]
)
SYNS = "-p tcp --tcp-flags SYN SYN -j TCPMSS"
TARGETS = [
    *(f"-j TTL {words}" for words in ("--ttl-set 9", "--ttl-inc 200", "--ttl-dec 70", "--ttl-dec 3")),
    *(f"-j TOS {words}" for words in ("--set-tos 0x10", "--or-tos 0x3", "--and-tos 0xf0", "--xor-tos 0x11")),
    "-j TOS --set-tos 0x10/0x30",
    "-j DSCP --set-dscp 46",
    "-p tcp -j ECN --ecn-tcp-remove",
    "-p tcp -j ECN --ecn-ip-ect 2",
    "-p tcp -j ECN --ecn-tcp-cwr 1 --ecn-tcp-ece 0",
    *(f"{SYNS} --set-mss {size}" for size in (1200, 500, 1500)),
    "-p tcp -j TCPOPTSTRIP --strip-options mss",
    "-p tcp -j TCPOPTSTRIP --strip-options wscale,timestamp,sack",
    "-j CHECKSUM --checksum-fill",
]
TARGETS6 = [
    *(f"-j HL {words}" for words in ("--hl-set 9", "--hl-inc 250", "--hl-dec 3")),
    "-j TOS --set-tos 0x10/0x30",
    "-j DSCP --set-dscp 46",
    "-p tcp -j TCPOPTSTRIP --strip-options mss",
    *(f"{SYNS} --set-mss {size}" for size in (1300, 500, 1000)),
    "-j SNPT --src-pfx 2001:db8:2::/48 --dst-pfx fd00:1:2::/48",
    "-j SNPT --src-pfx 2001:db8:2::/64 --dst-pfx fd00:1:2:3::/64",
    "-j SNPT --src-pfx 2001:db8::/32 --dst-pfx fd00::/16",
    "-j SNPT --src-pfx 2001:db8:2::/56 --dst-pfx fd00:1:2:ff00::/56",
    "-j SNPT --src-pfx fd00:9::/48 --dst-pfx fd00:1:2::/48",
    "-j SNPT --src-pfx 2001:db8:2::/64 --dst-pfx 2001:db8:7::/48",
]


def lab_of(family: Family) -> Lab:
    routes = ROUTER_ROUTES if family is Family.IPV4 else ROUTES6
    return Lab(ROUTER if family is Family.IPV4 else ROUTER6, routes, reader="netlink")


def rewritten(rule: Rule, packet: Packet, hook: Hook) -> Packet | None:
    """Return the packet behind a rule, None where that drops it."""
    at = Moment(packet, hook, "mangle", NODE, None)
    if not all(isinstance(match.judge(at), Yes) for match in (rule.base, *rule.matches)) or rule.target is None:
        return packet
    action = rule.target.act(at)
    if isinstance(action, Drop):
        return None
    return (action.packet if isinstance(action, Alter) else None) or packet


@pytest.mark.parametrize("family", list(Family))
def test_the_bytes_that_leave_are_the_kernels(variant: str, family: Family) -> None:
    targets, packets = (TARGETS, PACKETS4) if family is Family.IPV4 else (TARGETS6, PACKETS6)
    different = []
    with lab_of(family) as lab:
        for words in targets:
            rules = table("mangle", f"-A POSTROUTING {words}")
            lab.load(rules, family, variant)
            ((*_, rule),) = parse(rules, family=family).rules()
            for data in packets:
                packet = read_packet(data, "eth1")
                assert packet is not None
                left = lab.inject(packet, conntrack=False).arrival
                ours = rewritten(rule, replace(packet, ttl=packet.ttl - 1), Hook.POSTROUTING)
                if (left and left.packet.raw) != (ours and packet_bytes(ours)):
                    different.append((words, data.hex(), left, ours))
    assert different == []


def test_dnpt(variant: str) -> None:
    rules = table("mangle", "-A PREROUTING -j DNPT --src-pfx 2001:db8:9::/48 --dst-pfx 2001:db8:77::/48")
    with lab_of(Family.IPV6) as lab:
        lab.load(rules, Family.IPV6, variant)
        packet = read_packet(PACKETS6[0], "eth1")
        assert packet is not None
        left = lab.inject(packet, conntrack=False).arrival
    ((*_, rule),) = parse(rules, family=Family.IPV6).rules()
    ours = rewritten(rule, packet, Hook.PREROUTING)
    assert left is not None
    assert ours is not None
    assert left.packet.raw == packet_bytes(replace(ours, ttl=63))


BACK = tcp(packet=replace(SYN, source=SERVER, destination=CLIENT))
MARKED4 = numbered(
    [
        *(
            tcp(packet=replace(SYN, sport=sport, dport=dport, source=ip_address(source)))
            for source in ("10.0.0.5", "203.0.113.9")
            for sport, dport in ((33000, 80), (5, 7000), (7, 7))
        ),
        packet_bytes(Packet(CLIENT, SERVER, 1, flags=frozenset(), icmp_type=8, icmp_code=0, icmp_id=5)),
        four(DATAGRAM, UDP_HEAD + bytes(8)),
    ]
)
#: Those that a rule on connections does not see, or that this kernel does not track.
STATELESS4 = numbered(
    [
        four(replace(SYN, protocol=1), struct.pack("!BBHHH", 3, 1, 0, 0, 0) + BACK[:28]),
        four(replace(SYN, protocol=50), struct.pack("!II", 0x12345678, 1)),
        four(replace(SYN, protocol=51), AH4),
        four(replace(SYN, protocol=89), bytes(8)),
        four(DATAGRAM, UDP_HEAD + bytes(8), fragment=0x2000),
        four(DATAGRAM, bytes(16), fragment=0x20),
        sctp((1, 0, 20)),
        dccp(0),
    ]
)
MARKED6 = numbered(
    [
        tcp(packet=TCP6),
        tcp(packet=replace(TCP6, sport=1, dport=99)),
        packet_bytes(Packet(CLIENT6, SERVER6, 58, flags=frozenset(), icmp_type=128, icmp_code=0, icmp_id=77)),
    ]
)
STATELESS6 = numbered(
    [
        six((60, PADDED), last=6, payload=TCP_HEAD),
        six(last=50, payload=struct.pack("!II", 0x1234, 1)),
        six(fragment(1, 77), last=17, payload=UDP_HEAD + bytes(8)),
        six(last=58, payload=struct.pack("!BBHI", 1, 0, 0, 0) + tcp(packet=TCP6)),
    ]
)
HASHES = [
    "--hmark-tuple src,dst,sport,dport,proto --hmark-mod 2147483648 --hmark-rnd 0xdeafbeef",
    "--hmark-tuple src,proto --hmark-mod 10 --hmark-offset 100 --hmark-rnd 0x1",
    "--hmark-src-prefix 24 --hmark-dst-prefix 8 --hmark-proto-mask 0xf --hmark-mod 100000 --hmark-rnd 7",
    "--hmark-sport-mask 0xff00 --hmark-dport-mask 0x00ff --hmark-mod 100000 --hmark-rnd 7",
    "--hmark-sport 5 --hmark-dport-mask 0xffff --hmark-mod 100000 --hmark-rnd 7",
    "--hmark-spi-mask 0xff00ff00 --hmark-mod 100000 --hmark-rnd 7",
    "--hmark-spi 0x12 --hmark-mod 100000 --hmark-rnd 7",
    "--hmark-tuple ct,src,dst,sport,dport,proto --hmark-mod 100000 --hmark-rnd 7",
    "--hmark-tuple ct,src --hmark-mod 100000 --hmark-rnd 7",
]


def mark_of(trace: KernelTrace) -> int | None:
    return next((stage.headers.mark for walk in trace.walks for stage in walk.stages if stage.chain == "FORWARD"), None)


@pytest.mark.parametrize("family", list(Family))
def test_hmark(variant: str, family: Family) -> None:
    with_entry, without = (MARKED4, STATELESS4) if family is Family.IPV4 else (MARKED6, STATELESS6)
    with lab_of(family) as lab:
        for words in HASHES:
            of_connection = "ct," in words
            user = "-m conntrack --ctstate NEW" if of_connection else ""
            rules = table("mangle", f"-A PREROUTING -j HMARK {words}", f"-A FORWARD {user} -j ACCEPT")
            lab.load(rules, family, variant)
            (*_, rule), *_ = parse(rules, family=family).rules()
            for data in with_entry if of_connection else with_entry + without:
                packet = read_packet(data, "eth1")
                assert packet is not None
                assert rule.target is not None
                entry = Connection.first(packet) if of_connection else None
                action = rule.target.act(Moment(packet, Hook.PREROUTING, "mangle", NODE, entry))
                assert isinstance(action, SetMark)
                assert mark_of(lab.inject(packet, conntrack=False)) == action.mark, (words, data.hex())
