"""A difference is told only where two traces of one packet show it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

from iptc_sim.behaviour.answer import Kind, Share
from iptc_sim.behaviour.described import question_of
from iptc_sim.behaviour.endings import endings, kinds
from iptc_sim.behaviour.slices import Slice
from iptc_sim.behaviour.witness import Witness
from iptc_sim.constraint import All, AnyOf, Asked, Constraint, Free, Own, leaves
from iptc_sim.diagnostics import InputError, UsageError
from iptc_sim.engine import explore
from iptc_sim.engine.judge import Answers
from iptc_sim.engine.situation import Situation
from iptc_sim.match import Match, Unclear
from iptc_sim.moment import Moment, Place
from iptc_sim.records import dataclass
from iptc_sim.steps import Trace

#: How many branches a confirming trace may have.
_MOST_ENDS = 12_000


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Two traces of one packet that end differently.

    Args:
        traces: through A and through B.
        ours: how it ends in A.
        theirs: how it ends in B.
        kinds: in what these differ.
    """

    traces: tuple[Trace, Trace]
    ours: tuple[Share, ...]
    theirs: tuple[Share, ...]
    kinds: tuple[Kind, ...]


def confirm(a: Slice, b: Slice, witness: Witness) -> Confirmed | str:
    """Send a witness through both rulesets; return how it ends there, or why that shows no difference."""
    situation = Situation(witness.node, answers=answers_of(witness.answers))
    try:
        traces = [
            part.numbered(
                explore(part.ruleset, witness.flow, situation, connection=witness.connection, max_ends=_MOST_ENDS)
            )
            for part in (a, b)
        ]
    except (UsageError, InputError) as error:
        return f"it cannot be traced: {error.diagnostics[0].message}"
    ours, theirs = map(endings, traces)
    found = kinds(ours, theirs)
    if not found:
        return "its traces end alike"
    blurred = any(share.odds is None for share in (*ours, *theirs))
    if blurred and {share.ending for share in ours} & {share.ending for share in theirs}:
        return "it hangs on conditions that cannot be told"  # which may make both end alike
    return Confirmed((traces[0], traces[1]), ours, theirs, found)


def answers_of(known: Mapping[Hashable, int]) -> Answers:
    """Return what tells the engine of conditions that cannot be judged, as the variables of a point have it."""
    by_question: dict[Hashable, dict[tuple[Hashable, Hashable], bool]] = {}
    for key, value in known.items():
        asked = question_of(key)
        if asked is not None:
            kind, question, holder = asked
            by_question.setdefault((kind, question), {})[holder, key] = bool(value)

    def told(question: Hashable, place: Place) -> bool | None:
        found = by_question.get(question, {})
        if len(set(found.values())) == 1:
            return next(iter(found.values()))
        here = {value for (holder, _), value in found.items() if _is_at(holder, place)}
        return next(iter(here)) if len(here) == 1 else None

    def answers(unclear: Unclear, at: Moment, place: Place) -> bool | None:
        if not isinstance(unclear.extension, Match):
            return None
        asked = Asked(at.packet.family, at.table, at.hook, at.variant)
        constraint = unclear.extension.constraint(asked)
        return _holds(constraint, lambda question: told(question, place))

    return answers


def _is_at(holder: object, place: Place) -> bool:
    """Whether the state of a rule, or of no rule, is that of one which stands at a place."""
    return holder is None or (isinstance(holder, tuple) and holder[:2] == place[:2])


def _holds(constraint: Constraint, told: Callable[[Hashable], bool | None]) -> bool | None:
    """Return whether a condition holds of which the rest, beside what cannot be judged, is not decided yet.

    A match that cannot be judged has no part that fails by itself, and none that suffices by itself.
    """
    match constraint:
        case Free(key, _, negated):
            answer = told(("free", key))
            return None if answer is None else answer != negated
        case Own(key, _, negated):
            answer = told(("own", key))
            return None if answer is None else answer != negated
        case All(parts):
            found = [_holds(part, told) for part in parts if _asks(part)]
            return False if False in found else None if None in found or not found else True
        case AnyOf(parts):
            found = [_holds(part, told) for part in parts if _asks(part)]
            return True if True in found else None if None in found or not found else False
    return None


def _asks(constraint: Constraint) -> bool:
    return any(isinstance(leaf, Free | Own) for leaf in leaves(constraint))
