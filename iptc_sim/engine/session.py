"""Several packets one after the other: what the first leaves behind, the next one meets."""

from __future__ import annotations

from collections.abc import Iterable

from iptc_sim.connection import Connection, Flow
from iptc_sim.diagnostics import Diagnostic, UsageError
from iptc_sim.engine.connections import Connections
from iptc_sim.engine.explore import explore
from iptc_sim.engine.pick import pick_branch
from iptc_sim.engine.situation import Situation
from iptc_sim.memory import Memory
from iptc_sim.node import Node
from iptc_sim.records import replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.tracking import State

#: Fates after which a connection is there for later packets.
ALIVE = frozenset({Fate.LOCAL, Fate.FORWARD, Fate.SENT})


class Session:
    """A node with its rules, to which packets are sent in turn.

    Args:
        ruleset: the rules; they may be exchanged in between.
        node: the machine.
        connections: that are there at the beginning; None: it is not known which.
        fresh: whether the rules were just loaded, so that every counter and list is as it is then.
        now: seconds since 1970, UTC, at which packets are sent; None: not told.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        node: Node,
        *,
        connections: Iterable[Connection] | None = (),
        fresh: bool = True,
        now: float | None = None,
    ) -> None:
        self.ruleset = ruleset
        there = [
            replace(one, confirmed=True, destination_decided=True, source_decided=True) for one in connections or ()
        ]
        self.situation = Situation(node, Connections(there), connections is not None, Memory(fresh=fresh))
        self.at(now)

    def at(self, now: float | None) -> None:
        """Let it be another time, seconds since 1970, UTC; connections are forgotten in between."""
        kept = self.situation.connections
        self.situation = replace(self.situation, now=now, connections=kept if now is None else kept.at(now))

    def copy(self) -> Session:
        """Return a session that goes on from here by itself."""
        other = Session(self.ruleset, self.situation.node)
        other.situation = self.situation
        return other

    def send(self, flow: Flow, *, connection: Connection | None = None) -> Trace:
        """Return what becomes of a packet; nothing is remembered of it before :meth:`settle`.

        Args:
            flow: the packet.
            connection: the entry that it comes with, of a packet that the node makes as an answer to another one.

        Raises:
            UsageError, InputError: as :func:`iptc_sim.engine.explore`.
        """
        return explore(self.ruleset, flow, self.situation, connection=connection)

    def settle(self, end: End) -> None:
        """Let one end of the last trace be what happened."""
        entry, kept = end.connection, self.situation.connections
        stays = entry is not None and (end.fate in ALIVE or entry.confirmed)
        if entry is not None and stays and entry.is_tracked:
            before = kept.find(entry.original, entry.zone, entry.reply_zone) if entry.state is State.RELATED else None
            if before is not None:  # what an ICMP error about a connection leaves on it
                kept = kept.with_entry(replace(before, mark=entry.mark, labels=entry.labels))
            elif entry.state is not State.RELATED:
                kept = kept.with_entry(replace(entry, confirmed=True))
        counted = end.memory.put(("packet",), end.memory.get(("packet",), 0) + 1)
        self.situation = replace(self.situation, connections=kept, memory=counted)

    def pass_on(self, flow: Flow, pick: str | None = None) -> Trace:
        """Send a packet whose end is certain, or told, and settle it.

        Args:
            flow: the packet.
            pick: which of its ends happened, as :func:`iptc_sim.engine.pick.pick_branch` takes it.

        Raises:
            UsageError: IPT044, it may end in several ways and it is not told in which, or there is no such end.
        """
        found = pick_branch(self.send(flow), pick=pick, subject="history")
        if len(found.ends) != 1:
            message = f"what became of {flow.packet} cannot be told: there are {len(found.ends)} ways"
            hint = f"say where it went: FLOW => {found.ends[0].packet.destination_text}"
            raise UsageError(Diagnostic("IPT044", message, subject="history", hint=hint))
        self.settle(found.end)
        return found
