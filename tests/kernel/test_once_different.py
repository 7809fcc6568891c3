"""What `verify --fuzz` has found: small rulesets on which simulator and kernel once differed."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from iptc_sim.connection import Flow
from iptc_sim.kernel import requirements
from iptc_sim.node import Node
from iptc_sim.packet import Owner, Packet
from iptc_sim.protocols import AH, ICMP, ICMPV6, TCP, UDP
from iptc_sim.records import replace
from iptc_sim.steps import Fate
from iptc_sim.syntax import parse
from iptc_sim.values import Variant
from iptc_sim.verify import Divergence, Verifier
from iptc_sim.verify.generator.topologies import topologies
from iptc_sim.verify.report import divergence_text
from iptc_sim.wire.packets import checksum, packet_bytes, read_packet, with_transport
from tests.kernel.scenario import CONNTRACK_USER, table

pytestmark = pytest.mark.kernel

NODES = {item.name: item for item in topologies()}
ROOT = Owner(0, 0)
MAC = bytes.fromhex("026970740200")  # of the host behind port0


def _packet(protocol: int, source: str, destination: str, come_by: str | None, **others: Any) -> Packet:
    packet = Packet(ip_address(source), ip_address(destination), protocol, flags=frozenset(), in_interface=come_by)
    return replace(packet, owner=None if come_by else ROOT, **others)


def _about(error: Packet, inner: Packet) -> Packet:
    """Return an ICMP error with the head of a packet inside, and its bytes."""
    quoted = packet_bytes(inner)[:68]
    kind = bytes([error.icmp_type or 0, error.icmp_code or 0])
    return replace(with_transport(error, kind + bytes(6) + quoted), inner=read_packet(quoted, None))


def _later_piece(size: int) -> Packet:
    """Return a fragment of TCP, eight bytes behind the header's begin."""
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + size, 7, 0x2001, 64, TCP)
    ends = ip_address("10.0.0.5").packed + ip_address("198.51.100.7").packed
    found = read_packet(head + checksum(head + ends).to_bytes(2) + ends + bytes(size), "eth1")
    assert found is not None
    return found


def _tcp(source: str, destination: str, come_by: str | None, sport: int, dport: int, *flags: str) -> Packet:
    return _packet(TCP, source, destination, come_by, sport=sport, dport=dport, flags=frozenset(flags))


FROM_HERE = _packet(UDP, "192.0.2.11", "10.0.0.9", None, sport=20011, dport=22)
SYN = _tcp("192.0.2.11", "10.0.0.9", None, 20002, 33000, "SYN")
OUT6 = _packet(UDP, "2001:db8:1::10", "2001:db8:ff::7", None, sport=20013, dport=53)
PING = _packet(ICMP, "10.0.0.1", "198.51.100.7", None, icmp_type=8, icmp_code=0, icmp_id=14)
PING6 = _packet(ICMPV6, "::1", "2001:db8:1::10", None, icmp_type=128, icmp_code=0, icmp_id=2)

