"""Conditions on headers and bytes: what the simulator says of a packet beside what the kernel does with it."""

from __future__ import annotations

import random
import socket
import struct
from ipaddress import ip_address

import pytest

from iptc_sim.kernel import Lab, RulesRefusedError
from iptc_sim.match import No, Yes
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import Node, Route
from iptc_sim.ruleset import Rule
from iptc_sim.syntax import parse
from iptc_sim.values import Family, Prefix, Variant
from iptc_sim.wire.classic_bpf import fault
from iptc_sim.wire.packets import packet_bytes, read_packet
from tests.kernel import header_draws
from tests.kernel.header_cases import (
    BROKEN6,
    OPTIONS4,
    OPTIONS6,
    PACKETS4,
    PACKETS6,
    is_later_fragment,
    numbered,
)
from tests.kernel.scenario import ROUTER, ROUTER6, table, udp

pytestmark = pytest.mark.kernel

#: What becomes of a packet at a rule.
FITS, FAILS, DROPS = "fits", "fails", "drops"


def simulated(rule: Rule, data: bytes, variant: str) -> str:
    packet = read_packet(data, "eth1")
    assert packet is not None
    at = Moment(packet, Hook.PREROUTING, "raw", Node.of(dict(ROUTER)), None, variant=Variant(variant))
    for match in (rule.base, *rule.matches):
        found = match.judge(at)
        if isinstance(found, No):
            return DROPS if found.drops else FAILS
        assert isinstance(found, Yes), found
    return FITS


def compare(lab: Lab, options: list[str], packets: list[bytes], family: Family, variant: str) -> list[str]:
    """Return where simulator and kernel differ; all rules stand in one chain, so a drop ends a packet's comparison."""
    rules = table("raw", *(f"-A PREROUTING {words}" for words in options))
    lab.load(rules, family, variant)
    parsed = [rule for *_, rule in parse(rules, family=family).rules()]
    assert len(parsed) == len(options)
    found = []
    for data in packets:
        packet = read_packet(data, "eth1")
        assert packet is not None
        trace = lab.inject(packet, conntrack=False)
        hits = {hit.number: hit.verdict for hit in trace.hits if hit.table == "raw"}
        dropped = None not in hits  # the policy was not reached
        for number, (words, rule) in enumerate(zip(options, parsed, strict=True), 1):
            ours = simulated(rule, data, variant)
            if ours == DROPS:  # which only nf_tables' trace shows as a hit
                found += [] if dropped else [f"{data.hex()} {words}: only the simulator drops it"]
                break
            if (ours == FITS) != (number in hits):
                found.append(f"{data.hex()} {words}: kernel {hits.get(number)}, simulator {ours}")
        else:
            found += [f"{data.hex()}: only the kernel drops it"] if dropped else []
    return found


def lab_of(family: Family) -> Lab:
    if family is Family.IPV4:
        return Lab(ROUTER, reader="netlink")
    return Lab(ROUTER6, [Route(Prefix.parse("::/0"), "eth0", ip_address("2001:db8:1::1"))], reader="netlink")


def test_ipv4_headers(variant: str) -> None:
    with lab_of(Family.IPV4) as lab:
        assert compare(lab, OPTIONS4, numbered(PACKETS4), Family.IPV4, variant) == []


def test_ipv6_headers(variant: str) -> None:
    packets = [data for data in numbered(PACKETS6) if not is_later_fragment(data)]
    if variant == "legacy":  # which does not take AH for the transport protocol
        packets = [data for data in packets if (read_packet(data) or pytest.fail("no packet")).protocol != 51]
    with lab_of(Family.IPV6) as lab:
        assert compare(lab, OPTIONS6, packets, Family.IPV6, variant) == []


def lost(lab: Lab, words: str, packets: list[bytes], variant: str) -> tuple[list[bool], list[bool]]:
    """Return which IPv6 packets do not leave the node, the kernel's and ours: a trace does not show all of them."""
    rules = table("raw", f"-A PREROUTING {words} -j DROP")
    lab.load(rules, Family.IPV6, variant)
    ((*_, rule),) = parse(rules, family=Family.IPV6).rules()
    sent = [read_packet(data, "eth1") for data in packets]
    arrived = [lab.inject(packet, conntrack=False).arrivals for packet in sent if packet is not None]
    return [not one for one in arrived], [simulated(rule, data, variant) != FAILS for data in packets]


@pytest.mark.parametrize("words", ["-m dst", "-m rt", "-m frag", "-m ah"])
def test_a_header_that_is_cut_drops_the_packet(words: str) -> None:
    packets = [data for data in numbered(BROKEN6) if data[6] != 0]  # the kernel itself drops a cut hop-by-hop header
    with lab_of(Family.IPV6) as lab:
        theirs, ours = lost(lab, words, packets, "legacy")
    assert theirs == ours


