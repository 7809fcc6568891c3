"""Text <-> Ruleset."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from iptc_sim.diagnostics import SourceFile
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax.reader import Reader
from iptc_sim.syntax.write import write_listing, write_rule, write_save
from iptc_sim.values import Family

__all__ = ["guess_family", "parse", "write_listing", "write_rule", "write_save"]

#: The first word of a dump that tells its family: an address, a reject or ICMP type, the name of the program.
_FAMILY = re.compile(
    r"(?:^|\s)(?:-s|-d|--to-destination|--to-source)\s+(?:(?P<four>\d+\.\d+\.)|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:]*:)"
    r"|(?P<types>icmp-port-|\siptables-save)|ipv6-icmp|icmp6-|ip6tables-save"
)


def guess_family(text: str) -> Family:
    """Return the family that a dump is of: IPv6 where it shows IPv6 addresses or types first, else IPv4."""
    found = _FAMILY.search(text)
    return Family.IPV6 if found and not (found["four"] or found["types"]) else Family.IPV4


def parse(
    source: SourceFile | str | Sequence[SourceFile], *, family: Family | None = None, table: str | None = None
) -> Ruleset:
    """Read one or more dumps into a ruleset.

    Args:
        source: the text of ``iptables-save [-c]`` or ``iptables -S [-v] [-t TABLE]``, or several of them.
        family: IPv4 or IPv6; None: it is seen from the text.
        table: the table of a listing that does not name it; None: it is guessed, and noted in ``Ruleset.notes``.

    Raises:
        InputError: with every error found, each with its line and column.
    """
    if isinstance(source, str):
        source = SourceFile("<text>", source)
    sources = [source] if isinstance(source, SourceFile) else list(source)
    reader = Reader(family or guess_family("\n".join(item.text for item in sources)), table)
    with _collector_paused():
        for item in sources:
            reader.read(item)
        return reader.ruleset()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Rules hold no cycles; collecting again and again while millions of objects are made costs half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
