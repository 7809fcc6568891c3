"""``-m time``: the clock and the calendar when the packet arrives (xt_time.c)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from iptc_sim.constraint import Asked, Constraint, Free
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass
from iptc_sim.values import Negatable

DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CLOCK = re.compile(r"\+?(\d*):(\d*)(?::(\d*))?", re.ASCII)
_UNSAID, _LIMITS = (1970, 1, 1, 0, 0, 0), (2038, 12, 31, 23, 59, 59)
_DATE = re.compile(r"(\d+)(?:-(\d*)(?:-(\d*)(?:T(\d*)(?::(\d*)(?::(\d*))?)?)?)?)?", re.ASCII)


MIDNIGHT, LAST_SECOND = time(), time(23, 59, 59)
#: The dates that say nothing: 1.8.9 hides the first, and prints the last, which its parser sets where none is given.
FIRST_DATE, LAST_DATE = datetime(1970, 1, 1), datetime(2038, 1, 19, 3, 14, 7)  # noqa: DTZ001 - the zone is an option


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the month or of the week by number, with their names where they have some."""

    numbers: tuple[int, ...]
    names: tuple[str, ...] = ()

    def __contains__(self, day: object) -> bool:
        return day in self.numbers

    def __str__(self) -> str:
        return ",".join(self.names[day - 1] if self.names else str(day) for day in self.numbers)


class ClockType(ValueType[time]):
    """``hh:mm[:ss]``."""

    expected = "a time hh:mm or hh:mm:ss"

    def read(self, words: tuple[str, ...], context: Reading) -> time:  # noqa: ARG002 - the interface
        """Return the time."""
        found = _CLOCK.fullmatch(words[0])
        hour, minute, second = (int(part or 0) for part in found.groups()) if found else (24, 0, 0)
        if hour > 23 or minute > 59 or second > 59:
            raise ValueError(f"{words[0]} is not a time of day")
        return time(hour, minute, second)


class DateType(ValueType[datetime]):
    """``YYYY[-MM[-DD[Thh[:mm[:ss]]]]]``; the 31st of a shorter month is a day of the next one."""

    expected = "a date YYYY-MM-DD, with Thh:mm:ss behind it or not, from 1970 to 2038"

    def read(self, words: tuple[str, ...], context: Reading) -> datetime:  # noqa: ARG002 - the interface
        """Return the date."""
        found = _DATE.fullmatch(words[0])
        groups = found.groups() if found else ()
        parts = [
            int(text or 0) if text is not None else default for text, default in zip(groups, _UNSAID, strict=False)
        ]
        if not parts or parts[0] < 1970 or any(part > limit for part, limit in zip(parts, _LIMITS, strict=True)):
            raise ValueError(f"{words[0]} is not a date from 1970 to 2038")
        year, month, day, hour, minute, second = parts
        # Day and month 0 are those before the first, as mktime has it.
        begin = datetime(year - (month == 0), month or 12, 1, hour, minute, second)  # noqa: DTZ001 - the zone is an option
        return begin + timedelta(days=day - 1)

    def write(self, value: datetime) -> tuple[str, ...]:
        """Return the date with its time."""
        return (value.isoformat(),)


class DaysType(ValueType[Days]):
    """A comma list of days; with ``!`` the other days are kept instead, and all days say nothing."""

    def __init__(self, last: int, names: tuple[str, ...] = ()) -> None:
        self.last, self.names = last, names
        self.expected = f"a comma list of numbers from 1 to {last}" + (f" or {', '.join(names)}" if names else "")

    def read(self, words: tuple[str, ...], context: Reading) -> Days | None:
        """Return the days in order."""
        if context.negated and not words[0]:
            return None
        given = {self._day(item) for item in words[0].split(",") if item}
        found = tuple(day for day in range(1, self.last + 1) if (day in given) != context.negated)
        return None if len(found) == self.last and not context.negated else Days(found, self.names)

    def _day(self, text: str) -> int:
        for number, name in enumerate(self.names, 1):
            if text[:2] == name[:2]:  # two letters are compared, in this case
                return number
        # Two characters of a day of the month count, three of the week. Day 0 of a month is taken, and is no day.
        found = parse_integer(text[: 3 if self.names else 2])
        if found is None or (found > self.last and not self.names) or (self.names and not found):
            raise ValueError(f"{text} is not a day")
        return found & 31  # days of the week are bits of a number: larger ones come round again, or fall out


