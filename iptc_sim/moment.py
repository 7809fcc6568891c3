"""What the kernel looks at when it asks a match or hands a packet to a target."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from iptc_sim.records import dataclass

if TYPE_CHECKING:
    from iptc_sim.connection import Connection
    from iptc_sim.node import Node
    from iptc_sim.packet import Packet


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
    """

    packet: Packet
    hook: Hook
    table: str
    node: Node
    connection: Connection | None
