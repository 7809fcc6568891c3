"""What differs between two rulesets, as data."""

from __future__ import annotations

from iptc_sim.records import dataclass
from iptc_sim.ruleset import Chain, Rule


@dataclass(frozen=True, slots=True)
class OptionChange:
    """One condition or part of the target: ``before`` or ``after`` is empty where it is not there."""

    option: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Added:
    """A rule that only B has, at ``number`` there."""

    table: str
    chain: str
    number: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Removed:
    """A rule that only A has, at ``number`` there."""

    table: str
    chain: str
    number: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Moved:
    """A rule that both have, at different places among the others."""

    table: str
    chain: str
    before: int
    after: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Changed:
    """A rule of A that stands in B with other conditions or another target."""

    table: str
    chain: str
    before: int
    after: int
    old: Rule
    new: Rule
    changes: tuple[OptionChange, ...]


@dataclass(frozen=True, slots=True)
class ChainAdded:
    """A chain that only B has, with its rules."""

    table: str
    chain: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class ChainRemoved:
    """A chain that only A has, with its rules."""

    table: str
    chain: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class PolicyChanged:
    """The policy of a built-in chain."""

    table: str
    chain: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class MovedBetween:
    """A rule that stands in one chain of A and in another one of B.

    Args:
        table: of both chains.
        chain: where it stood.
        before: its number there.
        to: where it stands now.
        after: its number there.
        rule: as it stands now.
    """

    table: str
    chain: str
    before: int
    to: str
    after: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Renamed:
    """A chain that has another name in B.

    Args:
        table: its table.
        chain: its name in B.
        former: its name in A.
        rules: how many rules it has in B; those that differ have edits of their own.
    """

    table: str
    chain: str
    former: str
    rules: int


@dataclass(frozen=True, slots=True)
class TableAdded:
    """A table that only B has, with its chains; ``chain`` is empty."""

    table: str
    chains: tuple[Chain, ...]
    chain: str = ""


@dataclass(frozen=True, slots=True)
class TableRemoved:
    """A table that only A has, with its chains; ``chain`` is empty."""

    table: str
    chains: tuple[Chain, ...]
    chain: str = ""


Edit = (
    Added
    | Removed
    | Moved
    | MovedBetween
    | Changed
    | ChainAdded
    | ChainRemoved
    | Renamed
    | PolicyChanged
    | TableAdded
    | TableRemoved
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The answer of a comparison.

    Args:
        edits: what turns A into B, by table and chain.
        compared: how many chains were compared.
        rules: how many rules of A were compared.
        left_out: what was not compared, one sentence each.
    """

    edits: tuple[Edit, ...]
    compared: int
    rules: int
    left_out: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.edits)
