"""``-j RATEEST``: estimate the rate of the packets that come by (xt_RATEEST.c)."""

from __future__ import annotations

import re
from math import log1p

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.records import dataclass
from iptc_sim.target import Continue, Same, UniformTarget
from iptc_sim.value_types.text import Text

_TIME = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)([a-z]*)", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "us": 1, "usec": 1, "usecs": 1, "ms": 1000, "msec": 1000, "msecs": 1000} | dict.fromkeys(
    ("s", "sec", "secs"), 1_000_000
)

_ALL = 0xFFFFFFFF
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
class RateestTarget(UniformTarget):
    """Times are stored as powers of two: the interval is rounded up, the averaging constant down."""

    NAME = "RATEEST"

    estimator: str = option(Text("a name", 15, quote=False), "--rateest-name", required=True)
    interval: Duration = option(_DURATION, "--rateest-interval", required=True)
    ewma: Duration = option(_DURATION, "--rateest-ewmalog", required=True)

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Round both times.

        The averaging constant becomes a power of two of the interval: the largest with which what was counted has
        weighs 1/e of itself after that time. It is taken with the interval as given, and kept with the rounded
        one, in 32 bits.
        """
        interval, ewma = fields["interval"], fields["ewma"]
        if not isinstance(interval, Duration) or not isinstance(ewma, Duration):
            return
        rounded = next((step for step in _STEPS if interval.microseconds <= step), None)
        if rounded is None:
            raise ValueError("--rateest-interval is above 8s")
        power = sum(interval.microseconds / -log1p(-(2.0**-bits)) <= ewma.microseconds for bits in range(1, 32))
        if power == 0:
            raise ValueError("--rateest-ewmalog is too short for --rateest-interval")
        if power >= 31:
            raise ValueError("--rateest-ewmalog is too many times --rateest-interval")
        fields["interval"], fields["ewma"] = Duration(rounded), Duration(rounded << power & _ALL)

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Count the packet and go on."""
        return Continue(f"counted by rate estimator {self.estimator}")
