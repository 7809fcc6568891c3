"""TCP connections packet by packet: what conntrack calls each, and how it is translated, in the kernel and here."""

from __future__ import annotations

import os
from ipaddress import ip_address
from random import Random
from typing import Final

import pytest

from iptc_sim.connection import Flow
from iptc_sim.engine import Session
from iptc_sim.kernel import Lab
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.protocols import TCP
from iptc_sim.steps import Fate, RuleStep
from iptc_sim.syntax import parse
from tests.kernel.scenario import ROUTER, ROUTER_ROUTES

pytestmark = pytest.mark.kernel

#: How many conversations with each back end.
CONVERSATIONS: Final = int(os.environ.get("IPTC_CONVERSATIONS", "60"))
STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
RULES = "\n".join([
    "*mangle", *(f"-A PREROUTING -m conntrack --ctstate {state}" for state in STATES), "COMMIT",
    "*nat", "-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.1.7:8080",
    "-A POSTROUTING -o eth2 -j MASQUERADE", "COMMIT", "",
])  # fmt: skip
NODE = Node.of({name: list(texts) for name, texts in ROUTER.items()}, ROUTER_ROUTES)
#: What the client says, and how often; likewise the server. A server does not answer a SYN with an ACK alone: what
#: conntrack makes of a RST after that hangs on sequence numbers that no real stack would send.
CLIENT = (
    (("SYN",), 6),
    (("ACK",), 8),
    (("FIN", "ACK"), 4),
    (("RST",), 1),
    (("RST", "ACK"), 1),
    (("PSH", "ACK"), 2),
    (("FIN",), 1),
)
SERVER = ((("SYN", "ACK"), 6), (("ACK",), 5), (("FIN", "ACK"), 4), (("RST",), 1), (("PSH", "ACK"), 2), (("SYN",), 1))


class Conversation:
    """Draws packets of one connection, and asks both what they are."""

    def __init__(self, lab: Lab, seed: int) -> None:
        self.random, self.lab, self.port = Random(seed), lab, 20000 + seed
        self.session = Session(parse(RULES), NODE)

    def packet(self, first: bool) -> Packet:
        """Return the next packet."""
        known = list(self.session.situation.connections)
        forward = first or not known or self.random.random() < 0.55
        drawn = CLIENT if forward else SERVER
        flags = {"SYN"} if first and self.random.random() < 0.8 else self._drawn(drawn)
        if not forward and known[0].tcp == "SYN_SENT" and flags != {"RST"}:
            flags = {"SYN", "ACK"}
        ends = ("10.0.0.5", self.port, "198.51.100.7", 80, "eth1")
        source, sport, destination, dport, interface = (
            ends if forward else ("10.0.1.7", 8080, "10.0.1.1", self.port, "eth2")
        )
        return Packet(
            ip_address(source), ip_address(destination), TCP, sport, dport, frozenset(flags), in_interface=interface
        )

    def _drawn(self, choices: tuple[tuple[tuple[str, ...], int], ...]) -> set[str]:
        return set(self.random.choices([flags for flags, _ in choices], [weight for _, weight in choices])[0])

    def simulated(self, packet: Packet) -> tuple[list[str], str]:
        """Return the state and what leaves, as we have it."""
        trace = self.session.send(Flow(packet))
        self.session.settle(trace.end)
        steps = [step for step in trace.steps(trace.end) if isinstance(step, RuleStep) and step.matched]
        states = [STATES[step.number - 1] for step in steps if step.table == "mangle"]
        return states, _text(trace.end.packet) if trace.end.fate is Fate.FORWARD else ""

    def seen(self, packet: Packet) -> tuple[list[str], str]:
        """Return the same as the kernel has it."""
        found = self.lab.inject(packet, conntrack=False)
        states = [STATES[hit.number - 1] for hit in found.hits if hit.table == "mangle" and hit.number]
        return states, _text(found.arrival.packet) if found.arrival else ""


def _text(packet: Packet) -> str:
    return f"{packet.source_text} -> {packet.destination_text}"


def test_states_and_translation_of_every_packet(variant: str) -> None:
    with Lab(ROUTER, ROUTER_ROUTES, reader="netlink") as lab:
        lab.load(RULES, variant=variant)
        for seed in range(CONVERSATIONS):
            talk = Conversation(lab, seed)
            said: list[str] = []
            for number in range(talk.random.randint(2, 7)):
                packet = talk.packet(first=not number)
                said.append(str(packet))
                assert talk.simulated(packet) == talk.seen(packet), (seed, said)
