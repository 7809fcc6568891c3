"""Text <-> Ruleset."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from os import PathLike

from iptc_sim.collector import collector_paused
from iptc_sim.diagnostics import InputError, SourceFile, read_source
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax.loader import Manner
from iptc_sim.syntax.paste import clean, needs_cleaning
from iptc_sim.syntax.reader import Findings, Reader
from iptc_sim.values import Family, Variant

__all__ = ["Findings", "examine", "guess_family", "parse", "read_rules"]

#: The first word of a dump that tells its family: an address, a reject or ICMP type, the name of the program.
_FAMILY = re.compile(
    r"(?:^|\s)(?:-s|-d|--to-destination|--to-source)\s+(?:(?P<four>\d+\.\d+\.)|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:]*:)"
    r"|(?P<types>icmp-port-|\siptables-save)|ipv6-icmp|icmp6-|ip6tables-save"
)


#: How far a text is searched for that (characters).
_LOOKED_AT = 4_000_000


def guess_family(*texts: str) -> Family:
    """Return the family that dumps are of: IPv6 where they show IPv6 addresses or types first, else IPv4."""
    found = next((found for text in texts if (found := _FAMILY.search(text, 0, _LOOKED_AT))), None)
    return Family.IPV6 if found and not (found["four"] or found["types"]) else Family.IPV4


def parse(
    source: SourceFile | str | Sequence[SourceFile],
    *,
    family: Family | None = None,
    table: str | None = None,
    strict: bool = False,
    variant: Variant = Variant.NFT,
    objects: Mapping[str, Collection[str]] | None = None,
) -> Ruleset:
    """Read one or more dumps into a ruleset.

    Args:
        source: the text of ``iptables-save [-c]`` or ``iptables -S [-v] [-t TABLE]``, or several of them.
        family: IPv4 or IPv6; None: it is seen from the text.
        table: the table of a listing that does not name it; None: it is guessed, and noted in ``Ruleset.notes``.
        strict: take what iptables-restore takes, and nothing else; otherwise also what people paste: logs, shell
            commands, excerpts, listings. What a load would not take is then told in ``Ruleset.notes``.
        variant: of the iptables that reads; the two differ in details of what they take and keep.
        objects: names that exist on the machine, by kind, such as ``{"ipset": {"blocked"}}``; a rule that names another
            is refused. Kinds that are not in it are not known, and rules may name any.

    Raises:
        InputError: with every error found, each with its line and column; the first is the one at which
            iptables-restore stops.
    """
    found = examine(source, family=family, table=table, strict=strict, variant=variant, objects=objects)
    if found.errors:
        raise InputError(*found.errors)
    return found.ruleset


def read_rules(
    *paths: str | PathLike[str], family: Family | None = None, table: str | None = None, strict: bool = False
) -> Ruleset:
    """Read dumps from files into one ruleset; see :func:`parse` for the rest.

    Raises:
        InputError: a file cannot be read, or is no dump.
    """
    sources = [read_source(str(path), path) for path in paths]
    return parse(sources, family=family, table=table, strict=strict)


def examine(
    source: SourceFile | str | Sequence[SourceFile],
    *,
    family: Family | None = None,
    table: str | None = None,
    strict: bool = False,
    variant: Variant = Variant.NFT,
    objects: Mapping[str, Collection[str]] | None = None,
) -> Findings:
    """Read like :func:`parse`, but return what was understood and all that is wrong; bad input raises nothing."""
    if isinstance(source, str):
        source = SourceFile("<text>", source)
    sources = [source] if isinstance(source, SourceFile) else list(source)
    pasted = [clean(item, family=family) if not strict and needs_cleaning(item.text) else None for item in sources]
    said = next((item.family for item in pasted if item is not None and item.family is not None), None)
    known = {kind: frozenset(names) for kind, names in (objects or {}).items()}
    guessed = family or said or guess_family(*(item.text for item in sources))
    reader = Reader(Manner(guessed, strict, variant, table or "", known))
    with collector_paused():
        for item, lines in zip(sources, pasted, strict=True):
            reader.read(item, lines)
        return reader.findings()
