"""What became of a packet, seen in the simulator or in the kernel, beside what a fact says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from iptc_sim.connection import FlowTuple
from iptc_sim.packet import Packet
from iptc_sim.steps import Fate
from iptc_sim.values import UNKNOWN, Unknown
from tests.engine.facts.case import Says, chain_of, path_of

LEAVES: Final = "leaves"
LOCAL: Final = "local"
GONE: Final = "gone"
_KINDS: Final = {Fate.FORWARD: LEAVES, Fate.SENT: LEAVES, Fate.LOCAL: LOCAL}


@dataclass(frozen=True)
class Seen:
    """What became of one packet.

    Args:
        path: the base chains that it walked, as ``table:CHAIN``.
        hits: the rules that fitted, as (``table:CHAIN``, number), in order.
        fate: ``leaves``, ``local`` or ``gone``.
        packet: as it was last, where that is known.
        interface: by which it left.
        mark: its mark at the end; None where that is not known.
        error: the errno that the sender got; None where nobody tells it.
        entry: the reply tuple of its conntrack entry, ``none`` where there is none; None where nobody tells it.
        back: what the node itself sent in answer.
    """

    path: tuple[str, ...]
    hits: tuple[tuple[str, int], ...]
    fate: str
    packet: Packet | None = None
    interface: str | Unknown | None = None
    mark: int | None = None
    error: str | None = None
    entry: str | None = None
    back: Seen | None = None

    @property
    def left(self) -> str:
        """Where it left, in words."""
        packet = self.packet
        return f"{packet.source_text} > {packet.destination_text} {self.interface}" if packet else "nothing"


def kind_of(fate: Fate) -> str:
    """Return what of a fate can be seen from outside."""
    return _KINDS.get(fate, GONE)


def faults(says: Says, seen: Seen, sent: Packet, earlier: Sequence[Seen]) -> list[str]:
    """Return what is not as a fact says, in words."""
    found = _walk_faults(says, seen)
    if says.fate is not None and kind_of(says.fate) != seen.fate:
        found.append(f"fate: said {says.fate}, seen {seen.fate}")
    if says.leaves is not None and not leaves_as(says.leaves, seen):
        found.append(f"leaves: said {says.leaves}, seen {seen.fate} {seen.left}")
    if says.one_of and not any(leaves_as(text, seen) for text in says.one_of):
        found.append(f"leaves: said one of {says.one_of}, seen {seen.fate} {seen.left}")
    if says.same is not None and _side(seen, says.same[1]) != _side(earlier[says.same[0]], says.same[1]):
        found.append(
            f"{says.same[1]}: said as in packet {says.same[0]} ({earlier[says.same[0]].left}), seen {seen.left}"
        )
    if says.echo_id is not None:
        found += _echo_faults(says.echo_id, seen, sent)
    if says.inner is not None:
        inner = seen.packet.inner if seen.packet else None
        shown = str(FlowTuple.of(inner)) if inner else "none"
        if shown != says.inner:
            found.append(f"inner: said {says.inner}, seen {shown}")
    for name, said, was in (
        ("mark", says.mark, seen.mark),
        ("error", says.error, seen.error),
        ("entry", says.entry, seen.entry),
    ):
        if said is not None and was is not None and said != was:
            found.append(f"{name}: said {said}, seen {was}")
    if says.back is not None:
        lost = ["the node sends nothing in answer"]
        found += [f"answer: {text}" for text in (faults(says.back, seen.back, sent, earlier) if seen.back else lost)]
    return found


def _walk_faults(says: Says, seen: Seen) -> list[str]:
    found = []
    if says.path is not None and path_of(says.path) != seen.path:
        found.append(f"path: said {' '.join(path_of(says.path))}, seen {' '.join(seen.path)}")
    for short, numbers in says.hits.items():
        chain = chain_of(short)
        hit = tuple(number for name, number in seen.hits if name == chain)
        if hit != numbers:
            found.append(f"hits of {chain}: said {numbers}, seen {hit}")
    return found


def _echo_faults(said: int | str, seen: Seen, sent: Packet) -> list[str]:
    was = seen.packet.icmp_id if seen.packet else None
    right = was is not None and was != sent.icmp_id if said == "other" else was == said
    return [] if right else [f"echo id: said {said}, seen {was}"]


def _side(seen: Seen, side: str) -> object:
    if seen.packet is None:
        return None
    packet = seen.packet
    sides: Mapping[str, object] = {
        "source": (packet.source, packet.sport),
        "destination": (packet.destination, packet.dport),
        "source address": packet.source,
        "destination address": packet.destination,
    }
    return sides[side]


def leaves_as(text: str, seen: Seen) -> bool:
    """Whether a packet leaves as ``SOURCE > DESTINATION INTERFACE`` says."""
    packet = seen.packet
    if seen.fate != LEAVES or packet is None:
        return False
    source, _, destination, interface = text.split()
    return (
        _endpoint_is(source, packet.source, packet.sport)
        and _endpoint_is(destination, packet.destination, packet.dport)
        and seen.interface == interface
    )


def _endpoint_is(text: str, address: object, port: int | Unknown | None) -> bool:
    if text.startswith("["):
        said, _, ports = text[1:].partition("]:")
    elif text.count(":") > 1:
        said, ports = text, ""
    else:
        said, _, ports = text.partition(":")
    if str(address) != said:
        return False
    if not ports or port is UNKNOWN:
        return bool(ports) == (port is not None)
    span, _, but = ports.partition("!")
    first, _, last = span.partition("-")
    return isinstance(port, int) and int(first) <= port <= int(last or first) and str(port) != but
