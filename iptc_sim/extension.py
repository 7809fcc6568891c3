"""What matches and targets share: a name, declared options, and where they may stand."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar, dataclass_transform

from iptc_sim.moment import Hook
from iptc_sim.options import Option, Reading, ValueType, declared_options, flag, option
from iptc_sim.protocols import protocol_name
from iptc_sim.records import dataclass
from iptc_sim.values import Family, Variant

E = TypeVar("E", bound="Extension")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a rule stands and what it says, for what the kernel refuses when the rule is loaded.

    Args:
        family: of the ruleset.
        variant: of iptables; nf_tables and the old interface check in different places.
        table: the table's name.
        hooks: the hooks from which the chain is reached; empty where nothing leads to it.
        protocol: number after ``-p``; None without it.
        negated: whether it is ``! -p``.
        matches: of the rule.
    """

    family: Family
    variant: Variant
    table: str
    hooks: frozenset[Hook]
    protocol: int | None = None
    negated: bool = False
    matches: tuple[Extension, ...] = ()


def misplaced(label: str, place: Placement, allowed: frozenset[Hook]) -> str:
    """Return why ``label``, which works in some hooks only, is refused in a place; empty where it is not."""
    if place.hooks <= allowed:
        return ""
    wrong = ", ".join(hook for hook in Hook if hook in place.hooks - allowed)
    return f"{label} is reached from {wrong}; it works only in {', '.join(hook for hook in Hook if hook in allowed)}"


def without_protocol(label: str, place: Placement, wanted: frozenset[int]) -> str:
    """Return why ``label``, which works with some ``-p`` only, is refused in a place; empty where it is not."""
    if not place.negated and place.protocol in wanted:
        return ""
    return f"{label} needs -p with {' or '.join(protocol_name(number) for number in sorted(wanted))}"


class Extension:
    """What matches and targets share: a name, declared options, validation.

    Class attributes:
        SWITCH: ``-m`` or ``-j``.
        NAME: as after it.
        FAMILIES: the families that have it.
        PROTOCOLS: protocol numbers one of which ``-p`` must name; empty for any.
        TABLES: tables that a target may stand in; empty for any.
        HOOKS: hooks from which it may be reached; empty for any.
        USES_CONNTRACK: whether a rule with it switches conntrack on in the kernel.
        NOT_IN: tables in which iptables itself refuses it.
        PATTERNS_SUFFICE: whether ``derive``, ``check`` and a ``refusal`` of its own take everything that fits the
            patterns of the value types.
        OPTIONS: filled from the fields by :func:`extension`.
    """

    __slots__ = ()

    SWITCH: ClassVar[str] = "-m"
    NAME: ClassVar[str] = ""
    FAMILIES: ClassVar[frozenset[Family]] = frozenset(Family)
    PROTOCOLS: ClassVar[frozenset[int]] = frozenset()
    TABLES: ClassVar[frozenset[str]] = frozenset()
    HOOKS: ClassVar[frozenset[Hook]] = frozenset()
    USES_CONNTRACK: ClassVar[bool] = False
    PATTERNS_SUFFICE: ClassVar[bool] = False
    NOT_IN: ClassVar[frozenset[str]] = frozenset()
    OPTIONS: ClassVar[tuple[Option, ...]] = ()

    @property
    def name(self) -> str:
        """As after ``-m`` or ``-j``."""
        return self.NAME

    @property
    def is_native(self) -> bool:
        """Whether iptables-nft says it in nf_tables expressions instead of loading its module."""
        return False

    def uses_conntrack(self) -> bool:
        """Whether a rule with just these options switches conntrack on in the kernel."""
        return self.USES_CONNTRACK

    @classmethod
    def is_modelled(cls) -> bool:
        """Whether its meaning is known, not only its syntax."""
        return True

    @classmethod
    def complete(cls, fields: dict[str, object], context: Reading) -> None:
        """Add to the fields that were read the defaults of those that were not."""
        for declared in cls.OPTIONS:
            declared.gather(fields)
        fields |= {
            declared.field: declared.default(context.family)
            for declared in cls.OPTIONS
            if declared.default is not None and declared.field not in fields
        }
        cls.derive(fields)

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Add what follows from other options; an extension overrides it where there is such a thing.

        The fields that were read stand in the order of the line, so that "the last one counts" can be told.

        Raises:
            ValueError: they do not fit together.
        """

    def check(self, context: Reading) -> None:
        """Refuse options that do not fit together.

        Raises:
            ValueError: with the reason.
        """

    def demand_one(self, *fields: str) -> None:
        """Refuse none or several of these options.

        Raises:
            ValueError: so it is.
        """
        given = [getattr(self, field) for field in fields]
        if sum(value is not None and value is not False for value in given) != 1:
            names = ", ".join(declared.names[0] for declared in self.OPTIONS if declared.field in fields)
            raise ValueError(f"{self.SWITCH} {self.NAME} needs exactly one of {names}")

    def refusal(self, place: Placement) -> str:
        """Return why the kernel refuses a rule with this extension there; empty where it takes it.

        As xt_check_match and xt_check_target do before any ``checkentry``: table, hooks, protocol.
        """
        if self.TABLES and place.table not in self.TABLES:
            return f"{self.name} can stand only in table {' or '.join(sorted(self.TABLES))}"
        if self.HOOKS and (why := misplaced(self.name, place, self.HOOKS)):
            return why
        if not self.PROTOCOLS or (place.variant is Variant.NFT and self.is_native):
            return ""  # of expressions no module of the kernel asks for a protocol
        return without_protocol(self.name, place, self.PROTOCOLS)

    def objects(self) -> tuple[tuple[str, str], ...]:
        """Return what must exist in the kernel before the rule is loaded, as (kind, name), such as an ipset."""
        return ()

    def kept(self, context: Reading) -> Extension | None:  # noqa: ARG002 - the interface
        """Return what iptables gives to the kernel, which may be less than was written; None where it is nothing."""
        return self

    def printed(self, variant: Variant = Variant.NFT) -> tuple[str, ...]:
        """Return the options as iptables-save prints them: the words, with blanks that say nothing."""
        return self.words(variant)

    def words(self, variant: Variant = Variant.NFT) -> tuple[str, ...]:  # noqa: ARG002 - the interface
        """Return the words of the options in the order of iptables-save."""
        found: list[str] = []
        for declared in self.OPTIONS:
            found += self._option_words(declared)
        return tuple(found)

    def option_text(self, field: str) -> str:
        """Return one option as printed, ``! -d 127.0.0.0/8``; for an empty field the match itself."""
        for declared in self.OPTIONS:
            if declared.field == field:
                return " ".join(self._option_words(declared, hidden=True))
        return f"{self.SWITCH} {self.name}" if self.name else ""

    def _option_words(self, declared: Option, *, hidden: bool = False) -> list[str]:
        return declared.text(getattr(self, declared.field), hidden=hidden)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, flag))
def extension(cls: type[E]) -> type[E]:
    """Make a frozen, slotted dataclass of the class and collect its declared options into ``OPTIONS``."""
    made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
    made.OPTIONS = declared_options(made)
    return made


def spellings(cls: type[Extension]) -> dict[str, tuple[Option, ValueType[Any]]]:
    """Return every accepted option name of an extension, those of its elements included, with what it says."""
    return {
        name: (declared, kind)
        for one in cls.OPTIONS
        for declared in (one, *one.members)
        for name, kind in declared.spellings.items()
    }
