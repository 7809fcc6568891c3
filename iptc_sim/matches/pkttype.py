"""``-m pkttype``: whom the link layer sent the packet to (xt_pkttype.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field
from iptc_sim.extension import extension
from iptc_sim.match import Match, Outcome, decide
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, option
from iptc_sim.tracking import Direction
from iptc_sim.value_types.choice import Choice
from iptc_sim.values import UNKNOWN, Negatable


class PacketType(Choice):
    """A packet type in any case."""

    def read(self, words: tuple[str, ...], context: Reading) -> str:
        """Return the type."""
        return super().read((words[0].lower(),), context)


TYPES = PacketType(
    ("unicast", "broadcast", "multicast", "otherhost"),
    {"host": "unicast", "bcast": "broadcast", "mcast": "multicast"},
)


@extension
class Pkttype(Match):
    """``unicast`` is a packet to this very machine, by its link layer address."""

    NAME = "pkttype"

    pkt_type: Negatable[str] = option(TYPES, "--pkt-type", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Tell it by the destination that the packet had when it came in.

        A packet made here or come by lo is ``unicast``, whatever its destination; ``otherhost`` is never seen here, as
        IP does not take such frames.
        """
        return decide(self.test("pkt_type", _type(at), "packet type"))

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say which type is asked for, which the packet has got where it came in."""
        return self.free("pkt_type", frozenset({Field.IN_INTERFACE}))


def _type(at: Moment) -> str:
    packet, entry = at.packet, at.connection
    if packet.in_interface in {None, "lo"}:
        return "unicast"
    destination = packet.destination
    if entry is not None and entry.is_tracked and not entry.is_prepared:
        way = entry.original if entry.direction is Direction.ORIGINAL else entry.reply
        destination = way.destination  # before it was translated
    if not at.node.is_for_many(destination, packet.in_interface):
        return "unicast"
    return "multicast" if destination is not UNKNOWN and destination.is_multicast else "broadcast"
