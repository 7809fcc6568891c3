"""The packets that were sent before: a flow a line, with its time in front where that matters."""

from __future__ import annotations

from datetime import UTC, datetime

from iptc_sim.connection import Earlier
from iptc_sim.diagnostics import Diagnostic, InputError, SourceFile, Span
from iptc_sim.flows.text import parse_flow

_EXPECTED = "2026-11-22T21:59:00Z (UTC where no offset stands), seconds since 1970, or -30 for 30 seconds before --at"
_WHERE = "where the packet went, such as 172.17.0.5:80, or a chain that it passed"


def parse_time(text: str, now: float | None = None) -> float:
    """Return seconds since 1970, UTC.

    Args:
        text: ISO 8601, seconds since 1970, or ``-N``: so many seconds before ``now``.
        now: the time of the packet that is asked about.

    Raises:
        ValueError: it is none of them, or there is no ``now`` to count from.
    """
    try:
        number = float(text) if len(text) < 24 else None
    except ValueError:
        number = None
    if number is not None and not abs(number) < 1e12:
        raise ValueError(f"{text} is no time")
    if number is not None and text.startswith("-"):
        if now is None:
            raise ValueError(f"{text} counts from --at, which is not given")
        return now + number
    if number is not None:
        return number
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no time") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def parse_history(source: SourceFile, now: float | None = None) -> tuple[Earlier, ...]:
    """Read a file of earlier packets: ``[@TIME] FLOW [=> WHERE]`` a line.

    ``WHERE`` tells where a packet went that could go to several: the destination that it got, a chain that it passed,
    or the number of the branch. Empty lines and those that begin with ``#`` are skipped.

    Args:
        source: the file.
        now: the time of the packet that is asked about; a line without a time is sent at that of the line
            before it, the first one then.

    Raises:
        InputError: IPT040, with line and column.
    """
    found: list[Earlier] = []
    last = now
    for number, line in enumerate(source.text.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("@"):
            word = text.split(maxsplit=1)[0]
            try:
                last = parse_time(word[1:], now)
            except ValueError as error:
                span = Span(source, number, line.index(word) + 1, len(word))
                raise InputError(Diagnostic("IPT040", str(error), span=span, expected=_EXPECTED)) from None
            line = line.replace(word, " " * len(word), 1)  # noqa: PLW2901 - the columns stay
        flow, arrow, pick = line.partition("=>")
        if arrow and not pick.strip():
            span = Span(source, number, len(flow) + 1, len(arrow))
            raise InputError(Diagnostic("IPT040", "nothing follows =>", span=span, expected=_WHERE))
        found.append(Earlier(parse_flow(flow, line=number, source=source), last, pick.strip() or None))
    return tuple(found)
