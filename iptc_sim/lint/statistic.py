"""Random choices: odds that are uneven (IPT110), and packets that no choice takes (IPT111)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Final

from iptc_sim.builtin import ANY, GoTo, JumpTo
from iptc_sim.diagnostics import Severity
from iptc_sim.kube.names_of import NUMBERED
from iptc_sim.lint.finding import Finding, Spot, about, listed
from iptc_sim.lint.registry import check
from iptc_sim.lint.view import View
from iptc_sim.matches.statistic import Statistic
from iptc_sim.records import dataclass
from iptc_sim.ruleset import Chain, Rule, Table
from iptc_sim.values import RANDOM_STEPS, Odds

#: Targets of which one is taken for a packet, and no more.
_CHOSEN: Final = frozenset({"DNAT", "SNAT", "REDIRECT", "NETMAP", "MASQUERADE"})
#: How far a probability is off that kube-proxy prints: with ten digits, up to 1.15 with five.
_PRINTED: Final = Fraction(1, 10**10)
_PRINTED_ONCE: Final = Fraction(6, 10**6)
#: How far a threshold is off that is one of 2^31.
_STEP: Final = Fraction(1, RANDOM_STEPS)


@dataclass(frozen=True, slots=True)
class Choice:
    """Rules of a chain one behind another that choose among ends by chance.

    Args:
        spots: the rules.
        shares: the exact share of the packets that each of them takes.
        left: the share that none of them takes.
        draws: how many of them draw; the last one may take the rest.
    """

    spots: tuple[Spot, ...]
    shares: tuple[Fraction, ...]
    left: Fraction
    draws: int

    @property
    def bound(self) -> Fraction:
        """By how much shares differ that are meant to be the same."""
        printed = _PRINTED_ONCE if NUMBERED.fullmatch(self.spots[0].chain) else _PRINTED
        return self.draws * (_STEP + printed)

    @property
    def text(self) -> str:
        """The share of each rule."""
        return listed(
            [f"rule {spot.number}: {share_text(share)}" for spot, share in zip(self.spots, self.shares, strict=True)]
        )


def share_text(share: Fraction) -> str:
    """Return ``1/3 (33.333%)``; what is nearly a simple fraction, as drawn of 2^31 steps, as its percentage only."""
    odds = Odds(share.numerator, share.denominator)
    return f"{share} ({odds.percent})" if share.denominator <= RANDOM_STEPS else f"about {odds.percent}"


@check("IPT110", "IPT111")
def uneven(view: View) -> Iterator[Finding]:
    """Yield the random choices that are uneven, and those that leave packets over."""
    if not view.certain:
        return
    for table, chain in view.chains():
        if not any(_drawn(rule) for rule in chain.rules):
            continue
        for choice in choices(view.spots(table.name, chain.name), table):
            if (found := _uneven(choice)) is not None:
                yield found
            if (found := _left_over(choice, chain.rules)) is not None:
                yield found


def _drawn(rule: Rule) -> Statistic | None:
    found = [match for match in rule.matches if isinstance(match, Statistic)]
    if len(found) != 1 or found[0].probability is None or found[0].probability.negated:
        return None
    return found[0]


def choices(spots: Sequence[Spot], table: Table) -> Iterator[Choice]:
    """Yield the choices of a chain: rules in a row with the same conditions, draws aside, and like targets."""
    for (_, kind), group in groupby(spots, lambda spot: (_conditions(spot.rule), _kind(spot.rule, table))):
        run = list(group)
        if kind and any(spot.rule and _drawn(spot.rule) for spot in run):
            yield from _choice(run)


def _conditions(rule: Rule | None) -> object:
    """Return what a rule asks, draws and comments aside."""
    if rule is None:
        return None
    return rule.base, tuple(match for match in rule.matches if match is not _drawn(rule) and match.name != "comment")


def _kind(rule: Rule | None, table: Table | None = None) -> str:
    """Return of what kind a rule's target is; empty where it is none that is chosen, or packets come back from it."""
    if rule is None or rule.target is None:
        return ""
    if isinstance(rule.target, JumpTo | GoTo):
        numbered = NUMBERED.fullmatch(rule.target.chain)
        stays = isinstance(rule.target, GoTo) or numbered or (table and _takes_all(table.chains.get(rule.target.chain)))
        return f"chain {numbered[1] if numbered else ''}" if stays else ""
    return rule.target.name if rule.target.name in _CHOSEN else ""


