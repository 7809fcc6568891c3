"""What a walk goes on in: the node, and what is known of earlier packets and of the time."""

from __future__ import annotations

from iptc_sim.engine.connections import Connections
from iptc_sim.engine.judge import Answers
from iptc_sim.memory import Memory
from iptc_sim.node import Node
from iptc_sim.records import dataclass


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything beside the rules and the packet.

    Args:
        node: the machine.
        connections: of its conntrack table those that are known; clashes with others are not looked for.
        complete: whether these are all.
        memory: what earlier packets have left behind.
        now: seconds since 1970, UTC; None: not told.
        answers: tells of conditions that cannot be judged whether they hold; None: nobody does, both ways are followed.
    """

    node: Node
    connections: Connections = Connections()
    complete: bool = False
    memory: Memory = Memory()
    now: float | None = None
    answers: Answers | None = None
