"""``-m connbytes``: how much a connection has carried (xt_connbytes.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Own, both
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.matches._asked import tracked
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.records import dataclass
from iptc_sim.remembered.own_state import is_told, size_of
from iptc_sim.value_types.choice import Choice
from iptc_sim.value_types.number_range import read_range
from iptc_sim.values import Negatable

_MOST = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class CountRange:
    """From ``first`` to ``last``, both included; no upper end is printed as none, and so is 0."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.last in {0, _MOST} else f"{self.first}:{self.last}"


class CountRangeType(ValueType[CountRange]):
    """``N`` and ``N:`` have no upper end."""

    expected = "a number, or a range A:B"

    def read(self, words: tuple[str, ...], context: Reading) -> CountRange:  # noqa: ARG002 - the interface
        """Return the range."""
        low, high = read_range(words[0], _MOST)
        last = _MOST if high is None else high
        if low > last:
            raise ValueError(f"the range {words[0]} ends before it begins")
        return CountRange(low, last)


@extension
class Connbytes(Match):
    """Bytes, packets or bytes in a packet, of one direction or both."""

    NAME = "connbytes"
    USES_CONNTRACK = True

    connbytes: Negatable[CountRange] = option(CountRangeType(), "--connbytes", negatable=True, required=True)
    mode: str = option(Choice(("packets", "bytes", "avgpkt")), "--connbytes-mode", required=True)
    dir: str = option(Choice(("original", "reply", "both")), "--connbytes-dir", required=True)

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Drop ``!`` before a range of one number.

        The kernel is told of ``!`` by the two ends changing places, which for equal ends tells it nothing.
        """
        found = fields["connbytes"]
        if isinstance(found, Negatable) and found.negated and found.value.first == found.value.last:
            fields["connbytes"] = Negatable(found.value)

    def judge(self, at: Moment) -> Outcome:
        """Compare what was carried, the packet at hand included; a packet without a connection never fits."""
        entry = at.connection
        if entry is None or not entry.is_tracked or not entry.original.protocol:  # -j CT gives one without counters
            return No(self, "connbytes", "the packet has no conntrack entry")
        packets: tuple[int, ...] = entry.packets
        size: tuple[int, ...] = entry.size
        if packets == (0, 0):
            if not is_told(entry) or entry.confirmed:
                return Unclear(self, f"{self.option_text('connbytes')}: what the connection has carried is not known")
            packets, size = (1, 0), (size_of(at), 0)
        here = {"original": slice(0, 1), "reply": slice(1, 2), "both": slice(0, 2)}[self.dir]
        count, carried = sum(packets[here]), sum(size[here])
        found = {"packets": count, "bytes": carried, "avgpkt": carried // count if count else 0}[self.mode]
        wanted = self.connbytes.value
        if (wanted.first <= found <= wanted.last) != self.connbytes.negated:
            return YES
        return No(self, "connbytes", f"it is {found}")

    def constraint(self, asked: Asked) -> Constraint:
        """Say what was carried, for packets with a connection; every rule is told the same of it."""
        wanted = self.connbytes
        key = (self.NAME, str(wanted.value), self.mode, self.dir)
        return both([tracked(asked), Own(key, shared=True, negated=wanted.negated)])
