"""scapy packets and pcap files."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptc_sim import Fate, InputError, IptcError, from_scapy, parse_flow, to_scapy, trace
from iptc_sim.flows import read_pcap, write_pcap
from iptc_sim.values import UNKNOWN

pytest.importorskip("scapy", reason="the pcap extra is not installed")

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw
from scapy.utils import PcapReader, wrpcap

RULES = """*nat
-A PREROUTING -d 10.0.0.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.7:8080
COMMIT
"""


@pytest.mark.parametrize(
    ("packet", "shown"),
    [
        (
            IP(src="1.1.1.1", dst="2.2.2.2") / TCP(sport=1, dport=80, flags="SA"),
            "tcp 1.1.1.1:1 -> 2.2.2.2:80 flags syn,ack in ?",
        ),
        (Ether() / IP(src="1.1.1.1", dst="2.2.2.2") / UDP(sport=1, dport=53), "udp 1.1.1.1:1 -> 2.2.2.2:53 in ?"),
        (IP(src="1.1.1.1", dst="2.2.2.2") / ICMP(type=3, code=1), "icmp 1.1.1.1 -> 2.2.2.2 type 3/1 in ?"),
        (IPv6(src="fd00::1", dst="fd00::2") / TCP(sport=1, dport=80), "tcp [fd00::1]:1 -> [fd00::2]:80 in ?"),
        (IPv6(src="fd00::1", dst="fd00::2") / ICMPv6EchoRequest(), "ipv6-icmp fd00::1 -> fd00::2 type 128/0 in ?"),
        (IP(src="1.1.1.1", dst="2.2.2.2", proto=47), "gre 1.1.1.1 -> 2.2.2.2 in ?"),
    ],
)
def test_scapy_packets_become_packets(packet: object, shown: str) -> None:
    assert str(from_scapy(packet)) == shown


def test_trace_takes_a_scapy_packet() -> None:
    end = trace(RULES, IP(src="10.0.0.9", dst="10.0.0.1") / TCP(sport=33000, dport=80)).end
    assert (end.fate, end.packet.destination_text) == (Fate.FORWARD, "172.17.0.7:8080")


def test_a_packet_of_a_trace_turns_back_with_its_payload_and_good_checksums() -> None:
    sent = Ether() / IP(src="10.0.0.9", dst="10.0.0.1", ttl=9) / TCP(sport=33000, dport=80) / Raw(b"hello")
    back = to_scapy(trace(RULES, sent).end.packet)
    assert (back.src, back.dst, back.ttl, back[TCP].dport, bytes(back[Raw])) == (
        "10.0.0.9",
        "172.17.0.7",
        8,  # forwarding takes one
        8080,
        b"hello",
    )
    fresh = IP(bytes(back))
    del fresh.chksum, fresh[TCP].chksum
    assert bytes(fresh) == bytes(back)


@pytest.mark.parametrize(
    "text",
    [
        "tcp 10.0.0.5:33000 -> 10.0.0.9:80 in eth0 flags psh,ack",
        "udp [fd00::1]:5 -> [fd00::2]:53 in eth0",
        "icmp 10.0.0.5 -> 10.0.0.9 in eth0 icmp 3/1",
        "ipv6-icmp fd00::1 -> fd00::2 in eth0",
        "sctp 10.0.0.5:33000 -> 10.0.0.9:80 in eth0",
        "gre 10.0.0.5 -> 10.0.0.9 in eth0",
    ],
)
def test_flow_text_survives_the_way_through_scapy(text: str) -> None:
    packet = parse_flow(text).packet
    assert str(from_scapy(to_scapy(packet), "eth0")) == str(packet)


def test_pcap_in_and_out(tmp_path: Path) -> None:
    captured = tmp_path / "in.pcap"
    wrpcap(str(captured), [Ether() / ARP(), Ether() / IP(src="1.1.1.1", dst="2.2.2.2") / UDP(sport=1, dport=53)])
    (packet,) = read_pcap(captured)
    assert (str(packet.destination), packet.dport, packet.in_interface) == ("2.2.2.2", 53, UNKNOWN)
    written = tmp_path / "out.pcap"
    write_pcap(written, [packet, packet])
    with PcapReader(str(written)) as reader:
        assert [bytes(frame[IP]) for frame in reader] == [packet.raw, packet.raw]


def test_what_is_no_capture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(b"not a capture at all, really")
    with pytest.raises(InputError) as caught:
        list(read_pcap(path))
    assert caught.value.diagnostics[0].code == "IPT041"
    with pytest.raises(InputError) as caught:
        list(read_pcap(tmp_path / "none.pcap"))
    assert caught.value.diagnostics[0].code == "IPT001"
    with pytest.raises(IptcError) as refused:
        from_scapy(ARP())
    assert refused.value.diagnostics[0].code == "IPT041"
