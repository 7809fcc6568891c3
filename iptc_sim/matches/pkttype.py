"""``-m pkttype``: whom the link layer sent the packet to (xt_pkttype.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import Reading, option
from iptc_sim.value_types.choice import Choice
from iptc_sim.values import Negatable


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
