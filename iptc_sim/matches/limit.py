"""``-m limit``: fits until more packets came than a rate allows (xt_limit.c)."""

from __future__ import annotations

from iptc_sim.extension import Match, extension, option
from iptc_sim.options import Reading, ValueType
from iptc_sim.value_types.basic import Integer
from iptc_sim.value_types.rate import Rate, RateText

#: Ticks in a second (XT_LIMIT_SCALE).
SCALE = 10000
#: The kernel's own burst, which it also takes for 0.
BURST = 5


class LimitRate(ValueType[Rate]):
    """``N`` or ``N/UNIT``, at most 10000 in a second."""

    expected = "a rate such as 3/sec, 10/min, 5/hour or 1/day"

    def read(self, words: tuple[str, ...], context: Reading) -> Rate:  # noqa: ARG002 - the interface
        """Return the rate.

        It is rounded twice: iptables makes ticks of it, and an nft expression, which is a count and a unit, of these.
        """
        ticks = Rate.of(RateText.parse(words[0], SCALE), SCALE)
        return Rate.of(ticks.shown, SCALE)


class LimitBurst(Integer):
    """Packets before the rate counts."""

    def read(self, words: tuple[str, ...], context: Reading) -> int:
        """Return the number."""
        return super().read(words, context) or BURST


@extension
class Limit(Match):
    """The rate is always printed, the burst only if it is not 5."""

    NAME = "limit"

    limit: Rate = option(LimitRate(), "--limit", default=Rate(SCALE * 3600 // 3, SCALE))
    burst: int = option(LimitBurst(0, 10000), "--limit-burst", default=BURST, hidden=BURST)
