"""``-m hashlimit``: a rate for each address, port or pair of them (xt_hashlimit.c)."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import TYPE_CHECKING

from iptc_sim.constraint import Asked, Constraint, Own
from iptc_sim.extension import Placement, extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.memory import Memory
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.protocols import parse_integer
from iptc_sim.remembered.own_state import SECOND, size_of
from iptc_sim.value_types.file_name import not_a_file_name
from iptc_sim.value_types.mask import MaskLength
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.rate import ByteBurst, ByteRate, Rate, RateText, turn_negated
from iptc_sim.value_types.text import Text
from iptc_sim.values import UNKNOWN, Names

if TYPE_CHECKING:
    from iptc_sim.remembered.hash_table import HashTable, Meter

#: Ticks in a second (XT_HASHLIMIT_SCALE_v2); also the largest burst in packets.
SCALE = 1000000
BURST = 5
MODES = ("srcip", "srcport", "dstip", "dstport")
#: Milliseconds until an entry is forgotten where nothing is said: by bytes, and by bytes with a burst.
BYTE_EXPIRE, BYTE_BURST_EXPIRE = 15000, 60000

_BURST = re.compile(r"\s*\+?(0[xX][0-9a-fA-F]{1,8}|\d{1,10})([km]?)", re.ASCII)
_INTERVAL = re.compile(r"\s*\+?(\d{1,20})", re.ASCII)
#: The kernel makes no larger table, and keeps no more entries (HASHLIMIT_MAX_SIZE).
MOST = 1 << 20
#: What the kernel counts for a tick and, times 2^32, for a byte (user2credits, user2credits_byte; the usual clocks).
CREDITS = (1 << 37) * 1000 // SCALE
BYTE_CREDITS = (1 << 22) * 1000
_ALL64 = (1 << 64) - 1
_MASK = MaskLength(vanishes=True)


class HashRate(ValueType[RateText | ByteRate]):
    """``N/UNIT`` packets or ``Nb/s`` bytes; what ``--hashlimit-rate-match`` makes of it is decided with all options."""

    expected = "a rate such as 5/sec, 10/min, 512kb/s or 10mb/s"

    def read(self, words: tuple[str, ...], context: Reading) -> RateText | ByteRate:  # noqa: ARG002 - the interface
        """Return the rate."""
        return ByteRate.parse(words[0]) if "b/s" in words[0] else RateText.parse(words[0], SCALE)


class Burst(ValueType[int]):
    """Packets or bytes; ``k`` and ``m`` multiply in both cases, and what follows counts for nothing."""

    expected = "a number of packets, or of bytes such as 400kb"

    def read(self, words: tuple[str, ...], context: Reading) -> int:  # noqa: ARG002 - the interface
        """Return the number."""
        found = _BURST.match(words[0])
        number = parse_integer(found[1]) if found else None
        size = (number or 0) * {"k": 1 << 10, "m": 1 << 20}.get(found[2] if found else "", 1)
        if not 0 < size < 0xFFFFFFFF:
            raise ValueError(f"{words[0]} is not a burst")
        if size > SCALE and words[0].isdigit():
            raise ValueError(f"{words[0]} is above {SCALE}; larger bursts are of bytes and end in b, kb or mb")
        return size


class TableSize(Integer):
    """A number that the kernel cuts to the largest it takes."""

    def read(self, words: tuple[str, ...], context: Reading) -> int:
        """Return the number."""
        return min(super().read(words, context), MOST)


class Interval(Integer):
    """A decimal number, of which the lower 32 bits count; what follows it counts for nothing."""

    def read(self, words: tuple[str, ...], context: Reading) -> int:
        """Return the number."""
        found = _INTERVAL.match(words[0])
        return super().read((str(int(found[1]) & 0xFFFFFFFF) if found else words[0],), context)


class Modes(ValueType[Names]):
    """What has a rate of its own; an empty list says nothing."""

    expected = "a comma list of " + ", ".join(MODES)

    def read(self, words: tuple[str, ...], context: Reading) -> Names | None:  # noqa: ARG002 - the interface
        """Return the set."""
        names = [name for name in words[0].split(",") if name]
        wrong = [name for name in names if name not in MODES]
        if wrong:
            raise ValueError(f"{wrong[0]} is none of {', '.join(MODES)}")
        return Names.of(names, MODES) if names else None


@extension
class Hashlimit(Match):
    """Names the table that holds the counters; a burst in packets is always printed.

    Rules with one name share the table, and the kernel counts in it by the options of the rule that was loaded first;
    whether to fit within the rate or above it, each rule says for itself (tests/kernel/test_shared_rates.py).
    Remembered under ``("hashlimit", FAMILY, NAME, WHO)``, where WHO is the masked address
    and port of each side that has a rate of its own: the :class:`~iptc_sim.remembered.hash_table.Entry`.
    """

    NAME = "hashlimit"
    REMEMBERS = True

    above: Rate | ByteRate | None = option(HashRate(), "--hashlimit-above", negatable=True)
    upto: Rate | ByteRate | None = option(HashRate(), "--hashlimit-upto", "--hashlimit", negatable=True)
    burst: int | ByteBurst | None = option(Burst(), "--hashlimit-burst")
    mode: Names | None = option(Modes(), "--hashlimit-mode")
    table_name: str = option(Text("a name for the table", 254, quote=False), "--hashlimit-name", required=True)
    htable_size: int = option(TableSize(), "--hashlimit-htable-size", default=0, hidden=0)
    htable_max: int = option(TableSize(), "--hashlimit-htable-max", default=0, hidden=0)
    htable_gcinterval: int = option(Integer(1), "--hashlimit-htable-gcinterval", default=1000, hidden=1000)
    htable_expire: int | None = option(Integer(1), "--hashlimit-htable-expire")
    srcmask: int | None = option(_MASK, "--hashlimit-srcmask")
    dstmask: int | None = option(_MASK, "--hashlimit-dstmask")
    rate_match: bool = flag("--hashlimit-rate-match")
    rate_interval: int | None = option(Interval(1, 0x7FFFFFFF), "--hashlimit-rate-interval", hidden=1)

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Turn ``!`` into the opposite option, and fill in what follows from the unit in which the rate was given.

        Entries live as long as that unit. The unit that is printed may be shorter (60/min is 1/sec), so the time is
        printed where it is not that of the printed unit. With ``--hashlimit-rate-match`` the rate is a count in an
        interval; iptables prints it as a count in a second, and the interval, which is that unit, for itself.
        """
        turn_negated(fields, "above", "upto")
        side = "above" if "above" in fields else "upto"
        rate, burst, seconds = fields.get(side), fields.get("burst"), 1
        if isinstance(rate, ByteRate):
            expire = usual = BYTE_EXPIRE
            if isinstance(burst, int) and 0 < rate.size <= burst:
                fields["burst"] = ByteBurst(rate, -(-burst // rate.size))
                expire = usual = BYTE_BURST_EXPIRE
        elif isinstance(rate, RateText) and not (fields.get("rate_match") and rate.count > SCALE):
            fields.setdefault("burst", BURST)
            seconds = rate.seconds
            made = Rate.of(RateText(rate.count, 1) if fields.get("rate_match") else rate, SCALE)
            fields[side] = made
            expire, usual = seconds * 1000, made.shown.seconds * 1000
        else:
            return
        if fields.setdefault("htable_expire", expire) == usual:
            del fields["htable_expire"]
        if fields.get("rate_match"):
            fields.setdefault("rate_interval", seconds)
        else:
            fields.pop("rate_interval", None)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or two rates, and a burst that the rate cannot have."""
        self.demand_one("above", "upto")
        if not self.table_name:
            raise ValueError("--hashlimit-name is empty")
        rate = self.upto if self.above is None else self.above
        if isinstance(rate, ByteRate):
            if isinstance(self.burst, int):
                raise ValueError(f"--hashlimit-burst is below the {max(rate.size, 16)} bytes of a second")
        elif not isinstance(rate, Rate):
            raise ValueError(f"the rate is too fast; at most {SCALE} packets can be counted in an interval")
        elif isinstance(self.burst, int) and self.burst > SCALE:
            raise ValueError(f"--hashlimit-burst is above {SCALE} packets")

    def refusal(self, place: Placement) -> str:
        """The table is a file in /proc; a rate must be one that the kernel can count."""
        rate = self.upto if self.above is None else self.above
        if isinstance(rate, ByteRate) and rate.cost * BYTE_CREDITS >> 32 == 0:
            return f"{rate} is too fast to count"
        if isinstance(rate, Rate) and isinstance(self.burst, int) and not self.rate_match:
            cost = rate.period * CREDITS
            if not self.burst or cost * self.burst & _ALL64 < cost & _ALL64:
                return f"{rate} with a burst of {self.burst} is more than the kernel can count"
        return not_a_file_name("--hashlimit-name", self.table_name) or Match.refusal(self, place)

    def judge(self, at: Moment) -> Outcome:
        """Ask whether the packet is within the rate."""
        table = self._table(at)
        if table is None:
            return Unclear(self, f"{self._label}: the rule that made the table {self.table_name} counts something else")
        if self._mixed(at) in at.memory:
            return Unclear(
                self, f"{self._label}: a rule that counts something else has used the table {self.table_name}"
            )
        if _is_dropped(table, at):
            return No(self, "mode", "the packet has no ports to tell, and the kernel drops it", drops=True)
        if UNKNOWN in table.who(at.packet):
            return Unclear(self, f"{self._label}: who it counts for is not known")
        entry = table.entry(at)
        if entry is None:
            return Unclear(self, f"{self._label}: how many packets came before is not known")
        within = table.meter.within(entry, size_of(at))
        if within is None:
            return Unclear(self, f"{self._label}: how long ago the last packet came is not known")
        if within == (self.above is None):
            return YES
        return No(self, "upto" if self.above is None else "above", f"the rate is {'kept' if within else 'exceeded'}")

    def constraint(self, asked: Asked) -> Constraint:
        """Say which table is asked, and how; its name stands second in the key."""
        return Own((self.NAME, self.table_name, *self.words(asked.variant)), shared=True)

    def remember(self, at: Moment, fits: bool) -> Memory:
        """Count the packet."""
        table = self._table(at)
        if table is None:
            return at.memory.put(self._mixed(at), True)
        if _is_dropped(table, at):
            return at.memory
        entry = table.entry(at)
        if entry is None or UNKNOWN in table.who(at.packet):
            return at.memory
        within = fits == (self.above is None)
        return at.memory.put(table.key(at.packet), table.meter.after(entry, size_of(at), within=within))

    def _mixed(self, at: Moment) -> tuple[Hashable, ...]:
        """Return what says that bytes and packets were counted in one table, so that its entries are not known."""
        return ("hashlimit", int(at.packet.family), self.table_name, "mixed")

    @property
    def shared(self) -> Hashable:
        """The table, which the first rule that names it makes."""
        return self.NAME, self.table_name

    def _table(self, at: Moment) -> HashTable | None:
        """Return the table as the rule that was loaded first has made it; None where that one counts something else."""
        first = at.first(self.shared)
        maker = first if isinstance(first, Hashlimit) else self
        return maker.table if (maker.rate_match, maker.counts_bytes) == (self.rate_match, self.counts_bytes) else None

    @property
    def counts_bytes(self) -> bool:
        """Whether the rate is in bytes."""
        return isinstance(self.upto if self.above is None else self.above, ByteRate)

    @property
    def table(self) -> HashTable:
        """The table that the rule makes where it is the first that names it."""
        from iptc_sim.remembered.hash_table import HashTable  # noqa: PLC0415 - what reads rules does not need it

        modes = self.mode.names if self.mode else ()
        return HashTable(self.table_name, frozenset(modes), self.srcmask, self.dstmask, self._meter)

    @property
    def _label(self) -> str:
        return self.option_text("upto" if self.above is None else "above")

    @property
    def _meter(self) -> Meter:
        from iptc_sim.remembered.hash_table import Meter  # noqa: PLC0415 - what reads rules does not need it

        rate = self.upto if self.above is None else self.above
        burst = self.burst.seconds if isinstance(self.burst, ByteBurst) else self.burst or 0
        if isinstance(rate, ByteRate):
            cost = (rate.cost * BYTE_CREDITS >> 32) * SECOND // BYTE_CREDITS
            whole, expire = rate.size * (burst or 1), BYTE_BURST_EXPIRE if burst else BYTE_EXPIRE
            counted = rate.size
        else:
            cost = (rate.period if rate else 1) * (SECOND // SCALE)
            expire = rate.shown.seconds * 1000 if rate else 0
            counted = SCALE // rate.period if rate else 0
            whole = counted + burst
        return Meter(
            cost=cost,
            burst=burst,
            by_bytes=self.counts_bytes,
            expire=(self.htable_expire or expire) * (SECOND // 1000),
            collect=self.htable_gcinterval * (SECOND // 1000),
            interval=(self.rate_interval or 1) * SECOND if self.rate_match else 0,
            counted=counted,
            whole=whole,
        )


def _is_dropped(table: HashTable, at: Moment) -> bool:
    """Tell whether a packet lacks the ports that it needs: it is dropped and not counted (``hashlimit_init_dst``)."""
    return table.needs_ports and at.packet.ends_in_header
