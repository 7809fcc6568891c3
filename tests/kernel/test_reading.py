"""What the tools print, read without asking the kernel for anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iptc_sim.kernel import KernelError, answer_to
from iptc_sim.kernel.monitor import headers_of
from iptc_sim.kernel.sending import bytes_to_send
from iptc_sim.packet import Packet
from iptc_sim.values import UNKNOWN
from iptc_sim.wire.headers import Datagram
from iptc_sim.wire.packets import packet_bytes, read_packet
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
    data = bytes_to_send(replace(packet, ttl=9), 0x1234)
    found, fields = read_packet(data, None), Datagram.of(data)
    assert found is not None
    assert fields is not None
    assert (fields.identifier, fields.ttl) == (0x1234, 9)
    assert replace(found, raw=None, ttl=64, icmp_id=None) == packet


@pytest.mark.parametrize("packet", _PACKETS, ids=str)
def test_bytes_without_an_identifier_get_one(packet: Packet) -> None:
    bare = replace(packet, raw=packet_bytes(packet))
    bare = replace(bare, icmp_id=0x1234 if packet.is_icmp else None)
    assert bytes_to_send(bare, 0x1234) == bytes_to_send(packet, 0x1234)


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


def test_what_is_not_told_cannot_be_sent() -> None:
    with pytest.raises(KernelError, match="both ports must be told"):
        bytes_to_send(replace(_PACKETS[0], dport=UNKNOWN), 1)
    with pytest.raises(KernelError, match="no whole IP packet"):
        bytes_to_send(replace(_PACKETS[0], raw=b"bytes"), 1)


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
