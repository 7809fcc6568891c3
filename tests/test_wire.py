"""Packets as bytes and back; scapy, where it is installed, says which bytes are right."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.values import UNKNOWN, Family
from iptc_sim.wire.headers import Datagram
from iptc_sim.wire.packets import checksum, octets, packet_bytes, read_packet, with_transport

FOUR = Packet(ip_address("10.0.0.5"), ip_address("198.51.100.7"), 6, 33000, 80)
SIX = Packet(ip_address("2001:db8::5"), ip_address("2001:db8::7"), 6, 33000, 80)
SHAPES = [
    replace(base, protocol=protocol, flags=frozenset({"SYN"}) if protocol == 6 else frozenset())
    for base in (FOUR, SIX)
    for protocol in (6, 17, 132, 33, 136)
] + [
    Packet(FOUR.source, FOUR.destination, 1, flags=frozenset(), icmp_type=8, icmp_code=0, icmp_id=7),
    Packet(SIX.source, SIX.destination, 58, flags=frozenset(), icmp_type=128, icmp_code=0, icmp_id=7),
    Packet(FOUR.source, FOUR.destination, 47, flags=frozenset()),
]


@pytest.mark.parametrize("packet", SHAPES, ids=str)
def test_what_is_built_is_read_back(packet: Packet) -> None:
    shaped = replace(packet, ttl=9, tos=0x11)
    data = packet_bytes(shaped)
    found = read_packet(data, None)
    assert found is not None
    assert replace(found, raw=None) == shaped
    assert packet_bytes(found) == data


@pytest.mark.parametrize("packet", SHAPES, ids=str)
def test_what_changes_in_bytes_is_as_if_built_so(packet: Packet) -> None:
    told = read_packet(packet_bytes(packet), None)
    assert told is not None
    other = ip_address("192.0.2.77" if packet.family is Family.IPV4 else "2001:db8::77")
    port = 8080 if packet.has_ports else None
    one, two = (replace(item, source=other, dport=port, ttl=3, tos=0xB8) for item in (told, packet))
    assert packet_bytes(one) == packet_bytes(two)


@pytest.mark.parametrize("packet", [shape for shape in SHAPES if shape.protocol not in {33, 136}], ids=str)
def test_scapy_finds_nothing_to_put_right(packet: Packet) -> None:
    inet = pytest.importorskip("scapy.layers.inet", reason="the pcap extra is not installed")
    inet6 = pytest.importorskip("scapy.layers.inet6")
    pytest.importorskip("scapy.layers.sctp")
    data = packet_bytes(packet)
    shown = (inet.IP if packet.family is Family.IPV4 else inet6.IPv6)(data)
    for layer in (shown, shown.payload):
        for name in ("len", "chksum", "plen", "cksum"):
            if name in layer.fields:
                delattr(layer, name)
    assert bytes(shown) == data


def test_a_wrong_checksum_stays_wrong_by_the_same() -> None:
    data = bytearray(packet_bytes(FOUR))
    data[36] ^= 0x55
    packet = read_packet(bytes(data), None)
    assert packet is not None
    assert packet_bytes(packet) == bytes(data)
    after = packet_bytes(replace(packet, dport=443))
    right = packet_bytes(replace(FOUR, dport=443))
    assert (after[:36], after[38:]) == (right[:36], right[38:])
    assert after[36:38] != right[36:38]


def test_a_longer_header_is_told_in_lengths_and_checksums() -> None:
    segment = bytearray(packet_bytes(FOUR)[20:])
    segment[12] += 0x10
    found = with_transport(FOUR, bytes(segment) + b"\2\4\5\xb4")
    datagram = Datagram.of(packet_bytes(found))
    assert datagram is not None
    assert (datagram.length, datagram.tcp_options) == (44, b"\2\4\5\xb4")
    assert checksum(datagram.data[:20]) == 0
    assert checksum(datagram.data[12:20] + b"\0\x06\0\x18" + datagram.data[20:]) == 0


def test_what_is_not_known() -> None:
    found = octets(replace(FOUR, source=UNKNOWN, dport=UNKNOWN))
    known = {place for place in range(40) if found.knows(place, place + 1)}
    assert set(range(40)) - known == {10, 11, 12, 13, 14, 15, 22, 23, 36, 37}


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x45", b"\x60", b"\x4f", b"\x60" + bytes(5) + b"\x2c"]))
def test_no_bytes_make_reading_fail(data: bytes, first: bytes) -> None:
    packet = read_packet(first + data)
    if packet is not None:
        assert packet_bytes(packet) == packet.raw
        octets(packet)
