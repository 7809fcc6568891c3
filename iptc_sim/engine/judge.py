"""Whether a packet fits a rule: base options first, then the matches from left to right."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Literal

from iptc_sim.match import Match, No, Unclear
from iptc_sim.memory import Memory
from iptc_sim.moment import Moment, Place
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Rule
from iptc_sim.values import CERTAIN, UNKNOWN, InterfacePattern, Negatable, Odds

#: What was assumed about conditions that cannot be told, so that one question gets one answer in a branch.
Assumed = dict[tuple[Hashable, Hashable], bool]

#: Tells of a condition that cannot be judged, at a moment, whether it holds; None: that cannot be told either. Draws of
#: the kernel are not asked about.
Answers = Callable[[Unclear, Moment, Place], bool | None]


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A rule that may fit.

    Args:
        unclear: the conditions that cannot be told, in order; all others hold.
        memory: what is remembered where they all hold.
        otherwise: what is remembered where the first of them fails.
    """

    unclear: tuple[Unclear, ...]
    memory: Memory
    otherwise: Memory

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


def judge(
    rule: Rule, at: Moment, assumed: Assumed, place: Place, answers: Answers | None = None
) -> tuple[No | Unsettled | None, Memory]:
    """Tell whether a packet fits a rule.

    Args:
        rule: to be asked.
        at: the packet and all around it.
        assumed: answers given before in this branch.
        place: of the rule: table, chain, number.
        answers: tells what cannot be judged; asked ahead of ``assumed``.

    Returns:
        None where the packet fits, the first failed condition where it does not, else what is unclear; and what is
        remembered afterwards: matches that count or keep lists do so when they are asked, whatever follows in the rule.
    """
    unclear: list[Unclear] = []
    otherwise = at.memory
    for which, match in enumerate((rule.base, *rule.matches)):
        if match.REMEMBERS:
            at = replace(at, place=place, which=which)
        outcome = match.judge(at)
        fits = True
        if isinstance(outcome, No):
            fits = False
        elif isinstance(outcome, Unclear):
            told = _told(outcome, at, assumed, place, answers)
            if told is None:
                otherwise = otherwise if unclear else _remembered(match, at, fits=False)
                unclear.append(outcome)
            elif isinstance(told, No):
                outcome, fits = told, False
        memory = _remembered(match, at, fits=fits)
        if memory is not at.memory:
            at = replace(at, memory=memory)
        if isinstance(outcome, No):
            return outcome, at.memory
    if unclear:
        return Unsettled(tuple(unclear), at.memory, otherwise), at.memory
    return None, at.memory


def _told(
    outcome: Unclear, at: Moment, assumed: Assumed, place: Place, answers: Answers | None
) -> No | Literal[True] | None:
    """Return what was told or assumed of a condition that cannot be judged: it fails, or holds; None: nothing was."""
    if outcome.chance is not None:
        return None
    told = answers(outcome, at, place) if answers is not None else None
    if told is not None:
        return told or No(outcome.extension, "", f"told so ({outcome.why})")
    answer = assumed.get(_question(outcome, at, place))
    if answer is None:
        return None
    return answer != outcome.negated or No(outcome.extension, "", f"assumed above ({outcome.why})")


def _remembered(match: Match, at: Moment, *, fits: bool) -> Memory:
    return match.remember(at, fits) if match.REMEMBERS else at.memory


def _question(outcome: Unclear, at: Moment, place: Place) -> tuple[Hashable, Hashable]:
    """Return what is asked, of which packet: its mark and its age make no difference to what cannot be told.

    A match that counts for its own rule is another question in every rule.
    """
    packet = at.packet
    asked = outcome.question
    if asked is None:
        asked = (outcome.extension, place if getattr(outcome.extension, "REMEMBERS", False) else None)
    ends = packet.source, packet.sport, packet.destination, packet.dport, packet.in_interface, packet.out_interface
    return asked, ends


def assume(unsettled: Unsettled, at: Moment, place: Place, *, fits: bool) -> tuple[Assumed, Moment]:
    """Return what a branch assumes, and the moment with what that tells about the packet.

    An interface that was not known and now fits ``-o docker0`` is docker0 from here on.
    """
    assumed: Assumed = {}
    if len(unsettled.unclear) > 1 and not fits:
        return assumed, at  # any one of them may have failed
    for item in unsettled.unclear:
        if item.chance is not None:
            continue
        for field in ("in_interface", "out_interface"):
            wanted: Negatable[InterfacePattern] | None = getattr(item.extension, field, None)
            if wanted is None or wanted.value.text.endswith("+") or wanted.negated == fits:
                continue
            if getattr(at.packet, field) is UNKNOWN:
                name: dict[str, Any] = {field: wanted.value.text}
                at = replace(at, packet=replace(at.packet, **name))
        assumed[_question(item, at, place)] = fits != item.negated
    return assumed, at
