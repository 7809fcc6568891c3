"""``-m connlimit``: how many connections an address or a network has (xt_connlimit.c)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.memory import Memory
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.remembered.own_state import rule_key
from iptc_sim.value_types.mask import MaskLength
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.rate import turn_negated
from iptc_sim.values import UNKNOWN, Address, Family, Unknown

if TYPE_CHECKING:
    from iptc_sim.connection import Connection, FlowTuple

#: States of a TCP connection that is over and no longer counts.
OVER = frozenset({"TIME_WAIT", "CLOSE"})
#: More connections than a rule can ask for.
MANY = 1 << 32


@extension
class Connlimit(Match):
    """The mask and the side are always printed.

    Each rule keeps a list of its own, of the connections whose packets have asked it, and the others that conntrack
    knows do not count. Remembered under ``rule_key`` with the masked address behind it: the
    first tuples of those connections, the one that asked first in front.

    How Linux 6.18 keeps the list (tests/kernel/test_connections.py): a packet looks through it from the front for its
    own connection, takes out what is forgotten or closed up to there, and puts itself at the end where it is not
    found. The packet of an ASSURED connection takes out all of that, but is put on a list only where there was none; if
    the list is empty then, the packet is dropped.
    """

    NAME = "connlimit"
    USES_CONNTRACK = True
    REMEMBERS = True

    upto: int | None = option(Integer(), "--connlimit-upto", negatable=True)
    above: int | None = option(Integer(), "--connlimit-above", negatable=True)
    mask: int = option(MaskLength(holes=True), "--connlimit-mask", default=lambda family: family.bits)
    saddr: bool = flag("--connlimit-saddr")
    daddr: bool = flag("--connlimit-daddr")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Turn ``!`` into the opposite option; count by source unless ``--connlimit-daddr`` is given."""
        turn_negated(fields, "upto", "above")
        if not fields.get("daddr"):
            fields["saddr"] = True

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or both of the limits, and both of the sides."""
        self.demand_one("upto", "above")
        if self.saddr and self.daddr:
            raise ValueError("--connlimit-saddr and --connlimit-daddr exclude each other")

    def judge(self, at: Moment) -> Outcome:
        """Count the connections of the packet's address, its own included."""
        label = self.option_text(self._limit)
        who = self._who(at)
        if who is UNKNOWN:
            return Unclear(self, f"{label}: the address is not known")
        if at.packet.ends_in_header and (at.connection is None or not at.connection.is_tracked):
            return No(
                self, self._limit, "the packet has no tuple to count, which the kernel takes for an error", drops=True
            )
        least, most = self._count(at)
        if most == 0:
            return No(
                self, self._limit, "it counts no connection at all, which the kernel takes for an error", drops=True
            )
        answers = {self._fits(least), self._fits(most if most is not None else MANY)}
        if len(answers) > 1 and most is None:
            return Unclear(self, f"{label}: how many other connections there are is not known")
        if len(answers) > 1:
            return Unclear(
                self, f"{label}: of {least} to {most} connections it is not known whether they asked the rule"
            )
        if True in answers:
            return YES
        return No(self, self._limit, f"there are {least} connections")

    @property
    def _limit(self) -> str:
        return "upto" if self.above is None else "above"

    def remember(self, at: Moment, fits: bool) -> Memory:  # noqa: ARG002 - the interface
        """Note the connection, and forget those that are over."""
        return at.memory if self._who(at) is UNKNOWN else at.memory.put(self._key(at), self._list(at))

    def _count(self, at: Moment) -> tuple[int, int | None]:
        """Return how many connections count at least, and at most; None for no limit."""
        found = self._list(at)
        if at.memory.fresh and at.others is not None:
            return len(found), len(found)
        noted = {*at.memory.get(self._key(at), ()), _tuple(at)}
        if at.others is None:
            return 1, len(noted) if at.memory.fresh else None
        possible = {one.original for one in at.others if one.tcp not in OVER and self._may_count(one, at)}
        return max(1, len(found)), len(noted | possible)

    def _list(self, at: Moment) -> tuple[FlowTuple, ...]:
        """Return the list once the packet has asked, as far as it is known."""
        own, entry = _tuple(at), at.connection
        before: tuple[FlowTuple, ...] | None = at.memory.get(self._key(at))
        if before is None:
            return (own,)
        if at.others is None:
            return before if own in before else (*before, own)
        there = {way for one in at.others if one.tcp not in OVER for way in (one.original, one.reply)}
        if entry is not None and entry.assured:
            there -= {own} if entry.tcp in OVER else set()
            return tuple(one for one in before if one in there)
        stays = before.index(own) if own in before and own in there else len(before)
        behind = before[stays:] or (own,)
        return tuple(one for one in before[:stays] if one in there and one != own) + behind

    def _may_count(self, other: Connection, at: Moment) -> bool:
        """Whether a packet of another connection may have had the address on the side that is asked."""
        sides = {
            (one.source if self.saddr else one.destination)
            for one in (other.original, other.reply, other.reply.inverted)
        }
        return any(self._masked(address) == self._who(at) for address in sides)

    def _fits(self, count: int) -> bool:
        return count > self.above if self.above is not None else count <= (self.upto or 0)

    def _key(self, at: Moment) -> tuple[Hashable, ...]:
        return (*rule_key(self, at), self._who(at), at.connection.zone if at.connection else 0)

    def _who(self, at: Moment) -> int | Unknown:
        return self._masked(at.packet.source if self.saddr else at.packet.destination)

    def _masked(self, address: Address | Unknown) -> int | Unknown:
        if address is UNKNOWN:
            return address
        cut = Family(address.version).bits - self.mask
        return int(address) >> cut << cut


def _tuple(at: Moment) -> FlowTuple:
    from iptc_sim.connection import FlowTuple  # noqa: PLC0415 - what reads rules does not need it

    return at.connection.original if at.connection is not None else FlowTuple.of(at.packet)
