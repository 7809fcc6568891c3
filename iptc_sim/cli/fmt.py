"""``iptc-sim fmt``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import (
    NO,
    DumpFlags,
    Rules,
    examine_sources,
    is_json,
    one_of,
    read_input,
    usable,
    write,
    write_exactly,
)
from iptc_sim.cli.grouped import grouped
from iptc_sim.records import dataclass, replace

if TYPE_CHECKING:
    from iptc_sim.diagnostics import SourceFile
    from iptc_sim.ruleset import Ruleset, Table
    from iptc_sim.values import Variant

EPILOG = """Examples:

\b
  iptc-sim fmt rules.v4 > rules.canonical
  iptc-sim fmt --check --diff rules.v4
  iptc-sim fmt node.json --counters

Comments and the counters of rules are dropped, as iptables-save does; --counters keeps the counters.
With --check or --diff each file is looked at alone, and comments are not compared.
Exit status: 0 written, or canonical already; 1 not canonical (--check); 2 wrong input."""


@dataclass(frozen=True)
class FormFlags:
    """How rules are written."""

    counters: Annotated[bool, typer.Option("--counters", help="With the counters of rules, as iptables-save -c.")] = (
        False
    )
    output: Annotated[
        str | None,
        typer.Option("--format", help="save or listing (default: as the input; JSON becomes save text)."),
    ] = None


@grouped
def fmt(
    rules: Rules,
    read: DumpFlags,
    form: FormFlags,
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is canonical already.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what would change, as a unified diff.")] = False,
) -> None:
    """Write rules as iptables-save prints them.

    Its order, its spelling, its quotes; iptables -S listings stay listings.
    """
    if form.output is not None:
        one_of(form.output, ("save", "listing"), "--format")
    sources = [read_input(name) for name in rules]
    if not (check or diff):
        write_exactly(_canonical(sources, read, form))
        return
    changed = [_compare(source, _canonical([source], read, form), check=check, diff=diff) for source in sources]
    if check and any(changed):
        raise typer.Exit(NO)


def _canonical(sources: list[SourceFile], read: DumpFlags, form: FormFlags) -> str:
    from iptc_sim.syntax.write import write_save
    from iptc_sim.values import Variant

    ruleset = usable(examine_sources(sources, read))
    variant = ruleset.variant
    if form.output == "listing" or (form.output is None and _is_listing(sources, ruleset)):
        return "".join(_listing(table, variant, counters=form.counters) for table in ruleset.tables.values())
    if variant is Variant.LEGACY:  # it prints the table used last first, so any order can be its own: keep this one
        ruleset = replace(ruleset, tables=dict(list(ruleset.tables.items())[::-1]))
    return write_save(ruleset, counters=form.counters, variant=variant)


def _is_listing(sources: list[SourceFile], ruleset: Ruleset) -> bool:
    named = any(re.search(r"^\*", source.text, re.MULTILINE) for source in sources)
    return not ruleset.whole and not named and len(ruleset.tables) == 1


def _listing(table: Table, variant: Variant, *, counters: bool) -> str:
    """Return a table as a listing of what the dump shows: an excerpt gets no chains that were not in it."""
    from iptc_sim.syntax.write import write_listing

    declared = {chain.name for chain in table.chains.values() if chain.declared}
    lines = write_listing(table, counters=counters, variant=variant).removesuffix("\n").split("\n")
    return "".join(f"{line}\n" for line in lines if line.startswith("-A ") or line.split()[1] in declared)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are compared, each with its number."""
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        if not line.startswith("#"):
            yield number, line


def _compare(source: SourceFile, canonical: str, *, check: bool, diff: bool) -> bool:
    """Say how a text differs from its canonical form; whether it does."""
    from itertools import zip_longest

    from iptc_sim.diagnostics import printable

    before, after = list(_lines(source.text)), [line for _, line in _lines(canonical)]
    given = [line for _, line in before]
    if given == after:
        return False
    if diff:
        from difflib import unified_diff

        for line in unified_diff(given, after, source.name, f"{source.name} (canonical)", lineterm=""):
            write(printable(line))
    if check:
        end = (source.text.count("\n") + 1, None)
        place = next(number for (number, line), other in zip_longest(before, after, fillvalue=end) if line != other)
        what = "JSON" if is_json(source) else f"not canonical from line {place} on"
        write(f"{printable(source.name)}: {what}")
    return True


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("fmt", epilog=EPILOG)(fmt)