@pytest.mark.parametrize(
    "words",
    [
        "-p udp", "-p tcp", "-m frag", "-m frag --fragid 77", "-m frag --fragres", "-m frag --fragfirst", "-m dst",
        "-m frag --fragmore", "-m frag --fraglast", "-m ipv6header --header frag,prot", "-m frag ! --fragid 77",
        "-p udp ! --dport 1", "-p udp --dport 0", "-p tcp ! --syn", "-p tcp --syn",
    ],
)  # fmt: skip
def test_later_fragments_of_ipv6(variant: str, words: str) -> None:
    packets = [data for data in numbered(PACKETS6) if is_later_fragment(data)]
    with lab_of(Family.IPV6) as lab:
        theirs, ours = lost(lab, words, packets, variant)
    assert len(packets) == 3
    assert theirs == ours


@pytest.mark.parametrize(
    ("mac", "destination", "kind"),
    [
        ("ffffffffffff", "255.255.255.255", "broadcast"),
        ("ffffffffffff", "10.0.0.255", "broadcast"),
        ("01005e000001", "224.0.0.1", "multicast"),
        (None, "10.0.0.1", "unicast"),
        (None, "198.51.100.7", "unicast"),
    ],
)
def test_packet_types(variant: str, mac: str | None, destination: str, kind: str) -> None:
    kinds = ("unicast", "broadcast", "multicast")
    source = bytes.fromhex("026970740100")  # of the far ends of a Lab
    conditions = [f"-m pkttype --pkt-type {name}" for name in kinds]
    conditions += ["-m mac --mac-source 02:69:70:74:01:00", "-m mac ! --mac-source 02:69:70:74:01:00"]
    rules = table("raw", *(f"-A PREROUTING {words}" for words in conditions))
    packet = udp("10.0.0.5:33000", f"{destination}:53", "eth1")
    with lab_of(Family.IPV4) as lab:
        lab.load(rules, 4, variant)
        if mac is None:
            trace = lab.inject(packet, conntrack=False)
        else:
            frame = bytes.fromhex(mac) + source + struct.pack("!H", 0x0800) + packet_bytes(packet, 0x123)
            far: socket.socket = lab._far_end.link
            trace = lab.watch(lambda: far.sendto(frame, ("eth1", 0)))
    shown = {hit.number for hit in trace.hits or [hit for walk in trace.walks for hit in walk.hits] if hit.number}
    assert shown == {kinds.index(kind) + 1, 4}
    at = Moment(packet, Hook.PREROUTING, "raw", Node.of(dict(ROUTER)), None, variant=Variant(variant))
    parsed = [rule for *_, rule in parse(rules).rules()]
    assert [isinstance(rule.matches[0].judge(at), Yes) for rule in parsed[:3]] == [name == kind for name in kinds]


def test_bytecode_that_the_kernel_refuses() -> None:
    programs = {
        "1,0 0 0 0": True,
        "1,6 0 0 0": False,
        "2,5 0 0 1,6 0 0 0": True,
        "2,5 0 0 0,6 0 0 0": False,
        "2,21 1 0 0,6 0 0 0": True,
        "2,52 0 0 0,6 0 0 0": True,
        "2,100 0 0 32,6 0 0 0": True,
        "2,96 0 0 3,6 0 0 0": True,
        "3,2 0 0 3,96 0 0 3,6 0 0 0": False,
        "3,2 0 0 16,96 0 0 3,6 0 0 0": True,
        "4,21 1 0 0,2 0 0 3,96 0 0 3,6 0 0 0": True,
        "2,255 0 0 0,6 0 0 0": True,
        "2,32 0 0 4294963201,6 0 0 0": True,
        "2,40 0 0 4294963200,6 0 0 0": False,
        "2,148 0 0 0,6 0 0 0": True,
        "2,156 0 0 0,6 0 0 0": False,
    }
    refused = {}
    with lab_of(Family.IPV4) as lab:
        for program in programs:
            try:
                lab.load(table("raw", f'-A PREROUTING -m bpf --bytecode "{program}"'), 4, "nft")
                refused[program] = False
            except RulesRefusedError:
                refused[program] = True
    ours = {
        program: bool(fault([tuple(map(int, item.split())) for item in program.split(",")[1:]]))  # type: ignore[misc]
        for program in programs
    }
    assert ours == refused == programs


@pytest.mark.parametrize("seed", range(3))
def test_drawn_conditions_on_bytes(variant: str, seed: int) -> None:
    draw = random.Random(seed)
    options = [kind(draw) for kind in (header_draws.u32, header_draws.string) for _ in range(60)]
    programs = [header_draws.program(draw) for _ in range(120)]
    options += [header_draws.bytecode(one) for one in programs if not fault(one)]
    with lab_of(Family.IPV4) as lab:
        assert compare(lab, options, header_draws.PACKETS, Family.IPV4, variant) == []


def test_drawn_programs_that_the_kernel_refuses() -> None:
    draw = random.Random(5)
    with lab_of(Family.IPV4) as lab:
        for _ in range(40):
            program = header_draws.program(draw)
            rules = table("raw", f"-A PREROUTING {header_draws.bytecode(program)}")
            try:
                lab.load(rules, Family.IPV4, "nft")
                refused = False
            except RulesRefusedError:
                refused = True
            assert refused == bool(fault(program)), (program, fault(program))
