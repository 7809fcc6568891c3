"""Packets to throw at two rulesets that are said to be the same function: at the edges of what their rules name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from random import Random
from zlib import crc32

from iptc_sim.behaviour.endings import endings, kinds
from iptc_sim.behaviour.witness import SWITCHES
from iptc_sim.connection import Flow
from iptc_sim.diagnostics import UsageError
from iptc_sim.engine import explore
from iptc_sim.engine.situation import Situation
from iptc_sim.match import Match, Unclear
from iptc_sim.moment import Moment, Place
from iptc_sim.node import Node, Route
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, TCP
from iptc_sim.records import replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.tracking import State
from iptc_sim.values import Family, Prefix

#: A machine takes as long to make as a packet takes to follow.
PACKETS_EACH = 20
_FLAGS = (("SYN",), ("SYN",), ("ACK",), ("SYN", "ACK"), ("RST",), ("FIN", "ACK"), ())


class Attack:
    """Draws packets and machines.

    Args:
        texts: of the rulesets.
        random: the source.
        family: of the packets.
    """

    def __init__(self, texts: tuple[str, str], random: Random, family: Family) -> None:
        self.random, self.family = random, family
        text = "\n".join(texts)
        self._addresses = list(self._around(text))
        self._ports = [
            port + more
            for port in {int(found) for found in re.findall(r"\b\d{1,5}\b", text)} | {80, 33000}
            for more in (-1, 0, 1)
            if 0 < port + more < 65536
        ]
        self._marks = [0, 0, 0, *{int(found, 16) & 0xFFFFFFFF for found in re.findall(r"0x[0-9a-f]+", text)}]
        named = re.findall(r"(?<=-[io] )[a-z0-9]+", text)
        self._names = list(dict.fromkeys(["eth0", "eth1", "wlan0", *(name for name in named if name != "lo")]))
        self._sent = 0

    def _around(self, text: str) -> Iterator[int]:
        bits = self.family.bits
        pattern = r"\d+\.\d+\.\d+\.\d+(?:/\d+)?(?![\d.])" if bits == 32 else r"[0-9a-f]*:[0-9a-f:]+(?:/\d+)?"
        yield int(ip_address("203.0.113.5" if bits == 32 else "2001:db8:f::5"))
        for found in set(re.findall(pattern, text)):
            try:
                net = ip_network(found, strict=False)
            except ValueError:
                continue
            for number in (int(net.network_address), int(net.broadcast_address)):
                yield from (edge for edge in (number - 1, number, number + 1) if 0 < edge < 1 << bits)

    def _address(self) -> int:
        return self.random.choice(self._addresses)

    def situation(self) -> Situation:
        """Return the machine for the next packet: another one after every :data:`PACKETS_EACH`."""
        if self._sent % PACKETS_EACH == 0:
            self._machine = Situation(self.node(), answers=answers)
        self._sent += 1
        return self._machine

    def node(self) -> Node:
        """Return a machine with some of the addresses, and routes to the others by any interface."""
        random, bits = self.random, self.family.bits
        net = "198.18.{}.1/24" if bits == 32 else "2001:db8:a:{}::1/64"
        interfaces = {name: [net.format(number)] for number, name in enumerate(self._names)}
        for _ in range(2):
            address = Prefix(self.family, self._address(), 0).address
            if not (
                address.is_multicast
                or address.is_loopback
                or address.is_unspecified
                or int(address) >> (bits - 4) == 15
            ):
                interfaces[random.choice(self._names)].append(f"{address}/{bits}")
        halves = (Prefix(self.family, 0, 0), Prefix(self.family, 1 << (bits - 1), 1 << (bits - 1)))
        return Node.of(interfaces, [Route(half, random.choice(self._names)) for half in halves], sysctls=SWITCHES)

    def flow(self) -> Flow:
        """Return a packet."""
        random = self.random
        icmp = ICMP if self.family is Family.IPV4 else ICMPV6
        protocol = random.choice((TCP, TCP, TCP, 17, 17, icmp, 132, 47))
        source, destination = (Prefix(self.family, self._address(), 0).address for _ in range(2))
        packet = Packet(
            source, destination, protocol, flags=frozenset(random.choice(_FLAGS) if protocol == TCP else ())
        )
        if protocol in PORT_PROTOCOLS:
            packet = replace(packet, sport=random.choice(self._ports), dport=random.choice(self._ports))
        if protocol == icmp:
            packet = replace(
                packet, icmp_type=random.choice((0, 3, 8, 11) if icmp == ICMP else (1, 128, 129)), icmp_code=0
            )
        local = random.random() < 0.3
        packet = replace(
            packet, mark=random.choice(self._marks), in_interface=None if local else random.choice(self._names)
        )
        packet = replace(packet, ttl=random.choice((64, 64, 64, 2, 128)), tos=random.choice((0, 0, 0, 0x10, 0xB8)))
        state = random.choice((None, None, None, State.NEW, State.ESTABLISHED, State.RELATED, State.INVALID))
        return Flow(packet, state)


def answers(unclear: Unclear, at: Moment, place: Place) -> bool | None:
    """Answer a condition that cannot be told by its words and the packet: alike on both sides."""
    del place
    if not isinstance(unclear.extension, Match):
        return None
    packet = at.packet
    asked = (*unclear.extension.words(), packet.source, packet.destination, packet.sport, packet.dport, packet.protocol)
    return bool(crc32(repr(asked).encode()) & 1) != unclear.negated


def differs(a: Ruleset, b: Ruleset, attack: Attack) -> str:
    """Send a packet through both; return how they differ, empty for not at all."""
    flow, situation = attack.flow(), attack.situation()
    try:
        one, other = (explore(rules, flow, situation) for rules in (a, b))
    except UsageError:
        return ""
    if any("the mark of the connection is not known" in told for told in (*one.assumptions, *other.assumptions)):
        return ""  # a connection that is only told to exist has a mark that is not told
    found = kinds(endings(one), endings(other))
    return f"{flow} {found}" if found else ""
