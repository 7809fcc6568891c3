"""Targets that rewrite the packet. The bytes are the kernel's, as tests/kernel/test_header_targets.py compares them."""

from __future__ import annotations

import pytest

from iptc_sim.connection import Connection
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.syntax import parse
from iptc_sim.target import Action, Alter, Continue, Drop, Either, SetMark
from iptc_sim.values import UNKNOWN
from iptc_sim.wire.packets import datagram_of, packet_bytes, read_packet
from tests.kernel.header_cases import DATAGRAM, MSS, SYN, TCP6, TEXT, UDP_HEAD, four, tcp


def action(options: str, packet: Packet | bytes, connection: Connection | None = None) -> Action:
    found = read_packet(packet, "eth1") if isinstance(packet, bytes) else packet
    assert found is not None
    ((*_, rule),) = parse(f"*mangle\n:FOO - [0:0]\n-A FOO {options}\nCOMMIT\n", family=found.family).rules()
    assert rule.target is not None
    return rule.target.act(Moment(found, Hook.POSTROUTING, "mangle", Node.of({}), connection))


def changed(options: str, packet: Packet | bytes) -> Packet:
    found = action(options, packet)
    assert isinstance(found, Alter)
    assert found.packet is not None
    return found.packet


@pytest.mark.parametrize(
    ("options", "packet", "ttl", "note"),
    [
        ("-j TTL --ttl-set 0", SYN, 0, "TTL 64 => 0"),
        ("-j TTL --ttl-inc 200", SYN, 255, "TTL 64 => 255"),
        ("-j TTL --ttl-dec 70", SYN, 0, "TTL 64 => 0"),
        ("-j HL --hl-dec 4", TCP6, 60, "hop limit 64 => 60"),
    ],
)
def test_time_to_live(options: str, packet: Packet, ttl: int, note: str) -> None:
    assert action(options, packet) == Alter(note, replace(packet, ttl=ttl))


@pytest.mark.parametrize(
    ("options", "before", "after"),
    [
        ("-j TOS --set-tos 0x10/0x30", 0xB9, 0x99),
        ("-j TOS --xor-tos 0x11", 0xB9, 0xA8),
        ("-j DSCP --set-dscp 46", 0x03, 0xBB),
        ("-p tcp -j ECN --ecn-ip-ect 2", 0xB9, 0xBA),
    ],
)
def test_type_of_service(options: str, before: int, after: int) -> None:
    assert changed(options, replace(SYN, tos=before)).tos == after


def test_ecn_flags_are_changed_in_the_bytes() -> None:
    both = tcp(flags=0xC0)
    assert packet_bytes(changed("-p tcp -j ECN --ecn-tcp-remove", both)) == tcp()
    assert packet_bytes(changed("-p tcp -j ECN --ecn-tcp-ece 0", both)) == tcp(flags=0x80)
    assert changed("-p tcp -j ECN --ecn-tcp-remove", SYN) is SYN


@pytest.mark.parametrize(
    ("options", "packet", "after"),
    [
        ("--set-mss 1200", tcp(MSS), tcp(b"\2\4\4\xb0")),
        ("--set-mss 1200", SYN, tcp(b"\2\4\2\x18")),
        ("--set-mss 500", tcp(), tcp(b"\2\4\1\xf4")),
        ("--clamp-mss-to-pmtu", tcp(), tcp(b"\2\4\2\x18")),
    ],
)
def test_maximum_segment_size(options: str, packet: Packet | bytes, after: bytes) -> None:
    assert packet_bytes(changed(f"-p tcp -j TCPMSS {options}", packet)) == after


def test_segment_sizes_that_stay() -> None:
    assert isinstance(action("-p tcp -j TCPMSS --set-mss 1500", tcp(MSS)), Continue)
    assert isinstance(action("-p tcp -j TCPMSS --set-mss 500", tcp(payload=TEXT)), Continue)
    assert isinstance(action("-p tcp -j TCPMSS --set-mss 500", tcp(bytes(40))), Continue)
    assert isinstance(action("-p tcp -j TCPMSS --set-mss 500", tcp(offset=4)), Drop)
    assert isinstance(action("-p tcp -j TCPMSS --clamp-mss-to-pmtu", tcp(MSS)), Either)
    later = four(DATAGRAM, UDP_HEAD, fragment=0x20)
    assert isinstance(action("-p tcp -j TCPMSS --set-mss 500", later), Continue)


def test_tcp_options_become_no_operations() -> None:
    found = datagram_of(changed("-p tcp -j TCPOPTSTRIP --strip-options mss,sack", tcp(MSS + b"\3\3\7\1")))
    assert found is not None
    assert found.tcp_options == b"\1\1\1\1\3\3\7\1"


def test_a_traffic_class_is_the_packets_priority() -> None:
    assert changed("-j CLASSIFY --set-class 1:10", SYN).priority == 0x10010


@pytest.mark.parametrize(
    ("options", "after"),
    [
        ("-j SNPT --src-pfx 2001:db8:2::/48 --dst-pfx fd00:1:2::/48", "fd00:1:2:30b7::5"),
        ("-j SNPT --src-pfx 2001:db8::/32 --dst-pfx fd00::/16", "fd00:0:2:30b8::5"),
    ],
)
def test_prefixes_are_swapped_and_the_sum_stays(options: str, after: str) -> None:
    packet = changed(options, TCP6)
    before = packet_bytes(TCP6)
    assert packet_bytes(packet)[40:] == before[40:]  # so the checksum of TCP is right without being touched
    assert sum_of(packet) == sum_of(TCP6)
    assert str(packet.source) == after


def sum_of(packet: Packet) -> int:
    assert packet.source is not UNKNOWN
    return int(packet.source) % 0xFFFF


def test_a_prefix_that_the_address_does_not_have_breaks_the_checksum() -> None:
    packet = changed("-j SNPT --src-pfx fd00:9::/48 --dst-pfx fd00:1:2::/48", TCP6)
    assert str(packet.source) == "fd00:1:2:6::5"
    assert packet_bytes(packet)[40:] == packet_bytes(TCP6)[40:]


@pytest.mark.parametrize(
    ("options", "mark"),
    [
        ("--hmark-tuple src,dst --hmark-mod 2147483648 --hmark-rnd 0xdeafbeef", 0x1A42C079),
        ("--hmark-tuple sport,dport --hmark-mod 2147483648 --hmark-rnd 0xdeafbeef", 0x3A165379),
        ("--hmark-tuple src,dst,sport,dport,proto --hmark-mod 2147483648 --hmark-rnd 0xdeafbeef", 0x716D531B),
    ],
)
def test_hmark(options: str, mark: int) -> None:
    assert action(f"-j HMARK {options}", SYN) == SetMark(mark)


def test_hmark_of_what_is_not_known() -> None:
    hashed = "-j HMARK --hmark-tuple sport --hmark-mod 8 --hmark-rnd 1"
    assert _taken(action(hashed, replace(SYN, sport=UNKNOWN)))
    assert not _taken(action(hashed.replace("sport", "ct,sport"), SYN))
    assert _taken(action(hashed.replace("sport", "src"), replace(SYN, source=UNKNOWN)))


def _taken(found: Action) -> str:
    """Return what is taken for granted by a target that goes on."""
    assert isinstance(found, Continue)
    return found.taken
