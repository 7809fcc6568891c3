"""The options that tell when a packet is sent, and what was sent before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import read_input, usage

if TYPE_CHECKING:
    from iptc_sim.connection import Earlier


@dataclass(frozen=True)
class PastFlags:
    """Time and history."""

    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="When it is sent: 2026-11-22T21:59:00Z (default UTC).")
    ] = None
    history: Annotated[
        str | None,
        typer.Option(
            "--history",
            metavar="FILE|fresh",
            help="Packets sent since the rules were loaded, [@TIME] FLOW [=> WHERE IT WENT] a line; fresh: none.",
        ),
    ] = None


@dataclass(frozen=True)
class Past:
    """What the options say.

    Args:
        now: seconds since 1970, UTC; None: not told.
        packets: sent before; None: it is not known which.
    """

    now: float | None
    packets: tuple[Earlier, ...] | None


def read_past(flags: PastFlags) -> Past:
    """Read the options.

    Raises:
        UsageError: IPT004, the time is none.
        InputError: the file cannot be read.
    """
    now = None
    if flags.at is not None:
        from iptc_sim.flows.history import parse_time

        try:
            now = parse_time(flags.at)
        except ValueError as error:
            expected = "a time such as 2026-11-22T21:59:00Z, or seconds since 1970"
            raise usage(str(error), "--at", expected) from None
    if flags.history is None:
        return Past(now, None)
    if flags.history == "fresh":
        return Past(now, ())
    from iptc_sim.flows.history import parse_history

    return Past(now, parse_history(read_input(flags.history), now))
