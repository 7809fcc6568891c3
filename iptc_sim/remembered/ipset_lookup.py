"""A packet and IP sets: which of their elements it is in, and what looking it up leaves behind.

Sets are named as in :func:`~iptc_sim.ipsets.text.read_ipsets`; those that a rule has changed stand in the memory under
``("set", NAME)``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Final

from iptc_sim.ipsets.model import Element, Entry, IpSet
from iptc_sim.memory import Memory
from iptc_sim.moment import Moment
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE
from iptc_sim.records import dataclass, replace
from iptc_sim.remembered.own_state import SECOND, nanoseconds, size_of
from iptc_sim.values import UNKNOWN

_PORTS: Final = frozenset({TCP, UDP, SCTP, UDPLITE})


class NotKnownError(Exception):
    """It cannot be told; the text says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the element that a packet is in.

    Args:
        holes: ``--return-nomatch``: in sets with networks, the elements that make holes fit and the others do not.
        test: of packets and bytes of the element, the packet at hand counted already; None: nothing is asked.
        counting: whether the packet is counted.
        inner: whether it is counted in the members of a list of sets.
    """

    holes: bool = False
    test: Callable[[int, int], bool] | None = None
    counting: bool = True
    inner: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What a lookup found.

    Args:
        entry: that fits, of the set itself or of a member of a list of sets; None where none does.
        memory: with the packet counted for all elements that were looked at, also those that did not fit.
    """

    entry: Entry | None
    memory: Memory


def set_called(name: str, at: Moment) -> IpSet:
    """Return a set as it is at a moment.

    Raises:
        NotKnownError: nobody has told what is in it.
    """
    found: IpSet | None = at.memory.get(("set", name))
    if found is None and at.node.sets is not None:
        found = at.node.sets.get(name)
    if found is None:
        raise NotKnownError(f"what is in the set {name} is not known")
    return found


def put(memory: Memory, known: IpSet) -> Memory:
    """Return the memory with a set that was changed."""
    return memory.put(("set", known.name), known)


def find(name: str, sides: tuple[str, ...], at: Moment, wanted: Wanted) -> Found:
    """Look the packet up in a set.

    Args:
        name: of the set.
        sides: which side of the packet stands for each dimension.
        at: the moment.
        wanted: what else is asked.

    Raises:
        NotKnownError: it cannot be told.
    """
    known = set_called(name, at)
    if known.kind == "list:set":
        return _find_in_members(known, sides, at, wanted)
    looked_up, memory = element_of(known, sides, at), at.memory
    for element, entry in known.matching(looked_up) if looked_up is not None else ():
        there = entry.is_there(nanoseconds(at))
        if there is None:
            raise NotKnownError(f"whether an element of the set {name} has expired is not known")
        if not there:
            continue
        fits, memory = _counted(known, element, replace(at, memory=memory), wanted)
        if known.kind == "bitmap:ip,mac" and element != looked_up and looked_up is not None:
            # The first MAC that comes is the address's from then on.
            memory = put(memory, known.without(element).with_entry(looked_up, entry))
        if fits:
            right = entry.nomatch == (wanted.holes and "net" in known.dimensions)
            return Found(entry if right else None, memory)
    return Found(None, memory)


def _find_in_members(known: IpSet, sides: tuple[str, ...], at: Moment, wanted: Wanted) -> Found:
    inner = Wanted(wanted.holes, counting=wanted.counting and wanted.inner)
    for element in known.elements:
        found = find(str(element[0]), sides, at, inner)
        at = replace(at, memory=found.memory)
        if found.entry is not None:
            fits, memory = _counted(known, element, at, wanted)
            at = replace(at, memory=memory)
            if fits:
                return Found(found.entry, memory)
    return Found(None, at.memory)


def _counted(known: IpSet, element: Element, at: Moment, wanted: Wanted) -> tuple[bool, Memory]:
    """Count the packet for an element; return whether its counters are as they are wanted, and what is remembered."""
    if not known.counters:
        return True, at.memory
    known = set_called(known.name, at)
    entry, memory = known.elements[element], at.memory
    if wanted.counting:
        entry = replace(entry, packets=entry.packets + 1, size=entry.size + size_of(at))
        memory = put(memory, known.with_entry(element, entry))
    return wanted.test is None or wanted.test(entry.packets, entry.size), memory