def _takes_all(chain: Chain | None) -> bool:
    """Whether the last rule of a chain ends the walk of every packet that comes to it."""
    last = chain.rules[-1] if chain and chain.rules else None
    if (
        last is None
        or last.target is None
        or last.base != ANY
        or any(match.name != "comment" for match in last.matches)
    ):
        return False
    return last.target.name in _CHOSEN | {"ACCEPT", "DROP", "REJECT"}


def _choice(run: Sequence[Spot]) -> Iterator[Choice]:
    """Yield the choices that a run of rules is made of: each ends with a rule that takes all."""
    spots: list[Spot] = []
    shares: list[Fraction] = []
    left, draws = Fraction(1), 0
    for spot in run:
        drawn = _drawn(spot.rule) if spot.rule else None
        threshold = RANDOM_STEPS if drawn is None or drawn.probability is None else drawn.probability.value.threshold
        spots.append(spot)
        shares.append(left * Fraction(threshold, RANDOM_STEPS))
        left -= shares[-1]
        draws += drawn is not None
        if drawn is None:
            if draws:
                yield Choice(tuple(spots), tuple(shares), left, draws)
            spots, shares, left, draws = [], [], Fraction(1), 0
    if draws > 1:
        yield Choice(tuple(spots), tuple(shares), left, draws)


def _uneven(choice: Choice) -> Finding | None:
    """Return that the shares differ, where they are meant to be the same.

    One draw against the rest may be a canary; with more of them, and in the chains of a Service, shares are equal. What
    is drawn with weights on purpose is a note only.
    """
    first = choice.spots[0]
    service = NUMBERED.fullmatch(first.chain) is not None
    if choice.draws < 2 and not service:
        return None
    if max(choice.shares) - min(choice.shares) <= choice.bound:
        return None
    meant = service or _is_mistake(choice)
    count = len(choice.shares)
    message = f"{first.table} {first.chain} chooses unevenly among {count} ways: {choice.text}"
    hint = f"for even shares rule N of {count} draws 1 of {count} - N + 1, and the last one has no statistic"
    return about("IPT110", first, message, choice.spots[1:], hint, severity=None if meant else Severity.NOTE)


def _is_mistake(choice: Choice) -> bool:
    """Whether the thresholds are those of somebody who took them for shares of the whole, or in the wrong order."""
    thresholds = [
        drawn.probability.value.threshold
        for spot in choice.spots
        if spot.rule and (drawn := _drawn(spot.rule)) is not None and drawn.probability is not None
    ]
    if len(set(thresholds)) < len(thresholds):
        return True
    total = sum(thresholds)
    return abs(total - RANDOM_STEPS) <= len(thresholds) * RANDOM_STEPS // 100 or thresholds == sorted(
        thresholds, reverse=True
    )


def _left_over(choice: Choice, rules: Sequence[Rule]) -> Finding | None:
    """Return that a choice among ends leaves packets to nobody: no rule behind it in its chain can take them."""
    first, last = choice.spots[0], choice.spots[-1]
    if choice.left <= choice.bound or choice.draws < 2 or last.number < len(rules):
        return None
    kinds = {_kind(spot.rule) for spot in choice.spots}
    service = NUMBERED.fullmatch(first.chain) is not None
    if not (service or kinds <= {"DNAT", "REDIRECT"}):
        return None
    message = (
        f"{first.table} {first.chain} leaves {share_text(choice.left)} of the packets to no rule: "
        f"{last} is the last choice and draws, too"
    )
    return about("IPT111", last, message, choice.spots[:-1], "the last rule of a choice needs no statistic")
