"""A trace as data: a tree of frozen steps. Every output format is a pure function of it.

The tree is kept flat: a :class:`Segment` is a stretch of the way without a fork and knows its parent, so a Service with
5,000 endpoints makes 5,000 short segments and no deep nesting. An :class:`End` is where a branch stops.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from iptc_sim.connection import Connection, Flow
from iptc_sim.match import No, Unclear
from iptc_sim.memory import Memory
from iptc_sim.moment import NOTHING, Hook
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass, field
from iptc_sim.ruleset import Rule
from iptc_sim.target import Action
from iptc_sim.tracking import Manip
from iptc_sim.values import Interface, Odds


class Fate(StrEnum):
    """What becomes of a packet."""

    LOCAL = "local"
    FORWARD = "forward"
    SENT = "sent"
    DROP = "drop"
    REJECT = "reject"
    LOST = "lost"
    STOLEN = "stolen"


@dataclass(frozen=True, slots=True)
class HookStep:
    """The packet enters a hook, as it is then."""

    hook: Hook
    packet: Packet


@dataclass(frozen=True, slots=True)
class HookEndStep:
    """The packet leaves a hook alive, as it is then."""

    hook: Hook
    packet: Packet


@dataclass(frozen=True, slots=True)
class RouteStep:
    """A route lookup.

    Args:
        kind: ``local``, ``forward``, ``out`` (a packet of this node), ``again`` (after DNAT in OUTPUT) or ``lost``.
        interface: by which it will leave.
        why: in words.
    """

    kind: str
    interface: Interface
    why: str


@dataclass(frozen=True, slots=True)
class ConntrackStep:
    """Connection tracking has looked at the packet."""

    connection: Connection | None
    why: str


@dataclass(frozen=True, slots=True)
class ChainStep:
    """A chain is entered: ``how`` is ``base``, ``jump`` or ``goto``."""

    hook: Hook
    table: str
    chain: str
    how: str
    depth: int


@dataclass(frozen=True, slots=True)
class RuleStep:
    """A rule was looked at.

    Args:
        hook: the hook being walked.
        table: its table.
        chain: its chain.
        number: its number in the chain, from 1.
        rule: the rule itself, with its line.
        matched: whether the packet fits; in a branch that assumes one way, that way.
        reason: why not (a failed condition), or what was assumed.
        action: what its target did; None for a rule without a target and for one that did not fit.
        mark: the mark before and after, where the target changed it.
        depth: how many chains deep, from 0.
        maybe: whether it cannot be told if the packet fits, and does not matter: the target changes nothing.
    """

    hook: Hook
    table: str
    chain: str
    number: int
    rule: Rule
    matched: bool
    reason: No | Unclear | None = None
    action: Action | None = None
    mark: tuple[int, int] | None = None
    depth: int = 0
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class BackStep:
    """A user chain came to its end (or RETURN): the walk goes on in ``chain``."""

    hook: Hook
    table: str
    left: str
    chain: str
    depth: int


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """A built-in chain came to its end: its policy decides; ``assumed`` where the dump does not tell it."""

    hook: Hook
    table: str
    chain: str
    policy: str
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class TranslateStep:
    """An address or port was rewritten; ``by`` is the target, or ``conntrack`` for a decided connection."""

    hook: Hook
    manip: Manip
    before: Packet
    after: Packet
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class NoteStep:
    """Something that the reader should know about this branch."""

    text: str


Step = (
    HookStep
    | HookEndStep
    | RouteStep
    | ConntrackStep
    | ChainStep
    | RuleStep
    | BackStep
    | PolicyStep
    | TranslateStep
    | NoteStep
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch without forks.

    Args:
        number: its place in ``Trace.segments``.
        parent: number of the segment before it, None for the first.
        choice: what this branch assumes, in words; empty for the first.
        chance: its odds among its siblings, None where there are none.
        steps: in order.
    """

    number: int
    parent: int | None
    choice: str
    chance: Odds | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class End:
    """Where a branch stops.

    Args:
        segment: number of its last segment.
        fate: what became of the packet.
        packet: as it was last.
        connection: the conntrack entry that was made or used.
        odds: the exact chance of this branch; None where it hangs on something that has none.
        code: ``--reject-with`` of a reject.
        why: in words; the rule or policy that decided.
        decided_by: (table, chain, rule number; 0 for the policy) where a rule or policy ended it.
        memory: what is remembered from here on.
        answer: what this node sends back on its own account: an ICMP error, a RST; None where it sends nothing.
    """

    segment: int
    fate: Fate
    packet: Packet
    connection: Connection | None
    odds: Odds | None
    code: str = ""
    why: str = ""
    decided_by: tuple[str, str, int] | None = None
    memory: Memory = field(default=NOTHING, compare=False)
    answer: Packet | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What happens to one packet.

    Args:
        flow: what it started with.
        segments: the tree; the first one is the stem.
        ends: every branch, in the order of the rules.
        assumptions: what was not told and therefore assumed, one sentence each.
        replies: for each end the trace of the answer, where that was asked for.
    """

    flow: Flow
    segments: tuple[Segment, ...]
    ends: tuple[End, ...]
    assumptions: tuple[str, ...] = ()
    replies: tuple[Trace | None, ...] = field(default=())

    def branch(self, end: End) -> tuple[Segment, ...]:
        """Return the segments that lead to an end, from the first on."""
        found = []
        number: int | None = end.segment
        while number is not None:
            segment = self.segments[number]
            found.append(segment)
            number = segment.parent
        return tuple(reversed(found))

    def steps(self, end: End) -> Iterator[Step]:
        """Yield the whole way of one branch."""
        for segment in self.branch(end):
            yield from segment.steps

    @property
    def end(self) -> End:
        """The only end.

        Raises:
            ValueError: there are several.
        """
        if len(self.ends) != 1:
            raise ValueError(f"this trace has {len(self.ends)} ends")
        return self.ends[0]
