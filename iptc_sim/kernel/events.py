"""From trace events to walks. Both back ends' traces come down to the same events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from iptc_sim.kernel import tracing
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.report import Headers, Hit, Passage, Stage, Walk
from iptc_sim.moment import Hook
from iptc_sim.records import dataclass, field
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
        hook: the hook, where the trace tells it (legacy).
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
    hook: Hook | None = None


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
class _OpenStage:
    table: str
    chain: str
    headers: Headers
    hits: list[Hit] = field(default_factory=list)

    def closed(self) -> Stage:
        return Stage(self.table, self.chain, self.headers, tuple(self.hits))


@dataclass(slots=True)
class _OpenPassage:
    hook: Hook
    begin: Headers
    stages: list[_OpenStage] = field(default_factory=list)
    end: Headers | None = None

    def add(self, event: TraceEvent, hit: Hit | None, *, kept: bool) -> None:
        """Take in an event of one of iptables' tables."""
        if event.opens is not None and (not self.stages or self.stages[-1].table != event.table):
            chain = event.chain if event.hook is None else str(event.hook)
            self.stages.append(_OpenStage(event.table, chain, event.opens))
        if hit is not None and kept and self.stages:
            self.stages[-1].hits.append(hit)


Resolve = Callable[[TraceEvent], Hit | None]


def walks_of(
    events: Iterable[TraceEvent],
    logged: Iterable[TraceEvent],
    resolve: Resolve,
    keep: Callable[[str, Family], bool],
) -> list[Walk]:
    """Sort events into walks, in the order in which the walks began.

    Args:
        events: of nftables, in the order in which they came.
        logged: of iptables-legacy, likewise; they come another way.
        resolve: the hit of an event; None for what is none.
        keep: whether a table of a family is one of the user's; others were only made with them.
    """
    walks: list[tuple[TraceEvent, list[_OpenPassage]]] = []
    current: dict[str, list[_OpenPassage]] = {}
    for event in events:
        if event.table != tracing.TABLE:
            if event.key in current:
                current[event.key][-1].add(event, resolve(event), kept=keep(event.table, event.family))
        elif event.opens is not None and (hook := tracing.begins(event.chain)) is not None:
            if hook in {Hook.PREROUTING, Hook.OUTPUT} or event.key not in current:
                current[event.key] = []
                walks.append((event, current[event.key]))
            current[event.key].append(_OpenPassage(hook, event.opens))
        elif event.opens is not None and event.key in current and tracing.ends(event.chain) is not None:
            current[event.key][-1].end = event.opens
    _add_logged(walks, logged, resolve, keep)
    return [Walk(tuple(_closed(first.family, passages, keep))) for first, passages in walks]


def logged_key(family: Family, headers: Headers) -> str:
    """Return by what a message of the netfilter log is tied to the walk of its packet."""
    return f"{family} {headers.identifier}"


def _add_logged(
    walks: Iterable[tuple[TraceEvent, list[_OpenPassage]]],
    logged: Iterable[TraceEvent],
    resolve: Resolve,
    keep: Callable[[str, Family], bool],
) -> None:
    waiting: dict[str, deque[TraceEvent]] = {}
    for event in logged:
        waiting.setdefault(event.key, deque()).append(event)
    for first, passages in walks:
        mine = waiting.get(logged_key(first.family, passages[0].begin), deque())
        for passage in passages:
            while mine and mine[0].hook is passage.hook:
                event = mine.popleft()
                passage.add(event, resolve(event), kept=keep(event.table, event.family))


def _closed(family: Family, passages: Iterable[_OpenPassage], keep: Callable[[str, Family], bool]) -> Iterator[Passage]:
    for one in passages:
        stages = (stage.closed() for stage in one.stages if keep(stage.table, family))
        yield Passage(one.hook, one.begin, tuple(stages), one.end)
