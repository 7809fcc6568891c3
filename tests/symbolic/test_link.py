"""The link between diagram and engine: what a diagram says of one packet is what the engine says of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from ipaddress import ip_address
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from iptc_sim.connection import Flow
from iptc_sim.constraint import Field
from iptc_sim.ipsets.text import read_ipsets
from iptc_sim.node import Node, Route
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, TCP, UDP
from iptc_sim.records import replace
from iptc_sim.syntax import parse
from iptc_sim.tracking import State
from iptc_sim.values import Family, Prefix
from iptc_sim.verify.generator import draw_case
from tests.bench.dumps import dump
from tests.symbolic.link import Link

#: How many drawn rulesets; by hand some thousands.
RULESETS: Final = int(os.environ.get("IPTC_SYMBOLIC", "20"))
#: From which on they are drawn.
FIRST: Final = int(os.environ.get("IPTC_SYMBOLIC_FIRST", "0"))
PACKETS: Final = 20

_SOME: Final = (Field.PROTOCOL, Field.CTSTATE, Field.IN_INTERFACE, Field.OUT_INTERFACE)
_MOST: Final = (*_SOME, Field.DESTINATION, Field.DPORT, Field.DESTINATION_TYPE, Field.SOURCE_TYPE, Field.TOS)


def _seen(ruleset: int, told: Collection[Field]) -> Counter[str]:
    """Send packets through a drawn ruleset both ways; return how many compared how."""
    found: Counter[str] = Counter()
    family = (Family.IPV4, Family.IPV6)[ruleset % 2]
    case = draw_case(f"s{ruleset}/{int(family)}", family)
    node = replace(case.topology.node, sets=read_ipsets(case.sets)) if case.sets else case.topology.node
    link = Link(case.ruleset, node, told)
    for number in range(PACKETS):
        flow = case.packets.next()
        if number % 3 == 2:
            flow = Flow(flow.packet, list(State)[number // 3 % 5])
        compared = link.compare(flow)
        if isinstance(compared, str):
            found["skipped"] += 1
            continue
        assert compared.agree, (ruleset, flow, compared.engine, compared.diagram, case.text)
        found["exact" if compared.is_exact else "in kind"] += 1
        found["several ends"] += len(compared.engine) > 1
    return found


def test_drawn_rulesets_in_cells() -> None:
    found: Counter[str] = Counter()
    for ruleset in range(FIRST, FIRST + RULESETS):
        found += _seen(ruleset, _MOST)
    assert found["exact"] > 5 * RULESETS
    assert found["several ends"] > RULESETS // 2


@pytest.mark.parametrize("ruleset", [0, 1, 3, 5, 9, 12, 15, 18])
def test_drawn_rulesets_as_a_whole(ruleset: int) -> None:
    found = _seen(ruleset, ())
    assert found["exact"] + found["in kind"] > 3


def test_what_a_queue_lets_through_meets_nat_again_behind_lo() -> None:
    rules = parse(
        "*nat\n:PREROUTING DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
        "-A PREROUTING -p tcp -j DNAT --to-destination 192.0.2.99\n"
        "-A OUTPUT -o lo -j NFQUEUE --queue-num 3 --queue-bypass\nCOMMIT\n"
    )
    link = Link(rules, _KUBE_NODE)
    for protocol in (TCP, UDP):
        own = ip_address("192.0.2.10")
        compared = link.compare(Flow(Packet(own, own, protocol, 33000, 80)))
        assert not isinstance(compared, str)
        assert compared.engine == compared.diagram
        assert len(compared.engine) == 2


_KUBE_NODE: Final = Node.of(
    {"eth0": ["192.0.2.10/24"], "cni0": ["10.244.0.1/24"]},
    [Route(Prefix.parse("0.0.0.0/0"), "eth0", ip_address("192.0.2.1"))],
)


def _packets(destinations: Iterable[tuple[int, str, int]], sources: Iterable[tuple[str, str | None]]) -> Iterator[Flow]:
    """Yield first packets of all sources to all destinations, and a later one of each."""
    for (protocol, destination, port), (source, incoming) in product(destinations, sources):
        flags = frozenset({"SYN"}) if protocol == TCP else frozenset[str]()
        packet = Packet(
            ip_address(source), ip_address(destination), protocol, 33000, port, flags, in_interface=incoming
        )
        yield Flow(packet)
        yield Flow(packet, State.ESTABLISHED)


def test_kube_services() -> None:
    text = dump(40, 3)
    ruleset = parse(text)
    services = {
        ({"tcp": TCP, "udp": UDP}[words[words.index("-p") + 1]], words[words.index("-d") + 1][:-3],
         int(words[words.index("--dport") + 1]))
        for words in (line.split() for line in text.splitlines() if line.startswith("-A KUBE-SERVICES -d "))
    }  # fmt: skip
    nodeports = {
        (TCP, "192.0.2.10", int(words[words.index("--dport") + 1]))
        for words in (line.split() for line in text.splitlines() if line.startswith("-A KUBE-NODEPORTS "))
    }
    ends = [
        words[words.index("--to-destination") + 1].split(":")
        for words in (line.split() for line in text.splitlines() if "--to-destination" in line)
    ]
    assert len(services) >= 40
    assert nodeports
    endpoints = [(TCP, address, int(port)) for address, port in ends[:3]]
    sources = [("203.0.113.9", "eth0"), ("10.244.0.7", "cni0"), (ends[0][0], "cni0"), ("192.0.2.10", None)]
    wanted = [*sorted(services)[:14], *sorted(nodeports)[:4], (TCP, "192.0.2.10", 22), *endpoints]
    link = Link(ruleset, _KUBE_NODE, (Field.PROTOCOL, Field.DESTINATION, Field.DPORT))
    drawn = exact = 0
    for flow in _packets(wanted, sources):
        compared = link.compare(flow)
        if isinstance(compared, str):
            continue
        assert compared.agree, (flow, compared.engine, compared.diagram)
        exact += compared.is_exact
        drawn += len(compared.engine) == 3
    assert exact > 100
    assert drawn > 40


def test_kube_services_as_a_whole() -> None:
    text = dump(6, 2)
    link = Link(parse(text), _KUBE_NODE)
    services = [
        (TCP, words[words.index("-d") + 1][:-3], int(words[words.index("--dport") + 1]))
        for words in (line.split() for line in text.splitlines() if line.startswith("-A KUBE-SERVICES -d "))
    ]
    exact = 0
    for flow in _packets(services, [("203.0.113.9", "eth0"), ("192.0.2.10", None)]):
        compared = link.compare(flow)
        if not isinstance(compared, str):
            assert compared.agree, (flow, compared.engine, compared.diagram)
            exact += compared.is_exact
    assert exact > 8


@pytest.mark.parametrize("name", ["20.10-any", "29.7-any", "20.10-matrix", "29.7-usernet"])
def test_docker_hosts(corpora: Path, name: str) -> None:
    text = (corpora / "docker" / name / "iptables-save.txt").read_text()
    node = Node.of(
        {"eth0": ["192.0.2.10/24"], "docker0": ["172.17.0.1/16"]},
        [Route(Prefix.parse("0.0.0.0/0"), "eth0", ip_address("192.0.2.1"))],
    )
    link = Link(parse(text), node)
    ports = [80, 8080, 53, 443, 22, 8000]
    wanted = [(TCP, address, port) for address in ("192.0.2.10", "172.17.0.2", "198.51.100.7") for port in ports]
    wanted += [(UDP, "192.0.2.10", port) for port in ports] + [(ICMP, "172.17.0.2", 0)]
    sources = [("203.0.113.9", "eth0"), ("172.17.0.2", "docker0"), ("172.17.0.3", "docker0"), ("192.0.2.10", None)]
    exact = 0
    for flow in _packets(wanted, sources):
        packet = flow.packet
        if packet.protocol == ICMP:
            flow = Flow(replace(packet, sport=None, dport=None, icmp_type=8, icmp_code=0), flow.state)  # noqa: PLW2901
        compared = link.compare(flow)
        if not isinstance(compared, str):
            assert compared.agree, (flow, compared.engine, compared.diagram)
            exact += compared.is_exact
    assert exact > 150
