"""What the tools print, read without asking the kernel for anything."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from iptc_sim.kernel import KernelError, answer_to
from iptc_sim.kernel.conntrack import read_entries
from iptc_sim.kernel.monitor import headers_of
from iptc_sim.kernel.wire import Fields, to_bytes
from iptc_sim.packet import Packet
from tests.kernel.scenario import ping, tcp, udp

_PACKETS = [
    tcp("10.0.0.5:33000", "198.51.100.7:80"),
    tcp("10.0.0.5:33000", "198.51.100.7:80", None, "FIN", "ACK"),
    udp("10.0.0.5:33000", "198.51.100.7:53"),
    ping("10.0.0.5", "198.51.100.7"),
    tcp("[2001:db8::1]:33000", "[2001:db8::2]:80"),
    udp("[2001:db8::1]:33000", "[2001:db8::2]:53"),
    ping("2001:db8::1", "2001:db8::2"),
]


@pytest.mark.parametrize("packet", _PACKETS, ids=str)
def test_packets_survive_the_wire(packet: Packet) -> None:
    fields = Fields.of(to_bytes(packet, 0x1234, ttl=9))
    assert fields is not None
    assert (fields.identifier, fields.ttl) == (0x1234, 9)
    assert replace(fields.packet(), raw=None) == packet


@pytest.mark.parametrize("packet", _PACKETS, ids=str)
def test_checksums_are_those_of_scapy(packet: Packet) -> None:
    inet, inet6 = pytest.importorskip("scapy.layers.inet"), pytest.importorskip("scapy.layers.inet6")
    data = to_bytes(packet, 0x1234)
    theirs = (inet.IP if packet.family == 4 else inet6.IPv6)(data)
    for layer in (theirs, theirs.payload):
        for name in ("chksum", "cksum"):
            if name in layer.fields:
                del layer.fields[name]
    assert bytes(theirs) == data


def test_answers() -> None:
    back = answer_to(_PACKETS[0], "eth0")
    assert (back.source_text, back.destination_text, set(back.flags)) == (
        "198.51.100.7:80",
        "10.0.0.5:33000",
        {"SYN", "ACK"},
    )
    assert answer_to(back, None).flags == {"ACK"}
    assert answer_to(_PACKETS[3], "eth0").icmp_type == 0
    assert answer_to(_PACKETS[6], "eth0").icmp_type == 129


@pytest.mark.parametrize("data", [b"", b"\x45" * 19, b"\x60" * 39, b"\x10" * 60])
def test_what_is_no_packet_is_passed_over(data: bytes) -> None:
    assert Fields.of(data) is None


def test_what_words_cannot_build_is_refused() -> None:
    sctp = replace(_PACKETS[0], protocol=132)
    with pytest.raises(KernelError, match="sctp packet can only be sent as captured bytes"):
        to_bytes(sctp, 1)
    assert to_bytes(replace(sctp, raw=b"bytes"), 1) == b"bytes"


def test_packet_line() -> None:
    line = "IN=eth0 MACSRC=2:69:70:74:1:0 SRC=192.0.2.1 DST=127.0.0.2 LEN=40 TOS=0x0 TTL=63 ID=7 DF "
    line += "SPORT=5 DPORT=80 SYN MARK=0x55"
    headers = headers_of(line.split())
    assert (headers.in_interface, headers.out_interface) == ("eth0", None)
    assert (headers.sport, headers.dport, headers.mark, headers.ttl, headers.identifier) == (
        5,
        80,
        0x55,
        63,
        7,
    )
    assert headers.flags == {"SYN"}


def test_conntrack_lines() -> None:
    listing = (
        "tcp      6 119 SYN_SENT src=192.0.2.1 dst=127.0.0.2 sport=5 dport=8080 [UNREPLIED] "
        "src=172.17.0.7 dst=192.0.2.1 sport=80 dport=5 mark=3 use=1\n"
        "icmp     1 29 src=10.0.0.5 dst=198.51.100.7 type=8 code=0 id=7 "
        "src=198.51.100.7 dst=10.0.0.5 type=0 code=0 id=7 mark=0 use=1\n"
        "conntrack v1.4.7 (conntrack-tools): 2 flow entries have been shown.\n"
    )
    first, second = read_entries(listing)
    assert (first.state, set(first.flags), first.mark) == ("SYN_SENT", {"UNREPLIED"}, 3)
    assert (first.reply.source, first.reply.sport) == (ip_address("172.17.0.7"), 80)
    assert (second.original.protocol, second.original.sport, second.state) == (1, None, "")
    assert second.reply == second.original.inverted
