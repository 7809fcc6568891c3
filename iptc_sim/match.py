"""What a match is, and what it may answer."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

from iptc_sim.extension import Extension
from iptc_sim.moment import Moment
from iptc_sim.records import dataclass
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


class Match(Extension):
    """A condition of a rule."""

    __slots__ = ()

    def judge(self, at: Moment) -> Outcome:  # noqa: ARG002 - the interface
        """Say whether the packet fits. An extension without a model of its own cannot be judged."""
        return Unclear(self, f"{self.SWITCH} {self.NAME} is not modelled")

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
