"""Rates, as limit and hashlimit take them: packets per time, and bytes per second."""

from __future__ import annotations

import re
from typing import Final

from iptc_sim.records import dataclass
from iptc_sim.values import Negatable

_ALL: Final = 0xFFFFFFFF
_UNITS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_PRINTED: Final = (("day", 86400), ("hour", 3600), ("min", 60), ("sec", 1))
_NUMBER: Final = re.compile(r"\s*\+?(\d{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class RateText:
    """A rate as it was written, ``count`` packets in ``seconds``."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: str, scale: int) -> RateText:
        """Read ``N`` or ``N/UNIT``; the unit may be shortened; what follows the digits counts for nothing (atoi).

        Raises:
            ValueError: it is no rate, or too fast for a clock with ``scale`` ticks in a second.
        """
        number, slash, unit = text.partition("/")
        found = _NUMBER.match(number)
        count = int(found[1]) if found else 0
        if not count:
            raise ValueError(f"{text} is not a rate")
        seconds = next((size for name, size in _UNITS.items() if unit and name.startswith(unit.lower())), None)
        if slash and seconds is None:
            raise ValueError(f"{text} is not a rate: {unit or 'an empty word'} is none of {', '.join(_UNITS)}")
        made = cls(count, seconds or 1)
        if scale * made.seconds < count:
            raise ValueError(f"{text} is too fast; at most {scale}/sec can be counted")
        return made


@dataclass(frozen=True, slots=True)
class Rate:
    """Packets per time, as the kernel keeps it: the time from one packet to the next.

    Args:
        period: that time in ticks.
        scale: ticks in a second.
    """

    period: int
    scale: int

    @classmethod
    def of(cls, text: RateText, scale: int) -> Rate:
        """Return the rate, the period rounded down."""
        return cls(scale * text.seconds // text.count, scale)

    @property
    def shown(self) -> RateText:
        """The rate as it is printed: in the shortest unit before the rounding error becomes larger than the count."""
        return RateText(self._ticks // self.period, self._unit[1])

    @property
    def _ticks(self) -> int:
        return self._unit[1] * self.scale

    @property
    def _unit(self) -> tuple[str, int]:
        chosen = _PRINTED[0]
        for unit in _PRINTED[1:]:
            count, rest = divmod(unit[1] * self.scale, self.period)
            if not count or count < rest:
                break
            chosen = unit
        return chosen

    def __str__(self) -> str:
        return f"{self.shown.count}/{self._unit[0]}"


@dataclass(frozen=True, slots=True)
class ByteRate:
    """Bytes per second, as hashlimit keeps it: what 16 bytes cost when 2^32-1 may be spent in a second."""

    cost: int

    @classmethod
    def of(cls, size: int) -> ByteRate:
        """Return the rate of ``size`` bytes, which the cost rounds."""
        return cls(_ALL // ((size >> 4 & _ALL) + 1))

    @classmethod
    def parse(cls, text: str) -> ByteRate:
        """Read ``Nb/s``, ``Nkb/s`` or ``Nmb/s``.

        Raises:
            ValueError: it is none of these.
        """
        found = _NUMBER.match(text)
        count = int(found[1]) if found else 0
        before = text.partition("b/s")[0][-1:]
        size = count * {"k": 1 << 10, "m": 1 << 20}.get(before, 1)
        if not count:
            raise ValueError(f"{text} is not a rate")
        made = cls.of(size)  # 64 GiB a second are 0 again
        if not made.cost:
            raise ValueError(f"{text} is too fast")
        return made

    @property
    def size(self) -> int:
        """Bytes in a second."""
        return ((_ALL // self.cost) - 1) << 4

    def __str__(self) -> str:
        for name, unit in (("m", 1 << 20), ("k", 1 << 10)):
            # The comparison is done in 32 bits.
            if self.size >= unit and ByteRate.of(self.size & -unit & _ALL) == self:
                return f"{self.size // unit}{name}b/s"
        return f"{self.size}b/s"


@dataclass(frozen=True, slots=True)
class ByteBurst:
    """A burst in bytes: so many ``seconds`` of the rate; printed in the largest unit, rounded down."""

    rate: ByteRate
    seconds: int

    def __str__(self) -> str:
        size = self.rate.size * self.seconds
        for name, unit in (("m", 1 << 20), ("k", 1 << 10)):
            if size >= unit:
                return f"{size // unit}{name}b"
        return f"{size}b"


def turn_negated(fields: dict[str, object], one: str, other: str) -> None:
    """Give the opposite option its name: ``! --x-upto N`` is ``--x-above N``, in the kernel and in print."""
    if one in fields and other in fields:
        return  # the extension refuses both
    for here, there in ((one, other), (other, one)):
        given = fields.pop(here, None)
        if isinstance(given, Negatable):
            fields[there if given.negated else here] = given.value
            return