def added(name: str, sides: tuple[str, ...], at: Moment, memory: Memory, *, timeout: int | None, again: bool) -> Memory:
    """Return the memory once the packet was added to a set.

    Args:
        name: of the set; of a list, the first set that takes the packet gets it.
        sides: of the packet.
        at: the moment.
        memory: so far.
        timeout: seconds that it stays; None: as the set has it.
        again: whether an element that is there is written anew.

    Raises:
        NotKnownError: it cannot be told.
    """
    change = partial(_with_element, timeout=timeout, again=again)
    return _changed(name, sides, replace(at, memory=memory), change)


def removed(name: str, sides: tuple[str, ...], at: Moment, memory: Memory) -> Memory:
    """Return the memory once the packet was removed from a set; the arguments are those of :func:`added`.

    Raises:
        NotKnownError: it cannot be told.
    """
    return _changed(name, sides, replace(at, memory=memory), _without_element)


def _changed(
    name: str, sides: tuple[str, ...], at: Moment, change: Callable[[IpSet, Element, Moment], Memory]
) -> Memory:
    """Return the memory once a set was changed; of a list of sets, the first one in which that makes a difference."""
    known = set_called(name, at)
    if known.kind == "list:set":
        for element in known.elements:
            after = _changed(str(element[0]), sides, at, change)
            if after is not at.memory:
                return after
        return at.memory
    looked_up = element_of(known, sides, at)
    return at.memory if looked_up is None else change(known, known.to_change(looked_up), at)


def _with_element(known: IpSet, element: Element, at: Moment, *, timeout: int | None, again: bool) -> Memory:
    """Return the memory once an element was added to a set; see :func:`added`."""
    now, held = nanoseconds(at), known.held(element)
    before = known.elements.get(held)
    if before is not None and before.is_there(now) is not False and not again and held[-1] is not None:
        return at.memory
    if before is None and not known.takes(element, now):
        return at.memory
    entry = Entry(packets=1, size=size_of(at)) if known.counters else Entry()
    seconds = known.timeout if timeout is None else timeout
    if known.timeout is not None and seconds:
        if now is None:
            raise NotKnownError(f"when the element of the set {known.name} will expire is not known")
        entry = replace(entry, expires=now + seconds * SECOND)
    rest = known.without(held) if held != element else known
    return put(at.memory, rest.with_entry(element, entry))


def _without_element(known: IpSet, element: Element, at: Moment) -> Memory:
    """Return the memory once an element was removed from a set, if it is there."""
    held = known.held(element)
    return put(at.memory, known.without(held)) if held in known.elements else at.memory


def element_of(known: IpSet, sides: tuple[str, ...], at: Moment) -> Element | None:
    """Return the element that the packet is, networks as single addresses; None where it can be none of the set's.

    Raises:
        NotKnownError: the packet is not known well enough.
    """
    dimensions = known.dimensions
    if len(sides) < len(dimensions):
        return None
    if known.family is not None and known.family is not at.packet.family:
        return None
    items = []
    for name, side in zip(dimensions, sides, strict=False):
        item = _item(known, name, side, at.packet)
        if item is UNKNOWN:
            raise NotKnownError(f"what the packet has for the set {known.name} is not known")
        if item is None:
            return None
        items.append(item)
    return tuple(items)


def _item(known: IpSet, name: str, side: str, packet: Packet) -> Hashable:
    source = side == "src"
    if name in {"ip", "net"}:
        address = packet.source if source else packet.destination
        if address is UNKNOWN:
            return UNKNOWN
        number = int(address)
        if name == "net":
            return number, address.max_prefixlen
        number = number if known.mask is None else number & known.mask
        return None if number == 0 and known.kind == "hash:ip" else number  # hash_ip4_kadt: no address at all
    if name == "port":
        return _port(packet, source=source, bitmap=known.kind.startswith("bitmap"))
    if name == "mac":
        return (packet.source_mac or UNKNOWN) if source and packet.in_interface is not None else UNKNOWN
    if name == "mark":
        return packet.mark & known.mark_mask
    interface = packet.in_interface if source else packet.out_interface
    return interface if interface in {None, UNKNOWN} else (False, interface)


def _port(packet: Packet, *, source: bool, bitmap: bool) -> Hashable:
    if bitmap and packet.protocol not in {TCP, UDP}:
        return None
    protocol = 0 if bitmap else packet.protocol
    if packet.protocol in _PORTS:
        port = packet.sport if source else packet.dport
        return UNKNOWN if port is UNKNOWN or port is None else (protocol, port)
    if packet.protocol in {ICMP, ICMPV6}:
        return protocol, (packet.icmp_type or 0) << 8 | (packet.icmp_code or 0)
    return protocol, 0
