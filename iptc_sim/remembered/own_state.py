"""What matches need to keep something for themselves: a key for each rule, the time, the size of a packet."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Final

from iptc_sim.extension import Extension
from iptc_sim.moment import Moment
from iptc_sim.tracking import State

if TYPE_CHECKING:
    from iptc_sim.connection import Connection

#: Nanoseconds in a second: what buckets are counted in.
SECOND: Final = 10**9


def rule_key(extension: Extension, at: Moment) -> tuple[Hashable, ...]:
    """Return the key of what one match of one rule remembers: its name, table, chain, number, place in it and options.

    Equal rules in two places keep two counters, and so do two equal matches of one rule.
    """
    return (extension.NAME, *at.place, at.which, " ".join(extension.words()))


def nanoseconds(at: Moment) -> int | None:
    """Return the time of a moment; None where it was not told."""
    return None if at.now is None else int(at.now * SECOND)


def same_packet(at: Moment) -> Hashable:
    """Return what tells the packets of a walk apart where no time is told.

    Whoever sends several packets through one memory without a clock counts them under the key ``("packet",)``.
    """
    number: int = at.memory.get(("packet",), 0)
    return number


def size_of(at: Moment) -> int:
    """Return the bytes of the packet from the IP header on, which is what the kernel counts."""
    from iptc_sim.wire.packets import packet_bytes  # noqa: PLC0415 - what reads rules does not need it

    return len(packet_bytes(at.packet))


def is_told(entry: Connection) -> bool:
    """Whether more is known of a connection than its tuples.

    A new one has no mark, no labels and has carried nothing; one of which only the state was told may have anything.
    """
    return entry.state is State.NEW or entry.confirmed
