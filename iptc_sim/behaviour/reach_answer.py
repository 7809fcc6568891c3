"""What the question who reaches a destination answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from iptc_sim.behaviour.answer import Condition, Undecided
from iptc_sim.connection import Flow
from iptc_sim.diagram.spans import Spans
from iptc_sim.node import Node
from iptc_sim.records import dataclass, field
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.symbolic.variables import Space
from iptc_sim.values import Odds, Prefix, address_text


class Wanted(StrEnum):
    """Which packets are asked for.

    REACHED: those that end at the destination; MASQUERADED: of these the ones whose source a rule rewrites, be it to
    the one that they have. DROPPED and REJECTED: those that would end there if no rule dropped or rejected anything,
    and that are.
    """

    REACHED = "reached"
    MASQUERADED = "masqueraded"
    DROPPED = "dropped"
    REJECTED = "rejected"

    @property
    def is_stopped(self) -> bool:
        """Whether it is about packets that a rule keeps from getting there."""
        return self in {Wanted.DROPPED, Wanted.REJECTED}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where packets are to end.

    Args:
        prefix: the address, or the network.
        port: the port; None: whatever port, and protocols without ports, too.
    """

    prefix: Prefix
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``10.0.0.1``, ``10.0.0.1:80``, ``10.0.0.0/8:80``, ``fd00::1``, ``[fd00::1]:80``.

        Raises:
            ValueError: it is none of these.
        """
        address, colon, port = text.rpartition(":")
        if not colon or (":" in address and not address.endswith("]")):
            return cls(Prefix.parse(text.removeprefix("[").removesuffix("]")))
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
            raise ValueError(f"{port} is not a port")
        return cls(Prefix.parse(address.removeprefix("[").removesuffix("]")), int(port))

    @property
    def span(self) -> tuple[int, int]:
        """The first address and the last one, as numbers."""
        return self.prefix.span

    def __str__(self) -> str:
        text = address_text(self.prefix.address) if self.prefix.is_host else str(self.prefix)
        if self.port is None:
            return text
        return f"[{text}]:{self.port}" if ":" in text else f"{text}:{self.port}"


@dataclass(frozen=True, slots=True)
class Example:
    """One packet of a class, traced.

    Args:
        entry: ``arriving`` or ``local``.
        flow: the packet.
        node: the machine that it was sent through; made up where none was given.
        trace: its way.
        end: the end that the class is about.
        odds: of all ends like it.
        answers: what was taken for conditions that cannot be told, in words.
    """

    entry: str
    flow: Flow
    node: Node
    trace: Trace
    end: End
    odds: Odds
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReachClass:
    """Packets that end in the same way.

    Args:
        entries: where they come from: ``arriving``, ``local`` or both.
        conditions: what they have in common, in the words of rules.
        facts: what else they take for granted: of routing, and of conditions that are not reasoned about.
        size: how many combinations of addresses, ports and protocol these are.
        odds: how likely it is that one of them ends so.
        translated: whether its destination is rewritten on the way.
        masqueraded: whether its source is.
        code: ``--reject-with`` of those that are rejected.
        fates: what may become of it, depending on routing, as its ends show; one where the node is told.
        examples: a packet for each entry.
        box: the same conditions as data: the values of each level that counts.
        space: of the levels.
    """

    entries: tuple[str, ...]
    conditions: tuple[Condition, ...]
    facts: tuple[str, ...]
    size: int
    odds: Odds
    translated: bool
    masqueraded: bool
    code: str
    fates: tuple[Fate, ...]
    examples: tuple[Example, ...]
    box: tuple[tuple[int, Spans], ...] = field(repr=False)
    space: Space = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Reach:
    """Who reaches a destination, or does not.

    Args:
        ruleset: the rules that such packets can meet; of a large ruleset these are only a part.
        to: the destination.
        source: where packets come from; None: anywhere.
        wanted: which packets were asked for.
        states: their ctstates on entering.
        classes: each of them confirmed by a trace, the largest first; one packet may be of several.
        left: how many more there are.
        undecided: what could not be decided or confirmed.
        assumptions: what is taken for granted, one sentence each.
        made: whether no node was given, so that every example has one of its own.
    """

    ruleset: Ruleset
    to: Destination
    source: Prefix | None
    wanted: Wanted
    states: tuple[str, ...] = ("NEW",)
    classes: tuple[ReachClass, ...] = ()
    left: int = 0
    undecided: tuple[Undecided, ...] = ()
    assumptions: tuple[str, ...] = ()
    made: bool = True

    def __bool__(self) -> bool:
        """Whether there are such packets."""
        return bool(self.classes)
