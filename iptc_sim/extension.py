"""What a match and a target are, and what they may answer."""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, dataclass_transform

from iptc_sim.options import Option, Reading, declared_options, flag, option
from iptc_sim.protocols import protocol_name
from iptc_sim.records import dataclass
from iptc_sim.values import UNKNOWN, AddressRange, Family, Negatable, Odds, PortRange, Variant

if TYPE_CHECKING:
    from iptc_sim.connection import Connection, Manip
    from iptc_sim.node import Node
    from iptc_sim.packet import Packet

__all__ = [
    "YES",
    "Accept",
    "Action",
    "Continue",
    "Drop",
    "Effect",
    "Extension",
    "Goto",
    "Hook",
    "Jump",
    "Match",
    "Moment",
    "No",
    "Outcome",
    "Placement",
    "Reject",
    "Return",
    "SetMark",
    "Target",
    "Translate",
    "Unclear",
    "Yes",
    "decide",
    "extension",
    "flag",
    "misplaced",
    "option",
    "spellings",
    "without_protocol",
]  # fmt: skip

E = TypeVar("E", bound="Extension")


class Hook(StrEnum):
    """The five places in the kernel where chains are walked."""

    PREROUTING = "PREROUTING"
    INPUT = "INPUT"
    FORWARD = "FORWARD"
    OUTPUT = "OUTPUT"
    POSTROUTING = "POSTROUTING"


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything a match or target may look at.

    Args:
        packet: as it is now, with its interfaces and mark.
        hook: the hook being walked.
        table: the table's name.
        node: the machine.
        connection: the conntrack entry; None where the packet is not tracked or conntrack is not in use.
    """

    packet: Packet
    hook: Hook
    table: str
    node: Node
    connection: Connection | None


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


# --- what a match answers -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Yes:
    """The condition holds."""


@dataclass(frozen=True, slots=True)
class No:
    """The condition fails.

    Args:
        extension: the match that failed.
        field: the option that failed; empty where it is the whole match.
        found: what the packet has instead, such as ``the destination is 127.0.0.2``.
    """

    extension: Extension
    field: str
    found: str

    def __str__(self) -> str:
        label = self.extension.option_text(self.field)
        return f"{label}: {self.found}" if label else self.found


@dataclass(frozen=True, slots=True)
class Unclear:
    """It cannot be told.

    Args:
        extension: the match that cannot be judged.
        why: in words.
        chance: the exact odds of a match, where it is a draw of the kernel.
        question: what is asked, so that rules which ask the same get the same answer; None: the match as a whole.
        negated: whether the condition holds where the answer to the question is no.
    """

    extension: Extension
    why: str
    chance: Odds | None = None
    question: Hashable = None
    negated: bool = False

    def __str__(self) -> str:
        return self.why


Outcome = Yes | No | Unclear
YES: Final = Yes()


def decide(*tests: No | Unclear | None) -> Outcome:
    """Join the tests of one match: a No settles it whatever else is unclear."""
    unclear = None
    for found in tests:
        if isinstance(found, No):
            return found
        unclear = unclear or found
    return unclear or YES


# --- what a target does ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accept:
    """Leave this hook's chain of this table with ACCEPT."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The packet is gone."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The packet is gone and an answer is sent; ``code`` as in ``--reject-with``."""

    code: str


@dataclass(frozen=True, slots=True)
class Return:
    """Back to the calling chain, or to the policy."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on with the next rule; ``note`` says what was done on the side."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class SetMark:
    """The packet's mark becomes ``mark``; go on with the next rule."""

    mark: int


@dataclass(frozen=True, slots=True)
class Jump:
    """Walk another chain and come back."""

    chain: str


@dataclass(frozen=True, slots=True)
class Goto:
    """Walk another chain and come back to the caller of this one."""

    chain: str


@dataclass(frozen=True, slots=True)
class Translate:
    """Rewrite one side of the connection; ends the nat chain with ACCEPT.

    Args:
        manip: which side.
        addresses: to choose from; None: keep the address (a port-only target), or see ``masquerade``/``redirect``.
        ports: to choose from; None: keep the port where that is free.
        masquerade: the source becomes the out interface's address.
        redirect: the destination becomes this node.
        base: first port of the original range for ``a-b/base``.
        random: ``--random`` or ``--random-fully``: the port is drawn.
    """

    manip: Manip
    addresses: AddressRange | None = None
    ports: PortRange | None = None
    masquerade: bool = False
    redirect: bool = False
    base: int | None = None
    random: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """What the target does cannot be told; ``why`` in words. The walk goes on as if it did nothing."""

    why: str


Action = Accept | Drop | Reject | Return | Continue | SetMark | Jump | Goto | Translate | Effect


# --- extensions -----------------------------------------------------------------------------------------------------


class Extension:
    """What matches and targets share: a name, declared options, validation.

    Class attributes:
        NAME: as after ``-m`` or ``-j``.
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

    def words(self, variant: Variant = Variant.NFT) -> tuple[str, ...]:  # noqa: ARG002 - the interface
        """Return the options as iptables-save prints them, in order."""
        found: list[str] = []
        for declared in self.OPTIONS:
            found += self._option_words(declared)
        return tuple(found)

    def option_text(self, field: str) -> str:
        """Return one option as printed, ``! -d 127.0.0.0/8``; for an empty field the match itself."""
        for declared in self.OPTIONS:
            if declared.field == field:
                return " ".join(self._option_words(declared, hidden=True))
        return f"-m {self.name}" if self.name else ""

    def _option_words(self, declared: Option, *, hidden: bool = False) -> list[str]:
        return declared.text(getattr(self, declared.field), hidden=hidden)


class Match(Extension):
    """A condition of a rule."""

    __slots__ = ()

    def judge(self, at: Moment) -> Outcome:  # noqa: ARG002 - the interface
        """Say whether the packet fits. An extension without a model of its own cannot be judged."""
        return Unclear(self, f"-m {self.NAME} is not modelled")

    @classmethod
    def is_modelled(cls) -> bool:
        """Whether it judges packets; else it is answered as unknown."""
        return cls.judge is not Match.judge

    def test(self, field: str, actual: object, what: str) -> No | Unclear | None:
        """Test one option against the packet; None where it is absent or holds.

        Args:
            field: the field of the option; its value must be a ``Negatable`` of something with ``in``.
            actual: what the packet has; UNKNOWN where that was not told.
            what: what it is called, such as ``destination port``.
        """
        value: Negatable[Any] | None = getattr(self, field)
        if value is None:
            return None
        if actual is UNKNOWN:
            why = f"{self.option_text(field)}: the {what} is not known"
            return Unclear(self, why, question=(what, value.value), negated=value.negated)
        if (actual in value.value) != value.negated:
            return None
        return No(self, field, f"there is no {what}" if actual is None else f"the {what} is {actual}")


class Target(Extension):
    """What a rule does with the packets that fit."""

    __slots__ = ()

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Say what happens to the packet."""
        return Effect(f"-j {self.NAME} is not modelled")

    @classmethod
    def is_modelled(cls) -> bool:
        """Whether it acts; else its effect is not known."""
        return cls.act is not Target.act


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, flag))
def extension(cls: type[E]) -> type[E]:
    """Make a frozen, slotted dataclass of the class and collect its declared options into ``OPTIONS``."""
    made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
    made.OPTIONS = declared_options(made)
    return made


def spellings(cls: type[Extension]) -> dict[str, Option]:
    """Return every accepted option name of an extension, those of its elements included."""
    return {name: declared for one in cls.OPTIONS for declared in (one, *one.members) for name in declared.spellings}
