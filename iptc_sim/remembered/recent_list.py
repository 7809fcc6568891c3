"""A list of ``-m recent``: which addresses were seen, and when."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final

from iptc_sim.records import dataclass, field
from iptc_sim.values import Address

#: How many addresses a list holds unless the module is told otherwise (``ip_list_tot``); the oldest makes room.
MOST_ADDRESSES: Final = 100
#: How many times of an address are kept at most.
MOST_STAMPS: Final = 65535


@dataclass(frozen=True, slots=True)
class Seen:
    """An address on the list.

    Args:
        stamps: when it was seen, in nanoseconds since 1970; what is no number stands for a packet whose time was not
            told.
        ttl: of the packet that was seen last.
        complete: whether those are all times.
    """

    stamps: tuple[Hashable, ...]
    ttl: int
    complete: bool = True


@dataclass(frozen=True, slots=True)
class RecentList:
    """Addresses, the one that was seen longest ago first; None: it was taken off the list."""

    entries: Mapping[Address, Seen | None] = field(default_factory=dict)

    def find(self, address: Address, ttl: int = 0) -> Seen | None:
        """Return what is known of an address; with a ``ttl`` only where it was seen with that one."""
        found = self.entries.get(address)
        return found if found is None or ttl in {0, found.ttl} else None

    def told(self, address: Address) -> bool:
        """Whether it is known that the address is or is not on the list."""
        return address in self.entries

    def without(self, address: Address) -> RecentList:
        """Return the list without an address."""
        return RecentList({**self.entries, address: None})

    def noted(self, address: Address, stamp: Hashable, ttl: int, fresh: bool, *, other: bool = False) -> RecentList:
        """Return the list with an address seen once more.

        Args:
            address: that was seen.
            stamp: when.
            ttl: of the packet.
            fresh: whether what is not in the list is known not to be on it.
            other: whether it is new on the list, or a stranger there because its TTL differs.
        """
        rest = {one: seen for one, seen in self.entries.items() if one != address}
        before = None if other and self.told(address) else self.entries.get(address)
        complete = before.complete if before else fresh or self.told(address)
        stamps = (*(before.stamps if before else ()), stamp)[-MOST_STAMPS:]
        on_list = [one for one, seen in rest.items() if seen is not None]
        if len(on_list) >= MOST_ADDRESSES:
            rest[on_list[0]] = None
        return RecentList({**rest, address: Seen(stamps, ttl, complete)})

    def reaped(self, earliest: int, spared: Address | None) -> RecentList:
        """Return the list without the address that was seen longest ago, if that was before ``earliest``.

        Args:
            earliest: in nanoseconds since 1970.
            spared: an address that stays.
        """
        for address, seen in self.entries.items():
            if seen is not None:
                last = seen.stamps[-1]
                late = address == spared or not isinstance(last, int) or last >= earliest
                return self if late else self.without(address)
        return self
