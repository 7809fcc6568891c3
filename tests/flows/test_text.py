"""Flow text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptc_sim import InputError, IptcError, parse_flow
from iptc_sim.packet import Owner
from iptc_sim.values import UNKNOWN


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tcp 10.0.0.5:33000 -> 10.0.0.9:80 in eth0", "tcp 10.0.0.5:33000 -> 10.0.0.9:80 in eth0"),
        ("tcp 10.0.0.5:33000 > 10.0.0.9:80 in eth0", "tcp 10.0.0.5:33000 -> 10.0.0.9:80 in eth0"),
        ("tcp 10.0.0.5:33000->10.0.0.9:80 in eth0", "tcp 10.0.0.5:33000 -> 10.0.0.9:80 in eth0"),
        ("tcp 10.0.0.5 -> 10.0.0.9:80 in eth0 mark 0x4000", "tcp 10.0.0.5:* -> 10.0.0.9:80 in eth0 mark 0x4000"),
        ("TCP 10.0.0.5:1 -> 10.0.0.9:80 from host flags syn,ack", "tcp 10.0.0.5:1 -> 10.0.0.9:80 flags syn,ack"),
        ("udp [fd00::1]:5 -> [fd00::2]:53 in eth0", "udp [fd00::1]:5 -> [fd00::2]:53 in eth0"),
        ("icmp 10.0.0.5 -> 10.0.0.9 in eth0", "icmp 10.0.0.5 -> 10.0.0.9 type 8/0 in eth0"),
        ("icmp 10.0.0.5 -> 10.0.0.9 in eth0 icmp port-unreachable", "icmp 10.0.0.5 -> 10.0.0.9 type 3/3 in eth0"),
        ("ipv6-icmp fd00::1 -> fd00::2 in eth0", "ipv6-icmp fd00::1 -> fd00::2 type 128/0 in eth0"),
        ("gre 10.0.0.5 -> 10.0.0.9 in eth0", "gre 10.0.0.5 -> 10.0.0.9 in eth0"),
        ("47 10.0.0.5 -> 10.0.0.9 in eth0", "gre 10.0.0.5 -> 10.0.0.9 in eth0"),
        ("tcp 127.0.0.1:1 -> 127.0.0.1:80", "tcp 127.0.0.1:1 -> 127.0.0.1:80"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:80", "tcp 1.1.1.1:1 -> 2.2.2.2:80 in ?"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:80 in in", "tcp 1.1.1.1:1 -> 2.2.2.2:80 in in"),
    ],
)
def test_reads(text: str, shown: str) -> None:
    assert str(parse_flow(text).packet) == shown


def test_state_and_unknown_interface() -> None:
    flow = parse_flow("tcp 1.1.1.1:1 -> 2.2.2.2:80 ct established")
    assert str(flow.state) == "ESTABLISHED"
    assert flow.packet.in_interface is UNKNOWN


def test_what_else_can_be_told_of_a_packet() -> None:
    packet = parse_flow("udp 10.0.0.5:1 -> 10.0.0.9:53 from host ttl 1 tos 0x10 uid 1000 gid 0x64").packet
    assert (packet.ttl, packet.tos, packet.owner) == (1, 0x10, Owner(uid=1000, gid=100))
    packet = parse_flow("icmp 10.0.0.5 -> 10.0.0.9 in br0 physin eth1 physout eth2 id 7 mac 0:1:2:aa:bb:cc").packet
    assert (packet.physical_in, packet.physical_out, packet.icmp_id) == ("eth1", "eth2", 7)
    assert packet.source_mac == b"\0\1\2\xaa\xbb\xcc"
    assert parse_flow("udp 10.0.0.5:1 -> 10.0.0.9:53 from host").packet.owner is UNKNOWN


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "not a flow"),
        ("tcp", 4, "not a flow"),
        ("tcpp 1.1.1.1:1 -> 2.2.2.2:80", 1, "tcpp is not a protocol"),
        ("tcp 1.1.1.1:99999 -> 2.2.2.2:80", 5, "99999 is not a port"),
        ("tcp 1.1.1.1:1 2.2.2.2:80", 15, "not a flow"),
        ("tcp 1.1.1.1:1 -> fd00::1", 18, "different families"),
        ("icmp 1.1.1.1:1 -> 2.2.2.2", 6, "has a port"),
        ("tcp a:1 -> 2.2.2.2:80", 5, "not an address"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:80 ct foo", 32, "foo is not a state"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:80 mark 0x1ffffffff", 34, "not a mark"),
        ("udp 1.1.1.1:1 -> 2.2.2.2:80 flags syn", 35, "only TCP"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:80 icmp 8", 34, "only ICMP"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:80 id 8", 32, "only ICMP"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:80 ttl 256", 33, "256 is not a time to live"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:80 tos x", 33, "x is not a TOS byte"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:80 uid root", 33, "root is not a uid"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:80 mac 1:2:3:4:5", 33, "not a MAC address"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:80 bogus", 29, "not a flow"),
    ],
)
def test_refuses_with_a_column(text: str, column: int, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_flow(text)
    (found,) = caught.value.diagnostics
    assert (found.code, message in found.message) == ("IPT040", True), found.render()
    assert found.span is not None
    assert found.span.column == column, found.render()


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_cleanly(text: str) -> None:
    try:
        parse_flow(text)
    except IptcError as error:
        assert error.diagnostics[0].code == "IPT040"
