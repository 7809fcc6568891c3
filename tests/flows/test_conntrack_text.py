"""Lines as conntrack 1.4.7 has printed them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from iptc_sim.connection import Connection, FlowTuple
from iptc_sim.diagnostics import InputError, SourceFile
from iptc_sim.flows.conntrack_text import read_connections
from iptc_sim.protocols import ICMP, TCP, UDP

LISTING = """\
tcp      6 119 SYN_SENT src=192.0.2.1 dst=127.0.0.2 sport=5 dport=8080 [UNREPLIED] src=172.17.0.7 dst=192.0.2.1 sport=80 dport=5 mark=0 use=1
tcp      6 431999 ESTABLISHED src=192.0.2.1 dst=192.0.2.10 sport=6 dport=22 packets=7 bytes=800 src=192.0.2.10 dst=192.0.2.1 sport=22 dport=6 packets=5 bytes=600 [ASSURED] mark=5 helper=ftp use=1
udp      17 29 src=127.0.0.1 dst=127.0.0.1 sport=51654 dport=53 zone-orig=7 packets=1 bytes=29 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=53 dport=51654 packets=0 bytes=0 mark=5 use=1
icmp     1 29 src=10.0.0.5 dst=198.51.100.7 type=8 code=0 id=77 src=198.51.100.7 dst=192.0.2.10 type=0 code=0 id=78 mark=0 zone=3 use=1
unknown  99 49 src=1.2.3.4 dst=4.3.2.1 packets=0 bytes=0 [UNREPLIED] src=4.3.2.1 dst=1.2.3.4 packets=0 bytes=0 mark=0 use=1
ipv6     10 udp      17 12 src=::1 dst=::1 sport=1 dport=2 [UNREPLIED] src=::1 dst=::1 sport=2 dport=1 mark=0 zone=0 use=2
ipv4     2 gre      47 49 timeout=0, stream_timeout=0 src=1.2.3.4 dst=4.3.2.1 srckey=0x5 dstkey=0x6 packets=0 bytes=0 [UNREPLIED] src=4.3.2.1 dst=1.2.3.4 srckey=0x6 dstkey=0x5 packets=0 bytes=0 mark=0 zone=0 use=2
conntrack v1.4.7 (conntrack-tools): 7 flow entries have been shown.
"""


def read(text: str) -> tuple[Connection, ...]:
    return read_connections(SourceFile("conntrack.txt", text))


def test_every_line() -> None:
    syn, shell, dns, echo, other, six, gre = read(LISTING)
    client, node = ip_address("192.0.2.1"), ip_address("192.0.2.10")
    assert syn.original == FlowTuple(TCP, client, 5, ip_address("127.0.0.2"), 8080)
    assert syn.reply == FlowTuple(TCP, ip_address("172.17.0.7"), 80, client, 5)
    assert (syn.tcp, syn.expires, syn.is_dnat, syn.seen_reply, syn.assured) == ("SYN_SENT", 119, True, False, False)
    assert (shell.seen_reply, shell.assured, shell.mark, shell.helper) == (True, True, 5, "ftp")
    assert (shell.packets, shell.size, shell.confirmed) == ((7, 5), (800, 600), True)
    assert (dns.zone, dns.reply_zone, dns.expires, dns.original.protocol) == (7, 0, 29, UDP)
    assert echo.original == FlowTuple(ICMP, ip_address("10.0.0.5"), 77, ip_address("198.51.100.7"), None)
    assert echo.reply == FlowTuple(ICMP, ip_address("198.51.100.7"), None, node, 78)
    assert (echo.zone, echo.reply_zone) == (3, 3)
    assert (other.original.protocol, other.original.sport, other.expires) == (99, None, 49)
    assert (six.original.source, six.expires) == (ip_address("::1"), 12)
    assert (gre.original.protocol, gre.expires) == (47, 49)


@pytest.mark.parametrize(
    "line",
    [
        "tcp 6 119 SYN_SENT src=192.0.2.1 dst=127.0.0.2 sport=5 dport=8080",
        "tcp 6 119 SYN_SENT src=192.0.2.1 dst=nowhere sport=5 dport=8080 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2",
        "tcp 6 119 SYN_SENT src=192.0.2.1 sport=5 dport=8080 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2",
    ],
)
def test_a_line_that_is_not_whole_has_its_place(line: str) -> None:
    with pytest.raises(InputError) as caught:
        read(f"{LISTING}{line}\n")
    (found,) = caught.value.diagnostics
    assert (found.code, found.span and found.span.line) == ("IPT042", 9)
