"""A case in the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from iptc_sim.connection import Flow
from iptc_sim.engine import Session, with_replies
from iptc_sim.engine.reply import answer
from iptc_sim.packet import Packet
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import ChainStep, End, RuleStep, Trace
from iptc_sim.syntax import parse
from iptc_sim.values import Variant
from tests.engine.facts.case import Case, Change, Send
from tests.engine.facts.seen import LOCAL, Seen, faults, kind_of
from tests.engine.facts.stands import node_of

#: Seconds since 1970 at which the packets of a case are sent, one a millisecond.
START = 1_800_000_000.0


@dataclass
class Simulation:
    """A case, packet by packet.

    Args:
        case: the case.
        variant: the back end whose rules are meant.
    """

    case: Case
    variant: str = "nft"
    ends: list[End] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        node = node_of(self.case.stand, self.case.sets, self.case.listens)
        self.session = Session(self._rules(self.case.rules), node, fresh=True, now=START)

    def change(self, event: Change) -> None:
        """Exchange the rules."""
        self.session.ruleset = self._rules(event.rules)

    def send(self, event: Send) -> Trace:
        """Send a packet; nothing is settled yet."""
        self.session.at(START + 0.001 * len(self.ends))
        return self.session.send(Flow(self.packet(event)))

    def packet(self, event: Send) -> Packet:
        """Return the packet of an event."""
        if event.packet is not None:
            return event.packet
        if event.answers is None:
            raise AssertionError("an event has a packet or answers one")
        return answer(self.ends[event.answers])

    def settle(self, end: End, seen: Seen) -> None:
        """Let it have ended so."""
        self.session.settle(end)
        self.ends.append(end)
        self.seen.append(seen)

    def what(self, found: Trace, end: End, *, back: bool) -> Seen:
        """Return what is seen of one end."""
        return what_is_seen(found, end, self._back(found, end) if back else None)

    def _back(self, found: Trace, end: End) -> Seen | None:
        replies = with_replies(found, self.session.copy()).replies
        reply = replies[found.ends.index(end)]
        return what_is_seen(reply, reply.ends[0]) if reply else None

    def _rules(self, text: str) -> Ruleset:
        return parse(text, family=self.case.family, variant=Variant(self.variant))

    def faults(self) -> Iterator[str]:
        """Play all of it and yield what is not as the fact says."""
        number = 0
        for event in self.case.events:
            if isinstance(event, Change):
                self.change(event)
                continue
            found = self.send(event)
            ends = [self.what(found, end, back=event.says.back is not None) for end in found.ends]
            for seen in ends:
                wrong = faults(event.says, seen, self.packet(event), self.seen)
                yield from (f"packet {number}: {text}" for text in wrong)
            if event.says.one_of and {seen.left for seen in ends} != set(event.says.one_of):
                yield f"packet {number}: said one of {event.says.one_of}, the ends are {[seen.left for seen in ends]}"
            self.settle(found.ends[0], ends[0])
            number += 1


def what_is_seen(found: Trace, end: End, back: Seen | None = None) -> Seen:
    """Return what is seen of one end of a trace."""
    path, hits = [], []
    for step in found.steps(end):
        if isinstance(step, ChainStep) and step.how == "base":
            path.append(f"{step.table}:{step.chain}")
        elif isinstance(step, RuleStep) and step.matched:
            hits.append((f"{step.table}:{step.chain}", step.number))
    entry = end.connection
    kept = entry is not None and entry.is_tracked and entry.confirmed
    fate = kind_of(end.fate)
    return Seen(
        path=tuple(path),
        hits=tuple(hits),
        fate=fate,
        packet=end.packet,
        interface=None if fate == LOCAL else end.packet.out_interface,
        mark=end.packet.mark,
        entry=str(entry.reply) if kept and entry is not None else "none",
        back=back,
    )
