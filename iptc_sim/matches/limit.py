"""``-m limit``: fits until more packets came than a rate allows (xt_limit.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptc_sim.extension import Placement, extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.memory import Memory
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.remembered.own_state import SECOND, nanoseconds, rule_key
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.rate import Rate, RateText
from iptc_sim.values import Variant

if TYPE_CHECKING:
    from iptc_sim.remembered.bucket import Bucket

#: Ticks in a second (XT_LIMIT_SCALE).
SCALE = 10000
#: What the kernel counts in a second (HZ * CREDITS_PER_JIFFY for the usual clocks).
CREDITS = 32000
_ALL = 0xFFFFFFFF
#: The burst where none is given, and in nf_tables also for 0.
BURST = 5


class LimitRate(ValueType[Rate]):
    """``N`` or ``N/UNIT``, at most 10000 in a second."""

    expected = "a rate such as 3/sec, 10/min, 5/hour or 1/day"

    def read(self, words: tuple[str, ...], context: Reading) -> Rate:
        """Return the rate.

        Iptables makes ticks of it, and nf_tables rounds again: its expression, a count and a unit, is made of these.
        """
        ticks = Rate.of(RateText.parse(words[0], SCALE), SCALE)
        return ticks if context.variant is Variant.LEGACY else Rate.of(ticks.shown, SCALE)


class LimitBurst(Integer):
    """Packets before the rate counts."""

    def read(self, words: tuple[str, ...], context: Reading) -> int:
        """Return the number; the old interface passes 0 on to the kernel, which refuses it."""
        number = super().read(words, context)
        return number if number or context.variant is Variant.LEGACY else BURST


def _credits(ticks: int) -> int:
    """Return what ``ticks`` cost, in 32 bits (user2credits)."""
    if ticks > _ALL // CREDITS:
        return ticks // SCALE * CREDITS & _ALL
    return ticks * CREDITS // SCALE


@extension
class Limit(Match):
    """The rate is always printed, the burst only if it is not 5.

    Each rule has a bucket that is full when the rule is loaded: ``burst`` packets fit at once, and then one in each
    period. Remembered under ``rule_key``: the ``Bucket``.
    """

    NAME = "limit"
    REMEMBERS = True

    limit: Rate = option(LimitRate(), "--limit", default=Rate(SCALE * 3600 // 3, SCALE))
    burst: int = option(LimitBurst(0, 10000), "--limit-burst", default=BURST, hidden=BURST)

    def refusal(self, place: Placement) -> str:
        """The old interface has 32 bits for the time that a full burst takes."""
        if place.variant is Variant.LEGACY:
            period = self.limit.period
            if not self.burst or _credits(period * self.burst & _ALL) < _credits(period):
                return f"--limit {self.limit} with a burst of {self.burst} is more than the kernel can count"
        return Match.refusal(self, place)

    def judge(self, at: Moment) -> Outcome:
        """Ask whether the bucket has a packet left."""
        bucket = self._bucket(at)
        if bucket is None:
            return Unclear(self, f"{self.option_text('limit')}: how many packets came before is not known")
        if bucket.left >= self._cost:
            return YES
        if not bucket.exact:
            return Unclear(self, f"{self.option_text('limit')}: how long ago the last packet came is not known")
        wait = (self._cost - bucket.left) / SECOND
        return No(self, "limit", f"the bucket is empty, the next packet fits in {wait:.3f} s")

    def remember(self, at: Moment, fits: bool) -> Memory:
        """Take the packet out of the bucket."""
        bucket = self._bucket(at)
        if bucket is None:
            return at.memory
        return at.memory.put(rule_key(self, at), bucket.without(self._cost) if fits else bucket)

    @property
    def _cost(self) -> int:
        """Of a packet: nf_tables divides the printed unit by the printed count."""
        shown = self.limit.shown
        return shown.seconds * SECOND // shown.count

    def _bucket(self, at: Moment) -> Bucket | None:
        from iptc_sim.remembered.bucket import Bucket  # noqa: PLC0415 - what reads rules does not need it

        now, most = nanoseconds(at), self._cost * self.burst
        known: Bucket | None = at.memory.get(rule_key(self, at))
        if known is None:
            return Bucket(most, now) if at.memory.fresh else None
        return known.at(now, most)
