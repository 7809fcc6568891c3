"""Put one simulated trace beside what the kernel did with the same packet, and find where they part.

Compared are, in the order of the way: at each hook the packet as it comes in (addresses, ports, TTL, TOS, mark,
interfaces), every rule that matched and every policy with its verdict, the ctstate, the packet as it goes out; then
what left the node, the entry in the conntrack table, and what the node itself answered. Where the simulator tells of
several branches, one of them must be what happened. What it does not know (a port that the kernel draws) fits all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from iptc_sim.connection import Connection, FlowTuple
from iptc_sim.kernel import Headers, Hit, KernelTrace, Passage, Walk
from iptc_sim.moment import Hook
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass, field
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.tracking import Direction, State
from iptc_sim.values import UNKNOWN
from iptc_sim.verify.way import SimulatedHit, SimulatedPassage, way_of

_LEAVES = frozenset({Fate.FORWARD, Fate.SENT})
_ALIVE = _LEAVES | {Fate.LOCAL}
#: Type and code of the ICMP error about a fragment that has waited 30 seconds for the others.
_GIVEN_UP = {4: (11, 1), 6: (3, 1)}


@dataclass(frozen=True, slots=True)
class Difference:
    """Where one branch parts from what the kernel did.

    Args:
        depth: how far both go together, for choosing the branch that comes closest.
        place: where, in words.
        ours: what the simulator says there.
        theirs: what the kernel did.
    """

    depth: int
    place: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Divergence:
    """The simulator's trace and the kernel's, and the first thing that differs.

    Args:
        trace: what the simulator says.
        end: the branch that comes closest.
        seen: what the kernel did.
        difference: the first one in that branch.
    """

    trace: Trace
    end: End
    seen: KernelTrace
    difference: Difference


@dataclass(frozen=True, slots=True)
class Terms:
    """What can be compared.

    Args:
        ruleset: the rules; a base chain that they don't have was made by the harness.
        verdicts: whether the kernel's trace tells the verdicts of targets (iptables-nft's does).
        states: whether it tells the ctstate.
        answers: whether what the node itself answers was seen.
        entries: whether the conntrack entry was looked up.
        ports: the bridge of every port of one.
    """

    ruleset: Ruleset
    verdicts: bool = True
    states: bool = True
    answers: bool = True
    entries: bool = True
    ports: Mapping[str, str] = field(default_factory=dict)


def compare(trace: Trace, seen: KernelTrace, terms: Terms) -> End | Divergence:
    """Return the branch that the kernel took, or how the closest one parts from it."""
    closest: tuple[End, Difference] | None = None
    for end in trace.ends:
        found = next(_differences(trace, end, seen, terms), None)
        if found is None:
            return end
        if closest is None or found.depth > closest[1].depth:
            closest = end, found
    if closest is None:
        raise AssertionError("a trace has an end")
    return Divergence(trace, closest[0], seen, closest[1])


def _differences(trace: Trace, end: End, seen: KernelTrace, terms: Terms) -> Iterator[Difference]:
    way = way_of(trace, end)
    yield from _passages(way, _own_passages(seen), terms)
    depth = 1000 * (len(way) + 1)
    yield from _fate(end, seen, terms, depth)
    if terms.entries and any(passage.tracked for passage in way):
        # A packet that is gone before conntrack sees it says nothing about the entry of its flow.
        yield from _entry(end, seen, depth + 2)
    if terms.answers:
        yield from _answer(end, seen, depth + 3)


def _own_passages(seen: KernelTrace) -> tuple[Passage, ...]:
    """Return the hooks of the packet itself, without what TEE copies: a quiet lab drops copies as they enter OUTPUT."""
    first, *others = seen.walks or (Walk(()),)
    own = (first, *(walk for walk in others if not _is_copy(walk)))
    return tuple(passage for walk in own for passage in walk.passages)


def _is_copy(walk: Walk) -> bool:
    first, *others = walk.passages
    return not others and first.hook is Hook.OUTPUT and not first.stages and first.end is None


def _passages(way: list[SimulatedPassage], passages: tuple[Passage, ...], terms: Terms) -> Iterator[Difference]:
    for number, (ours, theirs) in enumerate(zip(way, passages, strict=False)):
        depth = 1000 * number
        if ours.hook is not theirs.hook:
            yield Difference(depth, f"hook {number + 1} of the way", ours.hook, theirs.hook)
        name = f"{ours.hook} begins"
        yield from _headers(ours.hook, ours.begin, theirs.begin, depth + 1, name)
        yield from _hits(ours, theirs, terms, depth + 2)
        if ours.tracked and terms.states:
            yield from _state(ours.connection, theirs, depth + 900)
        if (ours.end is None) != (theirs.end is None):
            words = "does not get to the end of it", "gets through"
            place = f"{ours.hook} ends"
            yield Difference(depth + 901, place, words[ours.end is not None], words[theirs.end is not None])
        if ours.end is not None and theirs.end is not None:
            yield from _headers(ours.hook, ours.end, theirs.end, depth + 902, f"{ours.hook} ends")
    if len(way) != len(passages):
        shown = [" ".join(one.hook for one in side) or "no hook" for side in (way, passages)]
        yield Difference(1000 * min(len(way), len(passages)), "the hooks", *shown)


def _headers(hook: Hook, ours: Packet, theirs: Headers, depth: int, place: str) -> Iterator[Difference]:
    pairs: list[tuple[str, object, object]] = [
        ("source", ours.source, theirs.source),
        ("destination", ours.destination, theirs.destination),
        ("source port", ours.sport, theirs.sport),
        ("destination port", ours.dport, theirs.dport),
        ("ttl", ours.ttl, theirs.ttl),
        ("tos", ours.tos, theirs.tos),
        ("mark", ours.mark, theirs.mark),
    ]
    if hook is not Hook.OUTPUT:
        pairs.append(("in interface", ours.in_interface, theirs.in_interface))
    if hook in {Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING}:
        pairs.append(("out interface", ours.out_interface, theirs.out_interface))
    for name, one, other in pairs:
        if one is UNKNOWN or one == other or (other is None and name.endswith("port")):
            continue
        shown = [f"{value:#x}" if name in {"mark", "tos"} else str(value) for value in (one, other)]
        yield Difference(depth, f"{place}: the {name}", *shown)


def _hits(ours: SimulatedPassage, passage: Passage, terms: Terms, depth: int) -> Iterator[Difference]:
    theirs = [
        hit
        for stage in passage.stages
        for hit in stage.hits
        if hit.kind == "rule" or terms.ruleset.chain(hit.table, hit.chain) is not None
    ]
    waiting, number = list(ours.hits), 0
    for hit in theirs:
        while waiting and waiting[0].maybe and not _same_place(waiting[0].hit, hit):
            waiting.pop(0)
        if not waiting or not _same(waiting[0].hit, hit, verdicts=terms.verdicts):
            yield Difference(
                depth + number, f"{passage.hook}, hit {number + 1}", _shown(waiting[:1]), _told(hit, terms.ruleset)
            )
            return
        waiting.pop(0)
        number += 1
    if any(not one.maybe for one in waiting):
        place = f"{passage.hook}, hit {number + 1}"
        yield Difference(depth + number, place, _shown(waiting[:1]), "nothing more")


def _same_place(ours: Hit, theirs: Hit) -> bool:
    return (ours.table, ours.chain, ours.number) == (theirs.table, theirs.chain, theirs.number)


def _same(ours: Hit, theirs: Hit, *, verdicts: bool) -> bool:
    if not _same_place(ours, theirs):
        return False
    if not verdicts and ours.kind == "rule":
        return True
    return (ours.verdict, ours.target_chain) == (theirs.verdict, theirs.target_chain)


def _shown(hits: Iterable[SimulatedHit]) -> str:
    return next((_told(one.hit) for one in hits), "nothing more")


def _told(hit: Hit, ruleset: Ruleset | None = None) -> str:
    """Return a hit with the text of its rule, which the trace does not always tell."""
    text = hit.rule_text
    chain = None if ruleset is None else ruleset.chain(hit.table, hit.chain)
    if chain is not None and hit.number is not None and hit.number <= len(chain.rules):
        text = chain.rules[hit.number - 1].text or text
    return f"{hit}  {text}".rstrip()


def _state(ours: Connection | None, passage: Passage, depth: int) -> Iterator[Difference]:
    if passage.end is None:
        return
    theirs = passage.end.tracked
    if ours is None or ours.state is State.INVALID:
        told = ours_told = "no entry"
    elif ours.state is State.UNTRACKED:
        told = ours_told = State.UNTRACKED
    else:
        told = ours_told = f"{ours.state}, {ours.direction}"
    shown = "no entry"
    if theirs is not None:
        shown = f"{theirs.state}, {theirs.direction}" if theirs.direction else str(theirs.state)
    if told != shown:
        yield Difference(depth, f"ctstate behind {passage.hook}", ours_told, shown)


def _fate(end: End, seen: KernelTrace, terms: Terms, depth: int) -> Iterator[Difference]:
    arrival = seen.arrival
    if end.fate not in _LEAVES:
        if arrival is not None:
            yield Difference(depth, "fate", _fate_text(end), f"left by {arrival.interface}: {arrival.packet}")
        return
    if arrival is None:
        yield Difference(depth, "fate", _fate_text(end), "did not leave the node")
        return
    ours, theirs = end.packet, arrival.packet
    pairs: list[tuple[str, str, str, tuple[object, ...]]] = [
        ("source", ours.source_text, theirs.source_text, (ours.source, ours.sport)),
        ("destination", ours.destination_text, theirs.destination_text, (ours.destination, ours.dport)),
        ("ttl", str(ours.ttl), str(theirs.ttl), ()),
        ("tos", f"{ours.tos:#x}", f"{theirs.tos:#x}", ()),
    ]
    way_out, left_by = ours.out_interface, terms.ports.get(arrival.interface, arrival.interface)
    if isinstance(ours.physical_out, str):
        way_out, left_by = ours.physical_out, arrival.interface
    pairs.append(("way out", str(way_out), left_by, (way_out,)))
    for name, one, other, unknown in pairs:
        if one != other and UNKNOWN not in unknown:
            yield Difference(depth + 1, f"as it leaves: the {name}", one, other)


def _fate_text(end: End) -> str:
    return f"{end.fate}: {end.why}" if end.why else str(end.fate)


def zone_of(end: End) -> int:
    """Return the conntrack zone in which the packet of a branch is looked up."""
    entry = end.connection
    if entry is None:
        return 0
    return entry.zone if entry.direction is Direction.ORIGINAL else entry.reply_zone


def _entry(end: End, seen: KernelTrace, depth: int) -> Iterator[Difference]:
    ours, theirs = end.connection, seen.entries.get(zone_of(end))
    if ours is None or not ours.is_tracked or ours.state is State.RELATED:
        return  # it says nothing about the entry of its tuple; an ICMP error has no tuple of its own
    if end.fate is Fate.LOCAL and ours.tcp and seen.other_walks:
        return  # the node's own stack has answered in the meantime
    stays = (end.fate in _ALIVE or ours.confirmed) and not ours.closed
    if not stays or theirs is None:
        if stays != (theirs is not None):
            shown = f"{theirs.original} | {theirs.reply}" if theirs else "none"
            yield Difference(depth, "conntrack entry", f"{ours.original} | {ours.reply}" if stays else "none", shown)
        return
    for name, one, other in (("original", ours.original, theirs.original), ("reply", ours.reply, theirs.reply)):
        if not _same_tuple(one, other):
            yield Difference(depth, f"conntrack entry: the {name} tuple", str(one), str(other))
    status = theirs.status
    pairs = [
        ("mark", f"{ours.mark:#x}", f"{theirs.mark:#x}"),
        ("zone", str(ours.zone), str(theirs.zone)),
        ("labels", str(sorted(ours.labels)), str(sorted(theirs.labels))),
        ("helper", ours.helper, theirs.helper),
        ("seen reply", str(ours.seen_reply), str("SEEN_REPLY" in status)),
        ("assured", str(ours.assured), str("ASSURED" in status)),
        ("destination translated", str(ours.is_dnat), str("DST_NAT" in status)),
        ("source translated", str(ours.is_snat), str("SRC_NAT" in status)),
    ]
    if ours.tcp:
        pairs.append(("TCP state", ours.tcp, theirs.state))
    for name, left, right in pairs:
        if left != right and not (name.endswith("translated") and _is_blurred(ours)):
            yield Difference(depth, f"conntrack entry: {name}", left, right)


def _is_blurred(entry: Connection) -> bool:
    side = entry.reply
    return UNKNOWN in (side.source, side.sport, side.destination, side.dport)


def _same_tuple(ours: FlowTuple, theirs: FlowTuple) -> bool:
    pairs = (
        (ours.protocol, theirs.protocol),
        (ours.source, theirs.source),
        (ours.sport, theirs.sport),
        (ours.destination, theirs.destination),
        (ours.dport, theirs.dport),
    )
    return all(one is UNKNOWN or one == other for one, other in pairs)


def _answer(end: End, seen: KernelTrace, depth: int) -> Iterator[Difference]:
    answers = [walk.entry for walk in seen.other_walks if not _is_late(walk.entry)]
    ours = end.answer
    if not answers:
        return  # where there is no route back the kernel drops it ahead of OUTPUT
    if ours is None and end.fate is Fate.STOLEN:
        return  # who has it may answer as it likes
    if ours is None:
        yield Difference(depth, "what the node answers", "nothing", _answer_text(answers[0]))
        return
    theirs = answers[0]
    wanted = (ours.icmp_type, ours.icmp_code) if ours.is_icmp else None
    pairs = (
        (ours.source, theirs.source),
        (ours.destination, theirs.destination),
        (ours.sport, theirs.sport),
        (ours.dport, theirs.dport),
        (wanted, theirs.icmp),
    )
    if any(one is not UNKNOWN and one != other for one, other in pairs):
        yield Difference(depth, "what the node answers", str(ours), _answer_text(theirs))


def _is_late(headers: Headers) -> bool:
    """Whether it is not about this packet: what neighbours ask, and errors about fragments that nobody completed."""
    return headers.destination.is_multicast or headers.icmp == _GIVEN_UP.get(headers.source.version)


def _answer_text(found: Headers) -> str:
    ends = [str(address) if port is None else f"{address}:{port}"
            for address, port in ((found.source, found.sport), (found.destination, found.dport))]  # fmt: skip
    kind = f" icmp {found.icmp[0]}/{found.icmp[1]}" if found.icmp else f" {','.join(sorted(found.flags)).lower()}"
    return " -> ".join(ends) + kind