CLOCK, DATE = ClockType(), DateType()


@extension
class Time(Match):
    """Times are UTC unless ``--kerneltz``, for which ``--localtz`` is the old name."""

    NAME = "time"

    start: time | None = option(CLOCK, "--timestart")
    stop: time | None = option(CLOCK, "--timestop")
    monthdays: Negatable[Days] | None = option(DaysType(31), "--monthdays", negatable=True)
    weekdays: Negatable[Days] | None = option(DaysType(7, DAY_NAMES), "--weekdays", negatable=True)
    first_date: datetime = option(DATE, "--datestart", default=FIRST_DATE, hidden=FIRST_DATE)
    last_date: datetime = option(DATE, "--datestop", default=LAST_DATE, hidden=FIRST_DATE)
    kerneltz: bool = flag("--kerneltz")
    contiguous: bool = flag("--contiguous")
    utc: bool = flag("--utc")
    localtz: bool = flag("--localtz")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Bring the options to what is printed: both times or none, the days that fit, the zone if it is not UTC."""
        times = fields.pop("start", None) or MIDNIGHT, fields.pop("stop", None) or LAST_SECOND
        if times != (MIDNIGHT, LAST_SECOND):
            fields["start"], fields["stop"] = times
        for name in ("monthdays", "weekdays"):
            days = fields.get(name)
            if isinstance(days, Negatable):
                fields[name] = Negatable(days.value)
        if fields.get("localtz") or fields.get("kerneltz"):
            fields |= {"kerneltz": True, "localtz": False}
        else:
            fields["utc"] = False

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse two zones, and ``--contiguous`` where no day's end lies between the times."""
        if self.utc and self.kerneltz:
            raise ValueError("--utc and --kerneltz exclude each other")
        if self.contiguous and (self.start is None or self.stop is None or self.start < self.stop):
            raise ValueError("--contiguous needs a --timestop that is not after --timestart")

    def judge(self, at: Moment) -> Outcome:
        """Compare the clock and the calendar.

        The time zone of the kernel is not known: with ``--kerneltz`` it can be told only where all zones agree.
        """
        if at.now is None:
            return Unclear(self, "when the packet comes is not known")
        shifts = range(-12 * 4, 14 * 4 + 1) if self.kerneltz else (0,)
        now = datetime.fromtimestamp(int(at.now), UTC).replace(tzinfo=None)
        answers = [self._wrong(now + timedelta(minutes=15 * shift)) for shift in shifts]
        if not any(answers):
            return YES
        if not all(answers):
            return Unclear(self, "the time zone of the kernel is not known")
        return No(self, answers[0], f"it is {DAY_NAMES[now.weekday()]} {now.isoformat()}")

    def constraint(self, asked: Asked) -> Constraint:
        """Say which times are asked for."""
        return Free(self.question(asked))

    def _wrong(self, now: datetime) -> str:
        """Return the option that does not fit a local time; empty where all do."""
        if now < self.first_date:
            return "first_date"
        if now > self.last_date:
            return "last_date"
        start, stop, clock = self.start or MIDNIGHT, self.stop or LAST_SECOND, now.time()
        if start < stop and not start <= clock <= stop:
            return "start" if clock < start else "stop"
        if start >= stop and stop < clock < start:
            return "stop"
        if self.contiguous and clock <= stop:  # --contiguous: it began the day before
            now -= timedelta(days=1)
        if self.weekdays is not None and now.isoweekday() not in self.weekdays.value:
            return "weekdays"
        if self.monthdays is not None and now.day not in self.monthdays.value:
            return "monthdays"
        return ""
