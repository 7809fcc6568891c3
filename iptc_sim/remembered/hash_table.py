"""The entries of hashlimit's tables: how much each source, or whatever is told apart, may send."""

from __future__ import annotations

from collections.abc import Hashable

from iptc_sim.moment import Moment
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass, replace
from iptc_sim.remembered.bucket import Bucket
from iptc_sim.remembered.own_state import SECOND, nanoseconds
from iptc_sim.values import UNKNOWN, Address, Family, Prefix, Unknown


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one of those that are told apart.

    Args:
        bucket: with a rate in packets or bytes.
        refills: of the bucket that are left, with a rate in bytes and a burst.
        begin: of the interval that is counted, with ``--hashlimit-rate-match``.
        count: packets or bytes of that interval.
        was_over: whether there were too many in the interval before.
        seen: when the last packet came.
        unsure: whether the kernel may have forgotten it meanwhile.
    """

    bucket: Bucket
    refills: int = 0
    begin: int | None = None
    count: int = 0
    was_over: bool = False
    seen: int | None = None
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Meter:
    """How a rule counts.

    Args:
        cost: of a packet, or of 16 bytes, in nanoseconds.
        burst: packets that a new entry has to spend; in bytes: how often an empty bucket is filled at once.
        by_bytes: whether bytes are counted.
        expire: nanoseconds without a packet after which the entry may be forgotten.
        collect: how often the kernel looks for such entries.
        interval: of ``--hashlimit-rate-match``, in which packets are counted; 0 without.
        counted: packets or bytes of a second, as the rate has it.
        whole: what may come in an interval.
    """

    cost: int
    burst: int
    by_bytes: bool
    expire: int
    collect: int
    interval: int
    counted: int
    whole: int

    @property
    def most(self) -> int:
        """What the bucket holds: of bytes, those of a second."""
        return SECOND if self.by_bytes else self.cost * self.burst

    def new(self, now: int | None) -> Entry:
        """Return the entry that a first packet makes."""
        return Entry(Bucket(self.most, now), self.burst if self.by_bytes else 0, now, seen=now)

    def at(self, entry: Entry, now: int | None) -> Entry:
        """Return an entry as it is at a time, with what has come back to it by then."""
        idle = None if now is None or entry.seen is None else now - entry.seen
        if idle is not None and idle > self.expire + self.collect:
            return self.new(now)
        unsure = idle is None or idle >= self.expire
        bucket = entry.bucket.at(now, self.most)
        bucket = replace(bucket, exact=bucket.left >= self.most or (bucket.exact and not unsure))
        found = replace(entry, bucket=bucket, seen=now, unsure=unsure)
        if not self.interval:
            return found
        passed = None if now is None or entry.begin is None else now - entry.begin
        if passed is None:
            return replace(found, unsure=True)
        if passed < self.interval:
            return found
        over = entry.count * self.interval > passed * self.counted
        return replace(found, begin=now, count=0, was_over=over)

    def within(self, entry: Entry, size: int) -> bool | None:
        """Return whether a packet of a size is within the rate; None where that cannot be told."""
        if self.interval:
            found = not entry.was_over and entry.count + (size if self.by_bytes else 1) <= self.whole
        else:
            found = self._price(size) <= entry.bucket.left or entry.refills > 0
            if not found and not entry.bucket.exact:
                return None
        return None if entry.unsure and not found else found

    def after(self, entry: Entry, size: int, *, within: bool) -> Entry:
        """Return the entry once a packet was counted.

        Args:
            entry: as :meth:`at` gave it.
            size: of the packet.
            within: what was answered.
        """
        if entry.unsure and within and self.within(entry, size) is None:
            entry = self.new(entry.seen)  # it was forgotten, as it turns out
        if self.interval:
            return replace(entry, count=entry.count + (size if self.by_bytes else 1))
        price, bucket = self._price(size), entry.bucket
        if bucket.left < price and entry.refills:
            bucket = replace(bucket, left=SECOND)
            entry = replace(entry, refills=entry.refills - 1)
        return replace(entry, bucket=bucket.without(price) if within else bucket)

    def _price(self, size: int) -> int:
        return min(SECOND, ((size >> 4) + 1) * self.cost) if self.by_bytes else self.cost


@dataclass(frozen=True, slots=True)
class HashTable:
    """A table: who has an entry of its own, and how it counts.

    Entries are remembered under ``("hashlimit", FAMILY, NAME, WHO)``.

    Args:
        name: of the table; each family has its own.
        modes: what tells packets apart, out of ``srcip``, ``srcport``, ``dstip`` and ``dstport``.
        srcmask: how many bits of the source address count; None: all.
        dstmask: of the destination address, likewise.
        meter: how it counts.
    """

    name: str
    modes: frozenset[str]
    srcmask: int | None
    dstmask: int | None
    meter: Meter

    @property
    def needs_ports(self) -> bool:
        """Whether a port tells packets apart."""
        return bool(self.modes & {"srcport", "dstport"})

    def who(self, packet: Packet) -> tuple[Hashable, ...]:
        """Return what a packet is counted under: the masked address and the port of each side that counts."""
        sport, dport = _ports(packet)
        return (
            _masked(packet.source, self.srcmask) if "srcip" in self.modes else None,
            sport if "srcport" in self.modes else None,
            _masked(packet.destination, self.dstmask) if "dstip" in self.modes else None,
            dport if "dstport" in self.modes else None,
        )

    def key(self, packet: Packet) -> tuple[Hashable, ...]:
        """Return what the entry of a packet is remembered under."""
        return ("hashlimit", int(packet.family), self.name, self.who(packet))

    def entry(self, at: Moment) -> Entry | None:
        """Return the entry of the packet as it is now; None where it is not known."""
        known: Entry | None = at.memory.get(self.key(at.packet))
        now = nanoseconds(at)
        if known is None:
            return self.meter.new(now) if at.memory.fresh else None
        return self.meter.at(known, now)


def _ports(packet: Packet) -> tuple[int | Unknown, int | Unknown]:
    """Return both ports, 0 for a protocol without; of a later fragment what lies there (``hashlimit_init_dst``)."""
    if not packet.has_ports:
        return 0, 0
    if packet.sport is not None and packet.dport is not None:
        return packet.sport, packet.dport
    from iptc_sim.wire.headers import Datagram  # noqa: PLC0415 - what reads rules does not need it

    found = None if packet.raw is None else Datagram.of(packet.raw)
    place = b"" if found is None or found.start is None else found.data[found.start :]
    return int.from_bytes(place[:2]), int.from_bytes(place[2:4])


def _masked(address: Address | Unknown, length: int | None) -> Address | Unknown:
    if address is UNKNOWN or length is None:
        return address
    family = Family(address.version)
    mask = ((1 << length) - 1) << (family.bits - length)
    return Prefix(family, int(address) & mask, mask).address
