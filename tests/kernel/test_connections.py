"""Matches that ask about connections, packet by packet beside the kernel: connlimit, conntrack's ports and statuses."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest

from iptc_sim.connection import Flow
from iptc_sim.flows.text import parse_flow
from iptc_sim.node import Node
from iptc_sim.syntax import parse
from iptc_sim.values import Family, Variant
from iptc_sim.verify.compare import Divergence
from iptc_sim.verify.run import verify_flows
from tests.kernel.scenario import ROUTER, ROUTER6, ROUTER_ROUTES, table

pytestmark = pytest.mark.kernel

#: Rules ask only about packets with it; all others just are there.
ASKS = " tos 0x10"


def _agrees(rules: str, packets: Sequence[str], variant: str, node: Node | None = None) -> None:
    node = node or Node.of(ROUTER, ROUTER_ROUTES)
    family = Family(parse_flow(packets[0]).packet.family)
    for flow, found in verify_flows(
        parse(rules, family=family), rules, _slowly(packets), node, variant=Variant(variant)
    ):
        assert not isinstance(found, Divergence), f"{flow.packet}: {found}"


def _slowly(packets: Sequence[str]) -> Iterator[Flow]:
    """Yield the packets; connlimit does not look through a list twice in one tick of the kernel, which is up to 10 ms."""
    for packet in packets:
        time.sleep(0.02)
        yield parse_flow(packet)


def _tcp(flags: str, port: int, more: str = ASKS) -> str:
    return f"tcp 10.0.0.5:{port} -> 198.51.100.7:80 flags {flags} in eth1{more}"


def _answer(flags: str, port: int, more: str = "") -> str:
    return f"tcp 198.51.100.7:80 -> 10.0.0.5:{port} flags {flags} in eth0{more}"


def _udp(port: int, more: str = ASKS) -> str:
    return f"udp 10.0.0.5:{port} -> 198.51.100.7:80 in eth1{more}"


def _begun(port: int) -> list[str]:
    return [_tcp("syn", port, ""), _answer("syn,ack", port), _tcp("ack", port, "")]


ABOVE = table(
    "mangle",
    *(
        f"-A PREROUTING -m tos --tos 0x10 -m connlimit --connlimit-above {number} --connlimit-mask 32 --connlimit-saddr"
        for number in range(4)
    ),
)
REPLIED = [_udp(1, ""), "udp 198.51.100.7:80 -> 10.0.0.5:1 in eth0"]
CONNLIMIT = {
    "who asks is counted once": [_udp(1), _udp(2), _udp(1), _udp(3), _udp(2)],
    "others do not count until they ask": [_udp(1, ""), _udp(2), _udp(1), _udp(3)],
    "an invalid packet counts until another one looks past it": [
        _udp(1), _tcp("syn,ack", 9), _udp(1), _udp(2), _tcp("syn,ack", 9), _udp(1), _udp(2), _udp(3),
    ],
    "one invalid packet after the other": [_udp(1), _tcp("syn,ack", 9), _tcp("syn,ack", 8), _udp(1), _udp(2)],
    "an invalid packet of a connection that is there": [_tcp("syn", 1), _tcp("syn,ack", 1), _tcp("syn", 1), _udp(2)],
    "an invalid packet of its other direction": [
        _tcp("syn", 1, ""), _answer("fin,ack", 1, ASKS), "udp 198.51.100.7:80 -> 10.0.0.5:5 in eth0 tos 0x10",
    ],
    "an assured connection is put on no list that is there": [*_begun(1), *_begun(2), _tcp("ack", 1), _tcp("ack", 2), _udp(3)],
    "an assured connection makes the list": [*_begun(1), _tcp("ack", 1), _udp(3), _tcp("ack", 1)],
    "an answer alone does not assure": [*REPLIED, _udp(5), _udp(1)],
    "before the handshake is over": [_tcp("syn", 1, ""), _answer("syn,ack", 1), _udp(5), _tcp("syn", 1)],
    "a closed connection": [*_begun(1), _tcp("ack", 1), _tcp("syn", 2), _tcp("rst", 1), _tcp("syn", 3), _tcp("ack", 1)],
}  # fmt: skip


LOST = {
    "the last one is closed": [*_begun(1), *_begun(2), _tcp("ack", 1), _tcp("rst", 1), _tcp("ack", 2), _udp(5), _tcp("ack", 2)],
    "a connection that a RST has ended": [_tcp("syn", 1), _tcp("rst", 1, ""), *_begun(2), _tcp("ack", 2), _udp(5)],
}  # fmt: skip


@pytest.mark.parametrize("packets", CONNLIMIT.values(), ids=CONNLIMIT.keys())
def test_connlimit(variant: str, packets: list[str]) -> None:
    _agrees(ABOVE, packets, variant)


@pytest.mark.parametrize("packets", LOST.values(), ids=LOST.keys())
def test_connlimit_drops_where_nothing_is_left(packets: list[str]) -> None:
    """With iptables-legacy: the trace of nf_tables shows a rule that drops like that as one that fits."""
    _agrees(ABOVE, packets, "legacy")


ICMP = ["icmp 10.0.0.5 -> 198.51.100.7 type 8/0 id 6 in eth1", "icmp 198.51.100.7 -> 10.0.0.5 type 0/0 id 6 in eth0"]
ICMP6 = [
    "ipv6-icmp 2001:db8:2::5 -> 2001:db8:1::7 type 128/0 id 6 in eth1",
    "ipv6-icmp 2001:db8:1::7 -> 2001:db8:2::5 type 129/0 id 6 in eth0",
]


@pytest.mark.parametrize(
    ("packets", "asks", "answers"),
    [(ICMP, 2048, 0), (["icmp 10.0.0.5 -> 198.51.100.7 type 13/0 id 6 in eth1"], 13 << 8, 14 << 8), (ICMP6, 32768, 33024)],
    ids=["echo", "timestamp", "echo6"],
)  # fmt: skip
def test_ports_of_icmp_are_its_id_and_type(variant: str, packets: list[str], asks: int, answers: int) -> None:
    ports = {"origsrc": 6, "origdst": asks, "replsrc": 6, "repldst": answers}
    lines = [
        f"-A FORWARD -m conntrack {word}--ct{side}port {number}"
        for side, port in ports.items()
        for number in (port, port + 1)
        for word in ("", "! ")
    ]
    node = Node.of(ROUTER6) if "ipv6" in packets[0] else None
    _agrees(table("filter", *lines), packets, variant, node)


def test_ports_of_a_protocol_without_ports_are_0(variant: str) -> None:
    lines = [f"-A FORWARD -m conntrack {word}--ctorigdstport {port}" for word in ("", "! ") for port in (0, 50, ":80")]
    _agrees(table("filter", *lines), ["esp 10.0.0.5 -> 198.51.100.7 in eth1"], variant)


def test_statuses(variant: str) -> None:
    asked = ("NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "CONFIRMED,SEEN_REPLY", "ASSURED,EXPECTED")
    hooks = ("PREROUTING", "POSTROUTING")
    lines = [
        f"-A {hook} -m conntrack {word}--ctstatus {name}" for hook in hooks for word in ("", "! ") for name in asked
    ]
    looped = ["udp 192.0.2.10:1 -> 192.0.2.10:80 from host"] * 2
    packets = [*_begun(1), _tcp("ack", 1), _udp(1), _udp(1), *REPLIED, *ICMP, *looped]
    _agrees(table("mangle", *lines), packets, variant)


def test_policy_of_a_node_without_ipsec(variant: str) -> None:
    lines = [
        f"-A {hook} -m policy --dir {way} --pol {kind}"
        for hook, way in (("PREROUTING", "in"), ("FORWARD", "in"), ("FORWARD", "out"), ("POSTROUTING", "out"))
        for kind in ("none", "ipsec")
    ]
    _agrees(table("mangle", *lines), [_udp(1), "esp 10.0.0.5 -> 198.51.100.7 in eth1"], variant)


def test_bytes_and_packets(variant: str) -> None:
    lines = [
        f"-A PREROUTING -m connbytes {word}--connbytes {span} --connbytes-dir {side} --connbytes-mode {mode}"
        for mode, spans in (
            ("packets", ("1:1", "2:", "3:3")),
            ("bytes", ("40:", "41:120")),
            ("avgpkt", ("40:40", "1:")),
        )
        for side in ("original", "reply", "both")
        for span in spans
        for word in ("", "! ")
    ]
    _agrees(table("mangle", *lines), [*_begun(1), _tcp("ack", 1), *REPLIED, *ICMP], variant)
