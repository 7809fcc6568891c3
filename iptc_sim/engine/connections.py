"""The conntrack table: which connections a node has, and which tuples are taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iptc_sim.connection import Connection, FlowTuple
from iptc_sim.records import replace
from iptc_sim.tracking import Direction


class Connections:
    """The confirmed entries of a node; never changed.

    Args:
        entries: of which a later one takes the place of an earlier one with the same original tuple.
    """

    __slots__ = ("_by_original", "_by_tuple")

    def __init__(self, entries: Iterable[Connection] = ()) -> None:
        self._by_original = {(entry.zone, entry.original): entry for entry in entries}
        self._by_tuple: dict[tuple[Direction, int, FlowTuple], Connection] | None = None

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._by_original.values())

    def __len__(self) -> int:
        return len(self._by_original)

    def _tuples(self) -> dict[tuple[Direction, int, FlowTuple], Connection]:
        if self._by_tuple is None:
            self._by_tuple = {}
            for entry in self:
                self._by_tuple[Direction.ORIGINAL, entry.zone, entry.original] = entry
                self._by_tuple[Direction.REPLY, entry.reply_zone, entry.reply] = entry
        return self._by_tuple

    def find(self, wanted: FlowTuple, zone: int = 0, reply_zone: int = 0) -> Connection | None:
        """Return the entry to which a packet with this tuple belongs, with the direction that it goes.

        Args:
            wanted: the tuple.
            zone: of packets in the original direction.
            reply_zone: of those in the other one.
        """
        # Where both tuples are the same, a machine talking to itself, a packet counts as an answer, unless the zones
        # tell the directions apart: then that of the original one is asked first (resolve_normal_ct).
        ways = ((Direction.REPLY, reply_zone), (Direction.ORIGINAL, zone))
        for direction, number in ways if zone == reply_zone else reversed(ways):
            found = self._tuples().get((direction, number, wanted))
            if found is not None:
                return replace(found, direction=direction)
        return None

    def is_taken(self, wanted: FlowTuple, entry: Connection) -> bool:
        """Whether packets with this tuple would belong to another connection than ``entry`` (``nf_nat_used_tuple``).

        An old one between the same ends, which ``entry`` begins anew, is gone by then.
        """
        if not self._by_original or wanted.is_blurred:
            return False
        found = self.find(wanted, entry.zone, entry.reply_zone)
        return found is not None and (found.zone, found.original) != (entry.zone, entry.original)

    def from_source(self, entry: Connection) -> Iterator[Connection]:
        """Yield the others whose first packet had the same protocol, source address and source port."""
        wanted = entry.original
        for other in self:
            original = other.original
            same = original.source == wanted.source and original.sport == wanted.sport
            itself = (other.zone, original) == (entry.zone, wanted)
            if same and original.protocol == wanted.protocol and not itself:
                yield other

    def at(self, now: float) -> Connections:
        """Return the table as it is at a time, without what is forgotten by then (``nf_ct_is_expired``).

        Args:
            now: seconds since 1970, UTC. Of an entry without a time of its own its timeout counts from here on.
        """
        moment, kept = int(now * 1000), []
        for entry in self:
            seen = moment if entry.seen is None else entry.seen
            if entry.expires is None or moment - seen < entry.expires * 1000:
                kept.append(entry if entry.seen is not None else replace(entry, seen=moment))
        return Connections(kept) if kept != list(self) else self

    def with_entry(self, entry: Connection) -> Connections:
        """Return the table with an entry more, changed, or closed and gone."""
        if entry.closed:
            return Connections(one for one in self if (one.zone, one.original) != (entry.zone, entry.original))
        return Connections([*self, replace(entry, direction=Direction.ORIGINAL)])
