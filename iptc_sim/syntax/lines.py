"""What one line of a dump says: the records between reading a line and applying it."""

from __future__ import annotations

from iptc_sim.records import dataclass
from iptc_sim.ruleset import Counters, Rule


@dataclass(frozen=True, slots=True)
class TableLine:
    """``*nat``."""

    name: str


@dataclass(frozen=True, slots=True)
class ChainLine:
    """``:INPUT ACCEPT [0:0]``: the policy as written, ``-`` for none; None where the line has none."""

    name: str
    policy: str | None
    counters: Counters | None


@dataclass(frozen=True, slots=True)
class RuleLine:
    """``-A CHAIN ...`` and the other commands about rules.

    Args:
        command: the short form: ``-A``, ``-I``, ``-D``, ``-R`` or ``-C``.
        chain: the chain.
        rules: several where addresses are listed; none where ``-D`` names a number.
        number: after ``-I``, ``-D`` and ``-R``; 0 where there is none.
    """

    chain: str
    rules: list[Rule]
    command: str = "-A"
    number: int = 0


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command about chains.

    Args:
        command: the short form: ``-N``, ``-X``, ``-F``, ``-P``, ``-E``, ``-Z``, ``-L`` or ``-S``.
        chain: the chain; empty where the command is about all of them.
        argument: the policy of ``-P``, the new name of ``-E``.
        counters: of ``-P CHAIN POLICY -c PACKETS BYTES``.
        number: of a rule, after ``-Z``, ``-L`` and ``-S``; 0 where there is none.
    """

    command: str
    chain: str = ""
    argument: str = ""
    counters: Counters | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class CommitLine:
    """``COMMIT``."""


@dataclass(frozen=True, slots=True)
class EmptyLine:
    """A blank line or a comment, or a rule for the other family (``-4``, ``-6``), which is skipped."""


Line = TableLine | ChainLine | RuleLine | CommandLine | CommitLine | EmptyLine
