"""Conditions on headers and bytes. What they say is the kernel's answer, as tests/kernel/test_headers.py asks it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptc_sim.connection import Connection
from iptc_sim.match import No, Outcome, Unclear
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.ruleset import Rule
from iptc_sim.syntax import parse
from iptc_sim.values import UNKNOWN, Family
from iptc_sim.wire.packets import read_packet
from tests.kernel.header_cases import (
    MH,
    MSS,
    OPTIONS4,
    OPTIONS6,
    PACKETS4,
    PACKETS6,
    PADDED,
    TCP6,
    TCP_HEAD,
    TEXT,
    dccp,
    fragment,
    sctp,
    six,
    tcp,
)

NODE = Node.of({"eth0": ["192.0.2.10/24"], "eth1": ["10.0.0.1/24"]})
SYN = Packet(ip_address("10.0.0.5"), ip_address("198.51.100.7"), 6, 33000, 80, in_interface="eth1")


def rules_of(options: list[str], family: Family) -> list[Rule]:
    text = "*raw\n" + "\n".join(f"-A PREROUTING {words}" for words in options) + "\nCOMMIT\n"
    return [rule for *_, rule in parse(text, family=family).rules()]


def judged(rule: Rule, packet: Packet, connection: Connection | None = None) -> Outcome:
    at = Moment(packet, Hook.PREROUTING, "raw", NODE, connection)
    outcomes = [match.judge(at) for match in (rule.base, *rule.matches)]
    return next((one for one in outcomes if isinstance(one, No | Unclear)), outcomes[0])


def shown(options: str, packet: Packet | bytes, connection: Connection | None = None) -> str:
    """Return ``yes``, ``no: REASON``, ``dropped: REASON`` or ``?: REASON``."""
    found = read_packet(packet, "eth1") if isinstance(packet, bytes) else packet
    assert found is not None
    (rule,) = rules_of([options], found.family)
    outcome = judged(rule, found, connection)
    if isinstance(outcome, No):
        return f"{'dropped' if outcome.drops else 'no'}: {outcome}"
    return f"?: {outcome}" if isinstance(outcome, Unclear) else "yes"


@pytest.mark.parametrize(
    ("options", "packet", "expected"),
    [
        ("-m ttl --ttl-lt 64", SYN, "no: --ttl-lt 64: the TTL is 64"),
        ("-m ttl ! --ttl-eq 63", SYN, "yes"),
        ("-m hl --hl-gt 63", TCP6, "yes"),
        ("-m dscp --dscp-class EF", replace(SYN, tos=0xB9), "yes"),
        ("-m dscp --dscp 0x2e", SYN, "no: --dscp 0x2e: the DSCP is 0"),
        ("-m tos --tos 0x11/0x10", replace(SYN, tos=0x11), "no: --tos 0x11/0x10: the TOS is 17"),
        ("-p tcp -m ecn --ecn-tcp-ece", tcp(flags=0x40), "yes"),
        ("-p tcp -m ecn ! --ecn-tcp-ece", tcp(flags=0x40), "no: ! --ecn-tcp-ece: the flag is on"),
        ("-m length --length 40", SYN, "yes"),
        ("-p tcp -m tcpmss --mss 1:1460", tcp(MSS), "yes"),
        ("-p tcp -m tcpmss --mss 1:1460", SYN, "no: --mss 1:1460: there is no MSS option"),
        ("-p tcp -m tcpmss ! --mss 1:1460", SYN, "yes"),
        ("-p tcp --tcp-option 2", tcp(bytes(4) + MSS), "yes"),
        ("-p tcp --tcp-option 2", tcp(offset=4), "dropped: -m tcp: the TCP header is not whole: the kernel drops the packet"),
        ("-m string --string GET --algo bm --from 46 --to 49", tcp(payload=TEXT), "yes"),
        ("-m string --string GET --algo bm --to 48", tcp(payload=TEXT), 'no: --string "GET": the packet does not hold it'),
        ("-m string --hex-string |c4ff| --algo kmp --icase", tcp(payload=TEXT), "yes"),
        ('-m u32 --u32 "0>>22&0x3C@0>>16=33000"', SYN, "yes"),
        ('-m u32 ! --u32 "37=0"', SYN, "yes"),
        ('-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"', SYN, "yes"),
        ('-m bpf --bytecode "4,48 0 0 9,21 0 1 17,6 0 0 1,6 0 0 0"', SYN, "no: --bytecode \"4,48 0 0 9,21 0 1 17,6 0 0 1,6 0 0 0\": the program returns 0"),
        ("-m bpf --object-pinned /x", SYN, "?: --object-pinned /x: what the program does is not known"),
        ("-p sctp --chunk-types only DATA:B,ABORT:t", sctp((0, 2, 17), (6, 0, 4)), "yes"),
        ("-p sctp --chunk-types any INIT", replace(SYN, protocol=132), "yes"),
        ("-p sctp --chunk-types any INIT", sctp(), "dropped: --chunk-types any INIT: a chunk is cut or empty: the kernel drops the packet"),
        ("-p dccp -m dccp --dccp-types REQUEST", replace(SYN, protocol=33), "yes"),
        ("-p dccp -m dccp --dccp-types INVALID", dccp(12), "yes"),
        ("-p esp -m esp --espspi 5", replace(SYN, protocol=50, sport=None, dport=None), "?: --espspi 5: the SPI is not known"),
        ("-m dst --dst-opts 1:4", six((60, PADDED), last=6, payload=TCP_HEAD), "yes"),
        ("-m dst", TCP6, "no: -m dst: the packet has no destination options header"),
        ("-m frag --fragmore", six(fragment(0x81, 7), last=17, payload=bytes(16)), "yes"),
        ("-p udp ! --dport 1", six(fragment(0x81, 7), last=17, payload=bytes(16)), "yes"),
        ("-m ipv6header ! --header dst --soft", TCP6, "yes"),
        ("-m ipv6header --header dst", six((60, PADDED), last=6), "no: --header ipv6-opts: the headers are ipv6-opts,protocol"),
        ("-p mh -m mh --mh-type bu", six(last=135, payload=MH), "yes"),
    ],
)  # fmt: skip
def test_headers(options: str, packet: Packet | bytes, expected: str) -> None:
    assert shown(options, packet) == expected


@pytest.mark.parametrize(
    ("options", "packet", "expected"),
    [
        ('-m u32 --u32 "20>>16=80"', replace(SYN, sport=UNKNOWN), "?"),
        ('-m u32 --u32 "12=0x0a000005"', replace(SYN, sport=UNKNOWN), "yes"),
        ("-m string --string x --algo bm", replace(SYN, dport=UNKNOWN), "?"),
        ("-m string --string x --algo bm --to 20", replace(SYN, dport=UNKNOWN), "no"),
        ('-m bpf --bytecode "2,40 0 0 20,22 0 0 0"', replace(SYN, sport=UNKNOWN), "?"),
        ('-m bpf --bytecode "2,32 0 0 4294963236,22 0 0 0"', SYN, "?"),
        ('-m u32 --u32 "12=1"', replace(SYN, source=UNKNOWN), "?"),
        ("-p tcp --tcp-option 2", tcp(MSS)[:30], "?"),
        ("-p tcp --dport 80", tcp(MSS)[:22], "?"),
        ("-m length --length 44", tcp(MSS)[:22], "yes"),
    ],
)
def test_what_is_not_known_or_cut_off_by_a_capture(options: str, packet: Packet | bytes, expected: str) -> None:
    assert shown(options, packet).partition(":")[0] == expected


@pytest.mark.parametrize(
    ("options", "packet", "expected"),
    [
        ("-m pkttype --pkt-type broadcast", replace(SYN, destination=ip_address("10.0.0.255")), "yes"),
        ("-m pkttype --pkt-type multicast", replace(SYN, destination=ip_address("224.0.0.1")), "yes"),
        ("-m pkttype --pkt-type unicast", replace(SYN, in_interface="lo", destination=ip_address("127.255.255.255")), "yes"),
        ("-m pkttype --pkt-type broadcast", SYN, "no: --pkt-type broadcast: the packet type is unicast"),
        ("-m mac --mac-source 0:1:2:3:4:5", replace(SYN, source_mac=bytes(range(6))), "yes"),
        ("-m mac ! --mac-source 0:1:2:3:4:5", replace(SYN, in_interface="lo"), "no: ! --mac-source 00:01:02:03:04:05: it came by no Ethernet card"),
        ("-m eui64", replace(TCP6, source=ip_address("2001:db8::201:2ff:fe03:405"), source_mac=bytes(range(6))), "yes"),
        ("-m eui64", replace(TCP6, source_mac=bytes(range(6))), "no: -m eui64: of 00:01:02:03:04:05 would come 0201:02ff:fe03:0405"),
    ],
)  # fmt: skip
def test_the_link_layer(options: str, packet: Packet, expected: str) -> None:
    assert shown(options, packet) == expected


def test_the_packet_type_is_told_by_the_destination_before_dnat() -> None:
    entry = Connection.first(replace(SYN, destination=ip_address("10.0.0.255")))
    assert shown("-m pkttype --pkt-type broadcast", SYN, entry) == "yes"


RULES = {Family.IPV4: rules_of(OPTIONS4, Family.IPV4), Family.IPV6: rules_of(OPTIONS6, Family.IPV6)}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PACKETS4 + PACKETS6), st.data())
def test_no_bytes_make_a_match_fail(data: bytes, draw: st.DataObject) -> None:
    hurt = bytearray(data[: draw.draw(st.integers(20, len(data)))])
    for _ in range(draw.draw(st.integers(0, 6))):
        hurt[draw.draw(st.integers(1, len(hurt) - 1))] = draw.draw(st.integers(0, 255))
    packet = read_packet(bytes(hurt), "eth1")
    if packet is not None:
        for rule in RULES[packet.family]:
            judged(rule, packet)
