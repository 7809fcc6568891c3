"""Rules that remember, asked as the kernel asks them, beside the kernel that does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from iptc_sim.connection import Connection
from iptc_sim.kernel import Lab
from iptc_sim.kernel.namespace import run_command
from iptc_sim.match import No, Unclear
from iptc_sim.memory import Memory
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.syntax import parse
from iptc_sim.target import Alter, SetMark
from iptc_sim.values import Family
from tests.kernel.scenario import ROUTER, ROUTER_ROUTES

TICK = 0.01
"""Seconds between two ticks of the kernel's clock, at the most (CONFIG_HZ of 100)."""

NODE = Node.of({name: list(addresses) for name, addresses in ROUTER.items()}, ROUTER_ROUTES)


class UnsureError(AssertionError):
    """The model could not tell."""


@dataclass
class Model:
    """One chain, asked rule by rule; what it remembers stays from packet to packet."""

    lines: Sequence[str]
    hook: Hook = Hook.FORWARD
    table: str = "filter"
    node: Node = NODE
    memory: Memory = field(default_factory=lambda: Memory(fresh=True))
    family: int = 4
    others: tuple[Connection, ...] | None = ()
    unsure: list[str] = field(default_factory=list)
    at_an_edge: int = 0

    def __post_init__(self) -> None:
        text = "\n".join([f"*{self.table}", *(f"-A {self.hook} {line}" for line in self.lines), "COMMIT", ""])
        chain = parse(text, family=Family(self.family)).chain(self.table, self.hook)
        assert chain is not None
        self.rules = chain.rules

    def ask(
        self,
        packet: Packet,
        now: float | None,
        connection: Connection | None = None,
        kernel: Sequence[int] | None = None,
    ) -> list[int]:
        """Return the numbers of the rules that fit; ``kernel`` tells what did, where the model is unsure."""
        hits = []
        at = Moment(packet, self.hook, self.table, self.node, connection, self.memory, now, others=self.others)
        for number, rule in enumerate(self.rules, 1):
            at = replace(at, place=(self.table, str(self.hook), number))
            for match in (rule.base, *rule.matches):
                found = match.judge(at)
                fits = not isinstance(found, No)
                if isinstance(found, Unclear):
                    self.unsure.append(f"rule {number}: {found}")
                    if kernel is None:
                        raise UnsureError(self.unsure[-1])
                    fits = number in kernel
                if getattr(match, "REMEMBERS", False):
                    at = replace(at, memory=match.remember(at, fits))
                if not fits:
                    break
            else:
                hits.append(number)
                action = rule.target.act(at) if rule.target else None
                if isinstance(action, Alter):
                    at = replace(
                        at,
                        packet=action.packet or at.packet,
                        connection=action.connection or at.connection,
                        memory=action.memory or at.memory,
                    )
                if isinstance(action, SetMark):
                    at = replace(at, packet=replace(at.packet, mark=action.mark))
        self.memory = at.memory
        return hits

    def ask_within(
        self, packet: Packet, times: Sequence[float], connection: Connection | None, kernel: Sequence[int]
    ) -> list[int]:
        """Return what fits at the first of some times at which that is what fitted in the kernel, else at the last.

        Nobody can tell when, between sending and hearing of it, the kernel looked at its clock, which goes in ticks. On a
        slow machine that is time enough for a bucket to hold one packet more.
        """
        memory, hits = self.memory, []
        for late, now in enumerate(times):
            self.memory = memory
            hits = self.ask(packet, now, connection, kernel)
            if hits == kernel:
                self.at_an_edge += late > 0
                break
        return hits


def run(lab: Lab, *argv: str, text: str = "") -> str:
    """Run a command on the node of a lab."""
    return lab.call(lambda: run_command(argv, text))


def compare(
    lab: Lab,
    model: Model,
    packets: Sequence[Packet],
    *,
    variant: str = "nft",
    pause: Callable[[int], float] = lambda _: 0,
    load: bool = True,
    connections: bool = False,
) -> list[tuple[list[int], list[int]]]:
    """Send packets through the kernel and the model, and return what fits in each, packet by packet.

    Args:
        lab: where to.
        model: the same rules; they are loaded into the lab, alone.
        packets: one after the other.
        variant: the back end.
        pause: seconds to wait before the packet of a number.
        load: whether to load the rules; else they are there.
        connections: whether each packet begins a connection, for rules that ask it.
    """
    if load:
        text = "\n".join([f"*{model.table}", *(f"-A {model.hook} {line}" for line in model.lines), "COMMIT", ""])
        lab.load(text, model.family, variant)
    found = []
    longest = 0.0
    for number, packet in enumerate(packets):
        time.sleep(pause(number))
        before = time.time()
        seen = lab.inject(packet, conntrack=False)
        after = time.time()
        longest = max(longest, after - before)
        kernel = [hit.number for hit in seen.rules(model.table) if hit.chain == model.hook and hit.number is not None]
        entry = Connection.first(packet) if connections else None
        times = (before, before - longest - TICK, after + TICK)
        found.append((kernel, model.ask_within(packet, times, entry, kernel)))
    assert model.at_an_edge <= 1 + len(packets) // 10, "the clock decides too much: the machine is too slow to tell"
    return found
