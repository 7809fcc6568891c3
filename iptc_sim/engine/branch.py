"""The state of one branch of the exploration: everything that a walk changes."""

from __future__ import annotations

from iptc_sim.connection import Connection
from iptc_sim.engine.hooks import Stop
from iptc_sim.engine.judge import Assumed
from iptc_sim.memory import Memory
from iptc_sim.moment import NOTHING
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass, field, replace
from iptc_sim.ruleset import Chain
from iptc_sim.steps import End, Step
from iptc_sim.target import Action, Prepare
from iptc_sim.values import CERTAIN, UNKNOWN, Interface, Odds


@dataclass(slots=True)
class Frame:
    """A chain being walked; ``position`` is the index of the next rule."""

    chain: Chain
    position: int = 0


@dataclass(slots=True)
class Branch:
    """One branch.

    Args:
        stops: what lies ahead on the way; ``at_stop`` is the next one.
        packet: as it is now.
        connection: its conntrack entry.
        odds: the chance of having come here; None where something on the way has none.
        parent: number of the segment before this one.
        choice: what this branch assumes.
        chance: its odds among its siblings.
        steps: of the segment at hand.
        assumed: answers given to questions that cannot be told.
        frames: the chains being walked; empty between tables.
        forced: whether the next rule is taken to fit, without judging it again.
        chosen: what the target of that rule is taken to do.
        before: the packet when it entered the table at hand.
        done: whether that table is behind it.
        next_out: the out interface from POSTROUTING on, after a second route lookup.
        home: the packet as it came back by lo; None: it did not.
        bridged: whether a bridge passes it on: it then has no in interface in POSTROUTING.
        memory: what rules have left behind.
        prepared: what raw has said to connection tracking.
    """

    stops: tuple[Stop, ...]
    packet: Packet
    connection: Connection | None = None
    odds: Odds | None = CERTAIN
    parent: int | None = None
    choice: str = ""
    chance: Odds | None = None
    steps: list[Step] = field(default_factory=list)
    assumed: Assumed = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    at_stop: int = 0
    forced: bool = False
    chosen: Action | None = None
    before: Packet | None = None
    done: bool = False
    next_out: Interface = UNKNOWN
    home: Packet | None = None
    bridged: bool = False
    memory: Memory = NOTHING
    prepared: Prepare | None = None

    def fork(self, choice: str, chance: Odds | None) -> Branch:
        """Return a branch that goes on from here."""
        odds = None if self.odds is None or chance is None else self.odds * chance
        return replace(
            self,
            odds=odds,
            choice=choice,
            chance=chance,
            steps=[],
            assumed=dict(self.assumed),
            frames=[Frame(frame.chain, frame.position) for frame in self.frames],
        )


@dataclass(frozen=True, slots=True)
class Forked:
    """The walk cannot go on in one way."""

    branches: tuple[Branch, ...]


Result = End | Forked | None
