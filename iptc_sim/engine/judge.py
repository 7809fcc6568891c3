"""Whether a packet fits a rule: base options first, then the matches from left to right."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from iptc_sim.match import No, Unclear
from iptc_sim.moment import Moment
from iptc_sim.packet import Packet
from iptc_sim.ruleset import Rule
from iptc_sim.values import CERTAIN, UNKNOWN, InterfacePattern, Negatable, Odds

#: What was assumed about conditions that cannot be told, so that one question gets one answer in a branch.
Assumed = dict[tuple[Hashable, Packet], bool]


class Unsettled:
    """A rule that may fit.

    Args:
        unclear: the conditions that cannot be told, in order; all others hold.
    """

    __slots__ = ("unclear",)

    def __init__(self, unclear: list[Unclear]) -> None:
        self.unclear = unclear

    @property
    def chance(self) -> Odds | None:
        """The odds that all of them hold; None where one has none."""
        total = CERTAIN
        for item in self.unclear:
            if item.chance is None:
                return None
            total = total * item.chance
        return total

    @property
    def first(self) -> Unclear:
        """The condition to name."""
        return self.unclear[0]


def judge(rule: Rule, at: Moment, assumed: Assumed) -> No | Unsettled | None:
    """Return None where the packet fits, the first failed condition where it does not, else what is unclear."""
    unclear: list[Unclear] = []
    for match in (rule.base, *rule.matches):
        outcome = match.judge(at)
        if isinstance(outcome, No):
            return outcome
        if isinstance(outcome, Unclear):
            answer = assumed.get((_question(outcome), at.packet)) if outcome.chance is None else None
            if answer is None:
                unclear.append(outcome)
            elif answer == outcome.negated:
                return No(match, "", f"assumed above ({outcome.why})")
    return Unsettled(unclear) if unclear else None


def _question(outcome: Unclear) -> Hashable:
    return outcome.extension if outcome.question is None else outcome.question


def assume(unsettled: Unsettled, at: Moment, *, fits: bool) -> tuple[Assumed, Moment]:
    """Return what a branch assumes, and the moment with what that tells about the packet.

    An interface that was not known and now fits ``-o docker0`` is docker0 from here on.
    """
    assumed: Assumed = {}
    packet = at.packet
    if len(unsettled.unclear) > 1 and not fits:
        return assumed, at  # any one of them may have failed
    for item in unsettled.unclear:
        if item.chance is not None:
            continue
        for field in ("in_interface", "out_interface"):
            wanted: Negatable[InterfacePattern] | None = getattr(item.extension, field, None)
            if wanted is None or wanted.value.text.endswith("+") or wanted.negated == fits:
                continue
            if getattr(packet, field) is UNKNOWN:
                name: dict[str, Any] = {field: wanted.value.text}
                packet = replace(packet, **name)
        assumed[_question(item), packet] = fits != item.negated
    return assumed, replace(at, packet=packet)
