"""From trace events to walks. Both back ends' traces come down to the same events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Protocol

from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.report import Headers, Hit, Stage, Walk
from iptc_sim.records import dataclass
from iptc_sim.values import Family


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One thing that a trace shows.

    Args:
        key: which walk it belongs to, as far as the trace tells packets apart.
        family: 4 or 6.
        opens: the packet's headers where the event is the first of a base chain, else None.
        table: the table.
        chain: the chain of the rule, or the base chain of the policy.
        kind: ``rule``, ``policy`` or ``return``.
        place: what names the rule: its handle (nft; 0 for a policy), or the number that the kernel counts
            (legacy).
        verdict: as in :class:`Hit`; empty where the trace does not tell it (legacy).
        target: the chain of a JUMP or GOTO.
    """

    key: str
    family: Family
    opens: Headers | None
    table: str
    chain: str
    kind: str
    place: int = 0
    verdict: str = ""
    target: str | None = None


class TraceSource(Protocol):
    """Where trace events come from: a listener inside a namespace."""

    def __init__(self, namespace: Namespace) -> None: ...

    def read(self, timeout: float) -> list[TraceEvent]:
        """Return the events that have come in, after waiting up to ``timeout`` seconds for the first.

        Raises:
            KernelError: the source has ended or has lost events.
        """

    def close(self) -> None:
        """End it; may be called twice."""


@dataclass(slots=True)
class _OpenWalk:
    entry: Headers
    stages: list[tuple[TraceEvent, Headers, list[Hit]]] = field(default_factory=list)


def walks_of(
    events: Iterable[TraceEvent],
    resolve: Callable[[TraceEvent], Hit | None],
    keep: Callable[[TraceEvent], bool],
) -> list[Walk]:
    """Sort events into walks, in the order in which the walks began.

    Args:
        events: in the order in which they came.
        resolve: the hit of an event; None for rules of the harness itself.
        keep: whether a base chain, told by the event that opens it, is one of the user's; others exist for
            the harness only.
    """
    walks: list[_OpenWalk] = []
    current: dict[str, _OpenWalk] = {}
    for event in events:
        if event.opens is not None:
            # Our TRACE rules stand first in raw, so every walk begins there, in one of its two base chains.
            if event.table == "raw" or event.key not in current:
                current[event.key] = _OpenWalk(event.opens)
                walks.append(current[event.key])
            current[event.key].stages.append((event, event.opens, []))
        walk = current.get(event.key)
        hit = resolve(event)
        if walk is not None and hit is not None:
            walk.stages[-1][2].append(hit)
    return [_closed(walk, keep) for walk in walks]


def _closed(walk: _OpenWalk, keep: Callable[[TraceEvent], bool]) -> Walk:
    stages = (
        Stage(opener.table, opener.chain, headers, tuple(hits)) for opener, headers, hits in walk.stages if keep(opener)
    )
    return Walk(walk.entry, tuple(stages))
