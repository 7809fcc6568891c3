"""What the kernel looks at when it asks a match or hands a packet to a target."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from iptc_sim.memory import Memory
from iptc_sim.records import dataclass
from iptc_sim.values import Variant

if TYPE_CHECKING:
    from iptc_sim.connection import Connection
    from iptc_sim.node import Node
    from iptc_sim.packet import Packet


NOTHING: Final = Memory()

#: Where a rule stands: table, chain, number from 1.
Place = tuple[str, str, int]


def _nobody(shared: Hashable) -> None:
    """Know of no other rules."""


class Hook(StrEnum):
    """The five places in the kernel where chains are walked."""

    PREROUTING = "PREROUTING"
    INPUT = "INPUT"
    FORWARD = "FORWARD"
    OUTPUT = "OUTPUT"
    POSTROUTING = "POSTROUTING"


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything a match or target may look at.

    Args:
        packet: as it is now, with its interfaces and mark.
        hook: the hook being walked.
        table: the table's name.
        node: the machine.
        connection: the conntrack entry; None where the packet is not tracked or conntrack is not in use.
        memory: what earlier packets and rules have left behind.
        now: seconds since 1970, UTC; None where the time was not told.
        place: the rule that asks: table, chain, number from 1.
        which: the how-manieth match of that rule, from 0.
        others: the other connections of the node; None where they are not known.
        first: tells which match was loaded first of those that share something, by :attr:`Match.shared`.
        variant: of iptables: what the kernel looks at is not the same in all.
    """

    packet: Packet
    hook: Hook
    table: str
    node: Node
    connection: Connection | None
    memory: Memory = NOTHING
    now: float | None = None
    place: Place = ("", "", 0)
    which: int = 0
    others: tuple[Connection, ...] | None = None
    first: Callable[[Hashable], object] = _nobody
    variant: Variant = Variant.NFT
