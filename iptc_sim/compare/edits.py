"""What differs between two rulesets, as data."""

from __future__ import annotations

from iptc_sim.records import dataclass
from iptc_sim.ruleset import Rule


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


Edit = Added | Removed | Moved | Changed | ChainAdded | ChainRemoved | PolicyChanged


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
