"""A divergence in words: what was sent, both ways side by side, and where they part."""

from __future__ import annotations

from difflib import SequenceMatcher

from iptc_sim.kernel import KernelTrace
from iptc_sim.records import replace
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.verify.compare import Divergence
from iptc_sim.verify.fuzz import Finding
from iptc_sim.verify.way import way_of


def divergence_text(found: Divergence) -> str:
    """Return a divergence as lines: the difference first, then the two ways, hook by hook.

    A line that the other side does not have is marked: ``-`` the simulator alone, ``+`` the kernel alone.
    """
    packet, part = found.trace.flow.packet, found.difference
    head = [
        f"packet     {packet}",
        f"differs    {part.place}",
        f"simulator  {part.ours}",
        f"kernel     {part.theirs}",
    ]
    if len(found.trace.ends) > 1:
        head.append(f"branches   {len(found.trace.ends)}; this is the one that comes closest")
    ours, theirs = _ours(found.trace, found.end), _theirs(found.seen)
    return "\n".join([*head, "", *_side_by_side(ours, theirs)])


def _side_by_side(ours: list[str], theirs: list[str]) -> list[str]:
    lines = []
    for what, first, behind, start, end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if what == "equal":
            lines += [f"    {line}" for line in ours[first:behind]]
        else:
            lines += [f"  - {line}" for line in ours[first:behind]] + [f"  + {line}" for line in theirs[start:end]]
    return lines


def _ours(trace: Trace, end: End) -> list[str]:
    lines = []
    for passage in way_of(trace, end):
        packet = passage.begin
        shown = f"{packet.source_text} -> {packet.destination_text} ttl {packet.ttl} mark {packet.mark:#x}"
        lines.append(f"{passage.hook}: {shown}")
        lines += [f"  {one.hit}{'  (perhaps)' if one.maybe else ''}" for one in passage.hits]
    entry = end.connection
    lines.append(f"conntrack: {f'{entry.original} | {entry.reply}' if entry else 'no entry'}")
    if end.fate in {Fate.FORWARD, Fate.SENT}:
        return [*lines, f"left by {end.packet.out_interface}: {replace(end.packet, in_interface=None, mark=0)}"]
    return [*lines, "did not leave the node", f"({end.fate}: {end.why})"]


def _theirs(seen: KernelTrace) -> list[str]:
    lines = []
    for passage in seen.passages:
        found = passage.begin
        ends = [
            str(address) if port is None else f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
            for address, port in ((found.source, found.sport), (found.destination, found.dport))
        ]
        lines.append(f"{passage.hook}: {' -> '.join(ends)} ttl {found.ttl} mark {found.mark:#x}")
        lines += [f"  {hit}" for stage in passage.stages for hit in stage.hits]
    lines.append(f"conntrack: {f'{seen.entry.original} | {seen.entry.reply}' if seen.entry else 'no entry'}")
    arrival = seen.arrival
    fate = f"left by {arrival.interface}: {arrival.packet}" if arrival else "did not leave the node"
    return [*lines, fate, *([f"({seen.error})"] if seen.error else [])]


def finding_text(found: Finding) -> str:
    """Return a case that diverges: how to have it again, the difference, and the rules."""
    case = found.case
    head = [
        f"seed       {case.seed.partition('/')[0]}: packet {found.number} on node {case.topology.name}",
        divergence_text(found.divergence),
        "",
        case.text.rstrip(),
    ]
    return "\n".join([*head, *([case.sets.rstrip()] if case.sets else [])])
