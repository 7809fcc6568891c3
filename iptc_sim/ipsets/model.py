"""IP sets: what ``ipset save`` prints, and what is looked up, added and removed in them.

An element is a tuple with one item for each dimension of the set's type:

* ``ip``: the address as a number, ``net``: network and length of its prefix;
* ``port``: protocol and port (of ICMP: type times 256 plus code), protocol 0 in ``bitmap:port``;
* ``mac``: six bytes, None where the set does not say; ``mark``: a number;
* ``iface``: whether the port of a bridge is meant, and a name;
* ``set``: the name of a set.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from functools import cached_property
from itertools import product
from typing import Any, Final

from iptc_sim.records import dataclass, field, replace
from iptc_sim.values import Family

Element = tuple[Hashable, ...]

#: How many elements a hash holds where nothing is said.
MAX_ELEMENTS: Final = 65536


@dataclass(frozen=True, slots=True)
class Entry:
    """What a set keeps with an element.

    Args:
        expires: nanoseconds since 1970; None where it stays. What ``ipset save`` says to have a timeout is there.
        packets: that matched; ``size`` bytes of them.
        nomatch: whether it makes a hole in larger networks.
        wildcard: whether the interface is the beginning of a name.
        mark: for ``--map-mark``, with its mask; None: there is none.
        priority: for ``--map-prio``.
        queue: for ``--map-queue``.
    """

    expires: int | None = None
    packets: int = 0
    size: int = 0
    nomatch: bool = False
    wildcard: bool = False
    mark: tuple[int, int] | None = None
    priority: int | None = None
    queue: int | None = None

    def is_there(self, now: int | None) -> bool | None:
        """Whether it has not expired; None where the time is not known."""
        if self.expires is None:
            return True
        return None if now is None else now < self.expires


@dataclass(frozen=True)
class IpSet:
    """A set.

    Args:
        name: its name.
        kind: such as ``hash:net,iface``.
        family: of its addresses; None where it has none.
        elements: what is in it, in order.
        timeout: seconds that an element stays where nothing is said, 0 for good; None: elements do not expire.
        counters: whether packets and bytes are counted.
        mask: that addresses are cut by; None: none.
        mark_mask: that marks are cut by.
        first: of the numbers that a bitmap holds, up to ``last``; None for hashes.
        last: likewise.
        most: how many elements it holds.
    """

    name: str
    kind: str
    family: Family | None = Family.IPV4
    elements: Mapping[Element, Entry] = field(default_factory=dict)
    timeout: int | None = None
    counters: bool = False
    mask: int | None = None
    mark_mask: int = 0xFFFFFFFF
    first: int | None = None
    last: int | None = None
    most: int = MAX_ELEMENTS

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """What its elements are made of."""
        return tuple(self.kind.partition(":")[2].split(","))

    @cached_property
    def lengths(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of prefixes of each dimension that is a network, the longest first."""
        places = [place for place, name in enumerate(self.dimensions) if name == "net"]
        return tuple(
            tuple(sorted({_pair(element[place])[1] for element in self.elements}, reverse=True)) for place in places
        )

    def matching(self, looked_up: Element) -> Iterator[tuple[Element, Entry]]:
        """Yield the elements that an element of single addresses is in, those of longer prefixes first.

        Where a network has elements with an interface, shorter prefixes are not looked at, whatever interface it is.
        """
        for lengths in product(*self.lengths):
            element = self.cut(looked_up, lengths)
            found = self.elements.get(element)
            if found is not None and not found.wildcard:
                yield element, found
            if self.dimensions[-1] == "iface":
                yield from self._wildcards(element)
                if (*element[:-1], _pair(element[-1])[0]) in self._networks:
                    return
            if self.kind == "bitmap:ip,mac" and (found := self.elements.get((element[0], None))) is not None:
                yield (element[0], None), found

    @cached_property
    def _networks(self) -> frozenset[Element]:
        return frozenset((*element[:-1], _pair(element[-1])[0]) for element in self.elements)

    def _wildcards(self, element: Element) -> Iterator[tuple[Element, Entry]]:
        *rest, interface = element
        if not isinstance(interface, tuple):
            return
        bridged, name = interface
        for size in range(len(name), -1, -1):
            shorter = (*rest, (bridged, name[:size]))
            found = self.elements.get(shorter)
            if found is not None and found.wildcard:
                yield shorter, found

    def cut(self, element: Element, lengths: tuple[int, ...]) -> Element:
        """Return an element with its networks cut to these lengths."""
        left = iter(lengths)
        return tuple(
            self.network(_pair(item)[0], next(left)) if name == "net" else item
            for name, item in zip(self.dimensions, element, strict=True)
        )

    def network(self, address: int, length: int) -> tuple[int, int]:
        """Return the network of a length that an address is in."""
        bits = (self.family or Family.IPV4).bits
        return address >> (bits - length) << (bits - length), length

    def to_change(self, element: Element) -> Element:
        """Return what is added or removed for a packet: networks of the longest length that the set has."""
        bits = (self.family or Family.IPV4).bits
        return self.cut(element, tuple(lengths[0] if lengths else bits for lengths in self.lengths))

    def held(self, element: Element) -> Element:
        """Return the element that stands in the place of another one: bitmaps have one for each address."""
        if self.kind != "bitmap:ip,mac":
            return element
        return next((one for one in self.elements if one[0] == element[0]), element)

    def with_entry(self, element: Element, entry: Entry) -> IpSet:
        """Return the set with an element, in place of what it held for it."""
        return replace(self, elements={**self.elements, element: entry})

    def without(self, element: Element) -> IpSet:
        """Return the set without an element."""
        return replace(self, elements={one: entry for one, entry in self.elements.items() if one != element})

    def takes(self, element: Element, now: int | None) -> bool:
        """Whether an element that is not there may be added."""
        if self.first is not None and self.last is not None:
            number = element[0] if isinstance(element[0], int) else _pair(element[0])[1]
            return self.first <= number <= self.last
        return sum(entry.is_there(now) is not False for entry in self.elements.values()) < self.most


def _pair(item: Hashable) -> tuple[Any, Any]:
    """Return an item that has two parts, as a network, a port and an interface have."""
    if isinstance(item, tuple) and len(item) == 2:
        return item
    raise TypeError(f"{item} is no pair")
