"""One branch of a trace: by its number, by what it says, or by chance."""

from __future__ import annotations

from random import Random

from iptc_sim.diagnostics import Diagnostic, UsageError
from iptc_sim.records import replace
from iptc_sim.steps import End, Trace
from iptc_sim.values import CERTAIN, Odds


def pick_branch(trace: Trace, *, pick: str | None = None, seed: int | None = None, subject: str = "--pick") -> Trace:
    """Return the trace with one branch only.

    Args:
        trace: with all branches.
        pick: number of the branch from 1, or a text that it passes: ``172.17.0.5:80`` or a chain name.
        seed: draw one by the odds; branches without odds share what is left equally.
        subject: what names the branch, for errors.

    Raises:
        UsageError: IPT044, there is no such branch.
    """
    if pick is not None:
        index = _by_name(trace, pick, subject)
    elif seed is not None:
        index = _by_chance(trace, Random(seed))  # noqa: S311 - a repeatable draw, not a secret
    else:
        return trace
    replies = trace.replies[index : index + 1]
    return replace(trace, ends=(trace.ends[index],), replies=replies)


def _by_name(trace: Trace, pick: str, subject: str) -> int:
    if pick.isascii() and pick.isdigit() and len(pick) < 10:
        if 1 <= int(pick) <= len(trace.ends):
            return int(pick) - 1
        message = f"there is no branch {pick}; the trace has {len(trace.ends)}"
        raise UsageError(Diagnostic("IPT044", message, subject=subject))
    for index, end in enumerate(trace.ends):
        if pick in _names(trace, end):
            return index
    shown = sorted({end.packet.destination_text for end in trace.ends})
    expected = f"a number from 1 to {len(trace.ends)}, a chain, or a destination such as {', '.join(shown[:3])}"
    raise UsageError(Diagnostic("IPT044", f"no branch passes {pick}", subject=subject, expected=expected))


def _names(trace: Trace, end: End) -> set[str]:
    chains = {str(getattr(step, "chain", "")) for step in trace.steps(end)}
    return chains | {end.packet.destination_text, str(end.packet.destination)}


def _by_chance(trace: Trace, random: Random) -> int:
    odds = [end.odds for end in trace.ends]
    known = Odds(0, 1)
    for item in odds:
        known = known + item if item is not None else known
    missing = sum(item is None for item in odds)
    if missing:
        left = known.complement
        odds = [item or Odds(left.numerator, left.denominator * missing) for item in odds]
    drawn = random.getrandbits(128)
    reached = Odds(0, 1)
    for index, item in enumerate(odds):
        reached = reached + (item or CERTAIN)
        if drawn * reached.denominator < reached.numerator << 128:
            return index
    return len(odds) - 1
