"""What the kernel remembers from one packet to the next: counters, buckets, lists of addresses, sets.

Rules leave things behind: ``-m limit`` empties its bucket, ``-m recent --set`` puts an address on a list, ``-j SET`` an
element into an ipset. A :class:`Memory` holds them, is never changed, and travels with each branch of an exploration.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from iptc_sim.records import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered, by key.

    Args:
        items: a key begins with the name of the extension that it belongs to: ``("recent", "DEFAULT")`` for a named
            list, ``("limit", "filter", "INPUT", 3)`` for what belongs to one rule.
        fresh: whether the rules were just loaded, so that what is not in ``items`` is as it is then (a bucket full, a
            list empty). False: it is not known.
    """

    items: Mapping[Hashable, Any] = field(default_factory=dict)
    fresh: bool = False

    def get(self, key: Hashable, default: Any = None) -> Any:
        """Return what is remembered under a key; ``default`` where nothing is."""
        return self.items.get(key, default)

    def put(self, key: Hashable, value: Any) -> Memory:
        """Return the memory with something more or else in it."""
        return replace(self, items={**self.items, key: value})

    def __contains__(self, key: object) -> bool:
        return key in self.items

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self.items)
