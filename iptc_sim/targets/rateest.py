"""``-j RATEEST``: estimate the rate of the packets that come by (xt_RATEEST.c)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from iptc_sim.extension import Action, Continue, Moment, Target, extension, option
from iptc_sim.options import Reading, ValueType
from iptc_sim.value_types.basic import Text

_TIME = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)([a-z]*)", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "us": 1, "usec": 1, "usecs": 1, "ms": 1000, "msec": 1000, "msecs": 1000} | dict.fromkeys(
    ("s", "sec", "secs"), 1_000_000
)

#: The estimator samples every quarter of a second, or at one of five doublings of that (gen_estimator.c).
_STEPS = tuple(250_000 << power for power in range(6))


@dataclass(frozen=True, slots=True)
class Duration:
    """A time in microseconds, printed with one digit behind the point."""

    microseconds: int

    def __str__(self) -> str:
        if self.microseconds >= 1_000_000:
            return f"{self.microseconds / 1_000_000:.1f}s"
        return f"{self.microseconds / 1000:.1f}ms" if self.microseconds >= 1000 else f"{self.microseconds}us"


class DurationType(ValueType[Duration]):
    """A number with s, ms or us; without a unit it is in microseconds."""

    expected = "a time such as 250ms or 2s"

    def read(self, words: tuple[str, ...], context: Reading) -> Duration:  # noqa: ARG002 - the interface
        """Return the time."""
        found = _TIME.fullmatch(words[0])
        unit = _UNITS.get(found[2].lower()) if found else None
        if found is None or unit is None:
            raise ValueError(f"{words[0]} is not a time")
        value = float(found[1]) * unit
        if not 1 <= value < 1 << 32:
            raise ValueError(f"{words[0]} is out of range")
        return Duration(int(value))


_DURATION = DurationType()


@extension
class RateestTarget(Target):
    """Times are stored as powers of two: the interval is rounded up, the averaging constant down."""

    NAME = "RATEEST"

    estimator: str = option(Text("a name", 15, quote=False), "--rateest-name", required=True)
    interval: Duration = option(_DURATION, "--rateest-interval", required=True)
    ewma: Duration = option(_DURATION, "--rateest-ewmalog", required=True)

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Round both times; what does not fit is left as it is, for :meth:`check` to find.

        The averaging constant is kept as the power of two that it is of the interval as given, not as rounded.
        """
        interval, ewma = fields["interval"], fields["ewma"]
        if not isinstance(interval, Duration) or not isinstance(ewma, Duration):
            return
        rounded = next((step for step in _STEPS if interval.microseconds <= step), None)
        power = (ewma.microseconds // interval.microseconds).bit_length() - 1
        if rounded is not None and 1 <= power <= 30:
            fields["interval"], fields["ewma"] = Duration(rounded), Duration(rounded << power)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse an interval above eight seconds, and an averaging constant below two intervals."""
        if self.interval.microseconds > _STEPS[-1]:
            raise ValueError("--rateest-interval is above 8s")
        if self.ewma.microseconds < 2 * self.interval.microseconds:
            raise ValueError("--rateest-ewmalog is less than twice --rateest-interval")
        if self.interval.microseconds not in _STEPS:
            raise ValueError("--rateest-ewmalog is too many times --rateest-interval")

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Count the packet and go on."""
        return Continue(f"counted by rate estimator {self.estimator}")
