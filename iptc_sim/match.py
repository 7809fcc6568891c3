"""What a match is, and what it may answer."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar, Final

from iptc_sim.constraint import ALWAYS, Asked, Constraint, Field, Free, Own
from iptc_sim.extension import Extension
from iptc_sim.memory import Memory
from iptc_sim.moment import Moment
from iptc_sim.records import dataclass, field
from iptc_sim.values import UNKNOWN, Negatable, Odds


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
        drops: whether the kernel drops the packet at once, because a header that the match needs is cut or wrong.
    """

    extension: Extension
    field: str
    found: str
    drops: bool = False

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
    question: Hashable = field(default=None, compare=False)
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


class Match(Extension):
    """A condition of a rule."""

    __slots__ = ()

    #: Whether its answer depends on packets seen before, which it keeps in the memory.
    REMEMBERS: ClassVar[bool] = False

    @property
    def shared(self) -> Hashable:
        """What it shares with other rules, of which the first that is loaded says how it is; None: nothing."""
        return None

    def judge(self, at: Moment) -> Outcome:  # noqa: ARG002 - the interface
        """Say whether the packet fits. An extension without a model of its own cannot be judged."""
        return Unclear(self, f"{self.SWITCH} {self.NAME} is not modelled")

    def remember(self, at: Moment, fits: bool) -> Memory:  # noqa: ARG002 - the interface
        """Return what is remembered once the kernel has asked this match; ``fits`` is what was answered.

        Asked only of classes that say ``REMEMBERS``, also where a later match of the rule fails.
        """
        return at.memory

    def constraint(self, asked: Asked) -> Constraint:
        """Return what it asks of every packet, where the rule stands that it belongs to.

        What nothing more is said about is a condition of its own: equal options get equal answers, and the answer may
        depend on anything, or on what was seen before where the class ``REMEMBERS``.
        """
        if self.REMEMBERS:
            return Own(self.question(asked), shared=self.shared is not None)
        return Free(self.question(asked), reads=None)

    def question(self, asked: Asked) -> Hashable:
        """Return the key of a condition that is not reasoned about: the match's name and its canonical options."""
        return (self.name, *self.words(asked.variant))

    def free(self, field: str, reads: frozenset[Field] | None = frozenset(), *also: Hashable) -> Constraint:
        """Return the condition of one option that is not reasoned about.

        Args:
            field: the field of the option; what is absent always holds.
            reads: as in :class:`~iptc_sim.constraint.Free`.
            also: what else the answer hangs on, such as other options.
        """
        value = getattr(self, field)
        if value is None or value is False:
            return ALWAYS
        negated = isinstance(value, Negatable) and value.negated
        declared = next(one for one in self.OPTIONS if one.field == field)
        words = declared.text(value, hidden=True)[negated:]
        return Free((self.name, *words, *also), reads, negated)

    @classmethod
    def is_modelled(cls) -> bool:
        """Whether it judges packets; else it is answered as unknown."""
        return cls.judge is not Match.judge

    def test(self, field: str, actual: object, what: str) -> No | Unclear | None:
        """Test one option against the packet; None where it is absent or holds.

        Args:
            field: the field of the option; its value must be a ``Negatable`` of a number, a word, or something with
                ``in``.
            actual: what the packet has; UNKNOWN where that was not told.
            what: what it is called, such as ``destination port``.
        """
        value: Negatable[Any] | None = getattr(self, field)
        if value is None:
            return None
        if actual is UNKNOWN:
            why = f"{self.option_text(field)}: the {what} is not known"
            return Unclear(self, why, question=(what, value.value), negated=value.negated)
        wanted = value.value
        holds = actual == wanted if isinstance(wanted, int | str) else actual in wanted
        if holds != value.negated:
            return None
        return No(self, field, f"there is no {what}" if actual is None else f"the {what} is {actual}")