CASES: dict[str, tuple[str, str, Sequence[Packet]]] = {
    "a masqueraded connection takes another way": (
        "policy",
        table("mangle", "-A OUTPUT -m mark --mark 0 -m statistic --mode nth --every 2 --packet 0 -j MARK --set-mark 1")
        + table("nat", "-A POSTROUTING -p udp -j MASQUERADE"),
        [FROM_HERE, FROM_HERE, FROM_HERE],
    ),
    "REJECT ends the connection that it answers": (
        "host",
        table("filter", CONNTRACK_USER, "-A INPUT -p tcp -j REJECT --reject-with tcp-reset"),
        [SYN, _tcp("10.0.0.9", "192.0.2.11", "eth0", 33000, 20002, "SYN", "ACK"), SYN],
    ),
    "no RST about what went to many": (
        "router",
        table("filter", CONNTRACK_USER, "-A INPUT -p tcp -j REJECT --reject-with tcp-reset"),
        [_tcp("2001:db8:ff::7", "ff02::1", "eth0", 20008, 33000, "SYN")] * 2,
    ),
    "the frame of a packet that raw has put into a zone": (
        "router",
        table("raw", "-A PREROUTING -p tcp -j CT --zone 1", "-A PREROUTING -m pkttype --pkt-type multicast"),
        [_tcp("2001:db8:3::7", "ff02::1", "eth2", 80, 33000, "RST")],
    ),
    "a SYN that is sent again is not counted": (
        "router",
        table("filter", "-A FORWARD -m connbytes --connbytes 2 --connbytes-dir original --connbytes-mode packets"),
        [_tcp("10.0.0.5", "198.51.100.7", "eth1", 20010, 80, "SYN")] * 3,
    ),
    "connlimit of what has no tuple": (
        "router",
        table("raw", "-A OUTPUT -m connlimit --connlimit-above 2 --connlimit-saddr"),
        [_packet(AH, "2001:db8:1::10", "2001:db8:ff::7", None)],
    ),
    "rpfilter of a group as the source": (
        "docker",
        table("raw", "-A PREROUTING -m rpfilter --loose", "-A PREROUTING -m rpfilter"),
        [_packet(UDP, "ff02::5", "2001:db8:17::1", "docker0", sport=5, dport=6, physical_in="port0", source_mac=MAC)],
    ),
    "an answer to itself that is translated when it comes back": (
        "policy",
        table("raw", "-A PREROUTING -p tcp -j CT --zone 2", "-A OUTPUT -p tcp -m tcp --tcp-flags RST RST -j DROP")
        + table("nat", "-A INPUT -p tcp -j SNAT --to-source 198.51.100.99")
        + table("filter", CONNTRACK_USER),
        [
            _tcp("10.0.0.9", "10.0.0.1", "eth1", 20008, 22, "SYN"),
            _tcp("10.0.0.1", "198.51.100.99", None, 22, 20008, "SYN", "ACK"),
        ],
    ),
    "DNAT --random draws the id of an echo": (
        "router",
        table("nat", "-A OUTPUT -j DNAT --to-destination 10.0.1.7 --random"),
        [PING, PING],
    ),
    "SNAT to the address that SNPT has replaced": (
        "router",
        table("mangle", "-A POSTROUTING -j SNPT --src-pfx 2001:db8:1::/64 --dst-pfx 2001:db8:5::/64")
        + table("nat", "-A POSTROUTING -p udp -j SNAT --to-source 2001:db8:1::10"),
        [OUT6, OUT6],
    ),
    "-p ah in IPv6": (
        "router",
        table("raw", "-A PREROUTING -p ah", "-A PREROUTING -p 59") + table("filter", CONNTRACK_USER),
        [_packet(AH, "2001:db8:2::9", "2001:db8:1::7", "eth1")],
    ),
    "HMARK of an error with nothing inside": (
        "router",
        table("mangle", "-A OUTPUT -j HMARK --hmark-tuple src,dst --hmark-mod 4 --hmark-rnd 0xfeafcafe"),
        [_packet(ICMP, "192.0.2.10", "10.0.0.9", None, icmp_type=3, icmp_code=1)],
    ),
    "HMARK of an error whose inside is translated": (
        "host",
        table("mangle", "-A INPUT -j HMARK --hmark-tuple src,dst --hmark-mod 4 --hmark-rnd 0xfeafcafe --hmark-offset 1")
        + table("nat", "-A POSTROUTING -j SNAT --to-source 192.0.2.10"),
        [
            _tcp("192.0.2.11", "10.0.1.7", None, 20012, 80, "SYN"),
            _about(_packet(ICMP, "10.0.1.7", "192.0.2.10", "eth0", icmp_type=3, icmp_code=1),
                   _tcp("192.0.2.10", "10.0.1.7", None, 20012, 80, "SYN")),
        ],
    ),
    "ECN of a TCP header that is cut": (
        "router",
        table("mangle", "-A PREROUTING -p tcp -j ECN --ecn-ip-ect 1", "-A PREROUTING -p tcp -j ECN --ecn-tcp-remove"),
        [_later_piece(16), _later_piece(24)],
    ),
    "an answer to ::1 from outside": (
        "router",
        table("nat", "-A OUTPUT -j DNAT --to-destination 2001:db8:ff::7", "-A POSTROUTING -j SNAT --to-source 2001:db8:1::10")
        + table("filter", "-A INPUT", "-A FORWARD"),
        [PING6, _packet(ICMPV6, "2001:db8:ff::7", "2001:db8:1::10", "eth0", icmp_type=129, icmp_code=0, icmp_id=2)],
    ),
    "an answer to itself whose source becomes a group again": (
        "docker",
        table("nat", "-A PREROUTING -i eth+ -p tcp -j DNAT --to-destination 2001:db8:1::10")
        + table("filter", "-A INPUT", CONNTRACK_USER),
        [
            _tcp("2001:db8:1::10", "ff02::1", "eth0", 20003, 80, "SYN"),
            _tcp("2001:db8:1::10", "2001:db8:1::10", None, 80, 20003, "SYN", "ACK"),
        ],
    ),
    "hashlimit by ports does not count what has none": (
        "docker",
        table(
            "raw",
            "-A PREROUTING -m hashlimit --hashlimit-above 2/hour --hashlimit-burst 2 --hashlimit-mode dstip,dstport "
            "--hashlimit-name once",
        ),
        [
            *[_packet(AH, "2001:db8:17::8", "2001:db8:1::10", "eth0")] * 2,
            _packet(108, "2001:db8:17::8", "2001:db8:1::10", "eth0"),
        ],
    ),
    "an answer to itself that is translated before it leaves": (
        "strict",
        table("nat", "-A INPUT -j SNAT --to-source 10.0.1.1", "-A POSTROUTING -o lo -p udp -j SNAT --to-source 10.0.1.1")
        + table("filter", "-A INPUT", CONNTRACK_USER),
        [
            _packet(ICMP, "10.0.0.1", "10.0.0.1", None, icmp_type=8, icmp_code=0, icmp_id=3),
            _packet(ICMP, "10.0.0.1", "10.0.1.1", None, icmp_type=0, icmp_code=0, icmp_id=3),
            _packet(UDP, "10.0.0.1", "10.0.0.1", None, sport=20009, dport=53),
            _packet(UDP, "10.0.0.1", "10.0.1.1", None, sport=53, dport=20009),
        ],
    ),
    "a rule without a target that may fit counts all the same": (
        "router",
        table(
            "mangle",
            '-A PREROUTING -m string ! --string "hello" --algo bm -m statistic --mode nth ! --every 3 --packet 1',
            "-A PREROUTING -p tcp -j MARK --set-mark 1",
        ),
        [
            _packet(108, "10.0.0.9", "10.0.0.255", "eth0"),
            *[_packet(ICMP, "10.0.0.9", "10.0.0.1", "eth1", icmp_type=8, icmp_code=0, icmp_id=9)] * 2,
        ],
    ),
    "the entry of a connection whose zone hangs on a rate": (
        "router",
        table("raw", "-A PREROUTING -j RATEEST --rateest-name once --rateest-interval 250ms --rateest-ewmalog 500ms",
              "-A PREROUTING -p tcp -m rateest --rateest once --rateest-gt --rateest-pps 0 -j CT --zone-orig 3")
        + table("filter", CONNTRACK_USER),
        [_tcp("10.0.0.5", "198.51.100.7", "eth1", 20010, 80, "SYN"), _tcp("10.0.0.5", "198.51.100.7", "eth1", 20011, 80, "SYN")],
    ),
    "a machine that talks to itself in a zone of one direction": (
        "router",
        table("raw", "-A PREROUTING -j CT --zone-orig 3") + table("filter", CONNTRACK_USER),
        [_packet(135, "2001:db8:ff::7", "2001:db8:ff::7", "eth0")] * 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_once_different(variant: str, case: str) -> None:
    if reason := requirements(variant):
        pytest.skip(reason)
    name, rules, packets = CASES[case]
    family = packets[0].family
    with Verifier(NODES[name].node, Variant(variant), NODES[name].hosts) as verifier:
        verifier.load(parse(rules, family=family), rules)
        for number, packet in enumerate(packets):
            found = verifier.send(Flow(packet))
            assert not isinstance(found, Divergence), f"packet {number}\n{divergence_text(found)}"


def test_the_simulator_is_told_the_processor(variant: str) -> None:
    if reason := requirements(variant):
        pytest.skip(reason)
    rules = table("mangle", "-A FORWARD -m cpu --cpu 0 -j MARK --set-mark 1", "-A FORWARD -m cpu ! --cpu 0 -j RETURN")
    with Verifier(NODES["router"].node, Variant(variant), NODES["router"].hosts) as verifier:
        verifier.load(parse(rules), rules)
        found = verifier.send(Flow(_tcp("10.0.0.5", "198.51.100.7", "eth1", 20010, 80, "SYN")))
        assert not isinstance(found, Divergence)
        assert verifier.totals.branching == 0


def test_a_frame_for_an_address_alone_in_its_network(variant: str) -> None:
    """An address with /32 was taken for its own broadcast address: such frames are not forwarded."""
    if reason := requirements(variant):
        pytest.skip(reason)
    rules = table("nat", "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.1.9")
    node = Node.of({"eth0": ["198.18.0.1/24", "198.51.100.7/32"], "eth1": ["10.0.1.1/24"]})
    with Verifier(node, Variant(variant)) as verifier:
        verifier.load(parse(rules), rules)
        found = verifier.send(Flow(_tcp("198.18.0.5", "198.51.100.7", "eth0", 20010, 80, "SYN")))
        assert not isinstance(found, Divergence), divergence_text(found)
        assert found[0].fate is Fate.FORWARD
