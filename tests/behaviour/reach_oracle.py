"""Who reaches a destination, packet by packet: what the engine says against the classes that are told."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from ipaddress import ip_address

from iptc_sim.behaviour.reach_answer import Destination, Reach, Wanted
from iptc_sim.connection import Flow
from iptc_sim.engine import explore
from iptc_sim.node import Node, Route
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, TCP, UDP
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.symbolic.pipeline import Entrance
from iptc_sim.syntax import parse
from iptc_sim.tracking import State
from iptc_sim.values import UNKNOWN, Prefix
from tests.behaviour.points import PointOf

_SWITCHES = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/all/accept_local": "1",
    "net/ipv4/conf/all/route_localnet": "1",
}
_INTERFACES = {"eth0": ["192.0.2.10/24"], "eth1": ["10.1.0.1/16"], "br0": ["10.2.0.1/24"]}
_DEFAULT = Route(Prefix.parse("0.0.0.0/0"), "eth0", ip_address("192.0.2.1"))
NODE = Node.of(_INTERFACES, [_DEFAULT], sysctls=_SWITCHES)
#: The same without a default route.
BARE = Node.of(_INTERFACES, sysctls=_SWITCHES)
HOSTS = ["192.0.2.10", "10.1.0.1", "10.2.0.1", "10.2.0.5", "10.2.0.6", "10.1.7.7", "203.0.113.9", "10.96.0.1"]
PORTS = [22, 80, 443, 8080, 30080]
_ALIVE = {Fate.LOCAL, Fate.FORWARD, Fate.SENT}


def drawn_rules(seed: int) -> str:
    """Return a small ruleset of raw, mangle, nat and filter, drawn."""
    draw = random.Random(seed)
    one: Callable[[Sequence[str]], str] = draw.choice

    def match() -> str:
        parts = []
        if draw.random() < 0.4:
            parts.append(f"{one(['', '! '])}-s {one([*HOSTS, '10.2.0.0/24', '10.0.0.0/8', '203.0.113.0/25'])}")
        if draw.random() < 0.5:
            parts.append(f"{one(['', '', '! '])}-d {one([*HOSTS, '10.2.0.0/24', '192.0.2.0/24'])}")
        if draw.random() < 0.6:
            protocol = one(["tcp", "udp"])
            port = one(
                [f"--dport {draw.choice(PORTS)}", f"--dport {draw.choice(PORTS)}:31000", "--sport 1024:65535", ""]
            )
            parts.append(f"-p {protocol} -m {protocol} {port}")
        if draw.random() < 0.1:
            parts.append("-m addrtype --dst-type LOCAL")
        if draw.random() < 0.1:
            parts.append("-m mark --mark 0x1/0x1")
        return " ".join(parts)

    def base(chain: str, targets: Sequence[str], most: int) -> Iterator[str]:
        ways = {"PREROUTING": "-i", "INPUT": "-i", "FORWARD": "-o", "POSTROUTING": "-o", "OUTPUT": "-o"}
        for _ in range(draw.randrange(most)):
            way = f"{ways.get(chain, '')} {one(['eth0', 'br0', 'eth+'])}" if draw.random() < 0.2 else ""
            chance = " -m statistic --mode random --probability 0.5" if draw.random() < 0.15 else ""
            yield f"-A {chain} {way if chain in ways else ''} {match()}{chance} -j {one(targets)}"

    def rewrites() -> list[str]:
        host, port = one(HOSTS[2:6]), draw.choice(PORTS)
        return [
            f"DNAT --to-destination {host}", f"DNAT --to-destination {host}:{port}", "ACCEPT", "SVC", "SVC",
        ]  # fmt: skip

    def with_ports(lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            asks = re.search(r"--to-destination \S+:\d", line) and " -p " not in line
            yield re.sub(r" -j ", " -p tcp -j ", line) if asks else line

    filters = ["ACCEPT", "DROP", "REJECT", "REJECT", "USR", "RETURN"]
    nat = ["*nat", ":PREROUTING ACCEPT", ":OUTPUT ACCEPT", ":POSTROUTING ACCEPT", ":SVC -"]
    nat += with_ports(base("SVC", rewrites()[:3], 4))
    nat += with_ports(base("PREROUTING", rewrites(), 4))
    nat += with_ports(base("OUTPUT", rewrites(), 3))
    nat += base("POSTROUTING", ["MASQUERADE", "SNAT --to-source 192.0.2.77", "ACCEPT"], 3)
    nat += draw.sample([f"-A POSTROUTING {one(['', '! '])}-d 10.2.0.0/24 -j MASQUERADE"], draw.randrange(2))
    raw = ["*mangle", ":PREROUTING ACCEPT", ":FORWARD ACCEPT"]
    raw += base("PREROUTING", ["MARK --set-xmark 0x1/0x1", "DROP"], 2)
    table = ["*filter", *(f":{name} {one(['ACCEPT', 'ACCEPT', 'DROP'])}" for name in ("INPUT", "FORWARD", "OUTPUT"))]
    table += [":USR -", *base("USR", filters[:4], 4)]
    for name in ("INPUT", "FORWARD", "OUTPUT"):
        table += base(name, filters, 5)
        table += draw.sample([f"-A {name} {one(['', '! '])}-p udp -j REJECT"], draw.randrange(2))
    return "\n".join([*nat, "COMMIT", *raw, "COMMIT", *table, "COMMIT", ""])


def without_stops(text: str) -> Ruleset:
    """Return the rules of a text in which nothing is dropped or rejected."""
    return parse(
        re.sub(r" -j (?:DROP|REJECT)\b.*", "", re.sub(r"^(:\S+) DROP", r"\1 ACCEPT", text, flags=re.MULTILINE))
    )


def packets(text: str, to: Destination, seed: int, count: int) -> Iterator[Packet]:
    """Yield packets of which many are at the bounds of what the rules ask."""
    draw = random.Random(seed)
    numbers = {int(ip_address(host)) for host in HOSTS} | set(to.span)
    for found in re.findall(r"\d+\.\d+\.\d+\.\d+(?:/\d+)?", text):
        low, high = Prefix.parse(found).span
        numbers |= {low - 1, low, high, high + 1}
    addresses = [str(ip_address(number)) for number in sorted(numbers) if 1 << 24 <= number < 224 << 24]
    ports = [
        bound for port in [*PORTS, *([] if to.port is None else [to.port])] for bound in (port - 1, port, port + 1)
    ]
    for _ in range(count):
        protocol = draw.choice([TCP, TCP, TCP, UDP, UDP, ICMP])
        there = [str(ip_address(draw.randint(*to.span)))]
        destination = draw.choice(there if draw.random() < 0.4 else addresses)
        incoming = draw.choice(["eth0", "eth1", "br0", None])
        source = draw.choice(["192.0.2.10", "10.1.0.1", "10.2.0.1"] if incoming is None else addresses)
        packet = Packet(ip_address(source), ip_address(destination), protocol, flags=frozenset())
        if protocol == ICMP:
            packet = replace(packet, icmp_type=8, icmp_code=0)
        else:
            packet = replace(packet, sport=draw.choice([1, 1023, 1024, 33000]), dport=draw.choice(ports))
            if to.port is not None and draw.random() < 0.4:
                packet = replace(packet, dport=to.port)
        if protocol == TCP:
            packet = replace(packet, flags=frozenset({"SYN"}))
        if NODE.address_type(packet.source) != "BROADCAST":  # no host has it
            yield replace(packet, in_interface=incoming)


@dataclass(frozen=True)
class Judge:
    """Knows of a packet whether it should be in a class, and whether it is."""

    text: str
    node: Node
    found: Reach

    def compare(self, flow: Flow, rules: Ruleset, free: Ruleset) -> str:
        """Return how a packet compared: ``in``, ``out``, or why it was left out; fails where the answers differ."""
        trace = explore(rules, flow, self.node)
        if any(end.fate is Fate.LOST for end in trace.ends):
            return "lost"
        if self.found.wanted is Wanted.MASQUERADED and self.node.is_local(flow.packet.source):
            return "own"  # MASQUERADE may give it the source that it has, which counts as rewritten
        expected = self._expected(trace, flow, free)
        if expected is None:
            return "drawn"
        entrance = Entrance.LOCAL if flow.packet.in_interface is None else Entrance.ARRIVING
        spaces = {id(item.space): item.space for item in self.found.classes}
        points = {key: PointOf(space, self.node, flow, State.NEW, entrance) for key, space in spaces.items()}
        told = {item.odds.fraction for item in self.found.classes if points[id(item.space)].is_in(item.box)}
        assert told == ({expected} if expected else set()), (str(flow), expected, told, self.text)
        return "in" if expected else "out"

    def _expected(self, trace: Trace, flow: Flow, free: Ruleset) -> Fraction | None:
        """Return the odds that the packet ends as wanted; None where that cannot be told so."""
        wanted = self.found.wanted
        if wanted in {Wanted.REACHED, Wanted.MASQUERADED}:
            ends = [end for end in trace.ends if end.fate in _ALIVE and self._is_there(end)]
            if wanted is Wanted.MASQUERADED:
                ends = [end for end in ends if end.packet.source_text != flow.packet.source_text]
            return sum((_chance(end) for end in ends), Fraction(0))
        if len(trace.ends) > 1:
            return None
        fate = Fate.DROP if wanted is Wanted.DROPPED else Fate.REJECT
        if trace.end.fate is not fate:
            return Fraction(0)
        would = explore(free, flow, self.node)
        return sum((_chance(end) for end in would.ends if self._is_there(end)), Fraction(0))

    def _is_there(self, end: End) -> bool:
        low, high = self.found.to.span
        port = self.found.to.port
        assert end.packet.destination is not UNKNOWN
        inside = low <= int(end.packet.destination) <= high
        return inside and (port is None or end.packet.dport == port)


def _chance(end: End) -> Fraction:
    assert end.odds is not None
    return end.odds.fraction


def count_all(judge: Judge, flows: Iterator[Flow]) -> Counter[str]:
    """Compare packets; return how many compared how."""
    rules, free = parse(judge.text), without_stops(judge.text)
    return Counter(judge.compare(flow, rules, free) for flow in flows)
