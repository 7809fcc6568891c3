"""``-m statistic``: by chance, or every nth (xt_statistic.c)."""

from __future__ import annotations

from iptc_sim.constraint import ALWAYS, NEVER, Asked, Constraint, Draw
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.memory import Memory
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.remembered.own_state import rule_key
from iptc_sim.value_types.choice import Choice
from iptc_sim.value_types.number import Integer
from iptc_sim.values import RANDOM_STEPS, Negatable, Odds, Probability


class ProbabilityType(ValueType[Probability]):
    """A chance from 0 to 1, kept in steps of 1/2^31."""

    expected = "a number from 0 to 1"

    def read(self, words: tuple[str, ...], context: Reading) -> Probability:  # noqa: ARG002 - the interface
        """Return the chance."""
        return Probability.parse(words[0])


@extension
class Statistic(Match):
    """Random mode draws 31 bits and fits below the threshold; nth mode counts evaluations of this very match.

    Remembered under :func:`~iptc_sim.remembered.own_state.rule_key`: how often it was evaluated.
    """

    NAME = "statistic"
    REMEMBERS = True

    mode: str = option(Choice(("random", "nth")), "--mode", required=True)
    probability: Negatable[Probability] | None = option(ProbabilityType(), "--probability", negatable=True)
    every: Negatable[int] | None = option(Integer(1), "--every", negatable=True)
    packet: int | None = option(Integer(), "--packet")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse options of the other mode and incomplete ones."""
        if self.mode == "random":
            if self.probability is None:
                raise ValueError("--mode random needs --probability")
            if self.every is not None or self.packet is not None:
                raise ValueError("--every and --packet belong to --mode nth")
            return
        if self.every is None or self.packet is None:
            raise ValueError("--mode nth needs --every and --packet")
        if self.probability is not None:
            raise ValueError("--probability belongs to --mode random")
        if self.packet >= self.every.value:
            raise ValueError(f"--packet {self.packet} is not below --every {self.every.value}")

    def judge(self, at: Moment) -> Outcome:
        """Give the exact odds; thresholds 0 and 2^31 are no chance. In nth mode evaluation K fits for K mod N = P."""
        if self.probability is not None:
            return self._draw(self.probability)
        every = self.every or Negatable(1)
        count = self._count(at)
        if count is not None or every.value == 1:
            turn = (count or 0) % every.value
            if (turn == self.packet) != every.negated:
                return YES
            found = f"this is number {turn} of {every.value}" if every.value > 1 else "every packet counts"
            return No(self, "every", found)
        chance = Odds(1, every.value)
        chance = chance.complement if every.negated else chance
        return Unclear(self, f"the counter of {self.option_text('every')} is not known", chance)

    def constraint(self, asked: Asked) -> Constraint:
        """Return the draw; every nth packet hangs on those that came before."""
        if self.probability is not None:
            threshold, negated = self.probability.value.threshold, self.probability.negated
            if threshold in {0, RANDOM_STEPS}:
                return NEVER if bool(threshold) == negated else ALWAYS
            return Draw(threshold, negated)
        if self.every is not None and self.every.value == 1:
            return NEVER if self.every.negated else ALWAYS
        return Match.constraint(self, asked)

    def remember(self, at: Moment, fits: bool) -> Memory:
        """Count, in nth mode; where the counter was not known, a packet that fits tells it."""
        if self.every is None:
            return at.memory
        count = self._count(at)
        if count is None:
            if fits == self.every.negated:
                return at.memory
            count = self.packet or 0
        return at.memory.put(rule_key(self, at), (count + 1) % self.every.value)

    def _count(self, at: Moment) -> int | None:
        count: int | None = at.memory.get(rule_key(self, at), 0 if at.memory.fresh else None)
        return count

    def _draw(self, wanted: Negatable[Probability]) -> Outcome:
        chance = Odds(wanted.value.threshold, RANDOM_STEPS)
        if wanted.negated:
            chance = chance.complement
        if chance.numerator == 0:
            return No(self, "probability", "that never happens")
        if chance.numerator == chance.denominator:
            return YES
        return Unclear(self, f"{self.option_text('probability')}: the kernel draws", chance)
