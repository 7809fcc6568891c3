"""A trace of every dump that loads: an answer to whatever is sent, never a traceback, none above two seconds.

A run takes a share of the dumps, another one every day; ``IPTC_DUMPS=all`` takes all, ``IPTC_DUMPS=NUMBER`` one share (that
of a failure, to see it again).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

import pytest

from iptc_sim import Fate, Ruleset, UsageError, parse, trace
from iptc_sim.connection import Flow
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, TCP, UDP
from iptc_sim.records import replace
from iptc_sim.tracking import State
from iptc_sim.values import UNKNOWN, Family, Variant
from tests.syntax.test_canonical import Dump, dumps

pytestmark = pytest.mark.corpora

WANTED: Final = os.environ.get("IPTC_DUMPS", "")
SHARES: Final = 1 if WANTED == "all" else 2
SHARE: Final = int(WANTED) if WANTED.isdecimal() else datetime.now(UTC).toordinal()
FLOWS: Final = 20
#: Seconds of the processor, for one trace.
LIMIT: Final = 2.0

_OUTSIDE: Final = {
    Family.IPV4: ("198.51.100.7", "10.0.0.9", "192.168.1.5", "127.0.0.1", "224.0.0.1", "255.255.255.255"),
    Family.IPV6: ("2001:db8::7", "fd00::9", "fe80::1", "::1", "ff02::1"),
}
_PORTS: Final = (22, 53, 80, 443, 8080, 33000, 68)
_FLAGS: Final = (("SYN",), ("ACK",), ("SYN", "ACK"), ("RST",), ())


def flows(ruleset: Ruleset, seed: str) -> Iterator[Flow]:
    """Draw flows from what the rules themselves name: their addresses, interfaces and ports, and some others."""
    draw = random.Random(seed)
    addresses, interfaces = _named(ruleset)
    family = ruleset.family
    for _ in range(FLOWS):
        source, destination = (ip_address(draw.choice(addresses)) for _ in range(2))
        protocol = draw.choice((TCP, TCP, UDP, ICMP if family is Family.IPV4 else ICMPV6, 47))
        packet = Packet(source, destination, protocol, flags=frozenset())
        if protocol in {TCP, UDP}:
            ports = [draw.choice((*_PORTS, UNKNOWN)) for _ in range(2)]
            packet = replace(packet, sport=ports[0], dport=ports[1])
        if protocol == TCP:
            packet = replace(packet, flags=frozenset(draw.choice(_FLAGS)))
        if packet.is_icmp:
            kinds = (8, 0, 3, 13) if protocol == ICMP else (128, 129, 1, 135)
            packet = replace(packet, icmp_type=draw.choice(kinds), icmp_code=0)
        interface = draw.choice((*interfaces, UNKNOWN, None))
        state = draw.choice((None, None, None, *State))
        yield Flow(replace(packet, in_interface=interface, mark=draw.choice((0, 0, 0x4000))), state)


def _named(ruleset: Ruleset) -> tuple[list[str], list[str]]:
    """Return addresses and interfaces that rules name."""
    family = ruleset.family
    addresses, interfaces = list(_OUTSIDE[family]), ["eth0", "lo"]
    for *_, rule in islice(ruleset.rules(), 400):
        words = rule.text.split()
        for option, value in pairwise(words):
            if option in {"-i", "-o"}:
                interfaces.append(value.rstrip("+") or "eth0")
            if option in {"-s", "-d", "--to-destination"}:
                addresses += _address(value, family)
    return addresses, interfaces


def _address(text: str, family: Family) -> list[str]:
    try:
        network: IPv4Network | IPv6Network = ip_network(text, strict=False)
    except ValueError:
        return []
    if network.version != family:
        return []
    return [str(network.network_address + min(5, network.num_addresses - 1))]


def _dumps(corpora: Path) -> Iterator[Dump]:
    return islice(dumps(corpora, Variant.NFT), SHARE % SHARES, None, SHARES)


def test_every_dump_gives_an_answer(corpora: Path) -> None:
    looked_at, answers, given_up = 0, 0, []
    slow: list[str] = []
    for dump in _dumps(corpora):
        ruleset = parse(dump.text, family=dump.family, table=dump.table)
        looked_at += 1
        for flow in flows(ruleset, dump.name):
            start = time.process_time()
            try:
                found = trace(ruleset, flow)
            except UsageError as error:
                given_up.append(f"{dump.name}: {flow.packet}: {error}")
                continue
            spent = time.process_time() - start
            answers += 1
            assert found.ends, (dump.name, str(flow.packet))
            assert all(end.fate in Fate for end in found.ends)
            if spent > LIMIT:
                slow.append(f"{dump.name}: {flow.packet}: {spent:.1f} s")
    assert looked_at > 600 // SHARES
    assert (slow, given_up) == ([], [])
    assert answers == looked_at * FLOWS
