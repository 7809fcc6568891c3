"""Text <-> Ruleset."""

from __future__ import annotations

import re
from collections.abc import Sequence

from iptc_sim.diagnostics import SourceFile
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax.reader import Reader
from iptc_sim.syntax.write import write_listing, write_rule, write_save
from iptc_sim.values import Family

__all__ = ["guess_family", "parse", "write_listing", "write_rule", "write_save"]

_IPV6 = re.compile(
    r"(?:^|\s)(?:-s|-d|--to-destination|--to-source)\s+\[?[0-9A-Fa-f]*:[0-9A-Fa-f:]*:|ipv6-icmp|icmp6-|ip6tables-save"
)
_IPV4 = re.compile(r"(?:^|\s)(?:-s|-d|--to-destination|--to-source)\s+\d+\.\d+\.|icmp-port-|(?:^|\s)iptables-save")


def guess_family(text: str) -> Family:
    """Return the family that a dump is of: IPv6 where it shows IPv6 addresses or types first, else IPv4."""
    six, four = _IPV6.search(text), _IPV4.search(text)
    return Family.IPV6 if six and (not four or six.start() < four.start()) else Family.IPV4


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
    for item in sources:
        reader.read(item)
    return reader.ruleset()
