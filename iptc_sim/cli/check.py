"""``iptc-sim check``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from iptc_sim.cli.common import (
    NO,
    DumpFlags,
    examine_sources,
    one_of,
    read_input,
    usage,
    write,
)
from iptc_sim.cli.grouped import grouped
from iptc_sim.cli.lint_flags import LintFlags
from iptc_sim.records import dataclass

if TYPE_CHECKING:
    from iptc_sim.diagnostics import SourceFile
    from iptc_sim.lint import Finding
    from iptc_sim.render import Labels

EPILOG = """Examples:

\b
  iptc-sim check rules.v4
  iptc-sim check --strict --variant legacy --ipset ipset.save rules.v4
  iptc-sim check --format json node.save
  iptc-sim check --lint --ignore IPT106,IPT107 node.save
  iptc-sim check --lint --baseline known.json --since yesterday.save node.save
  iptc-sim check --explain IPT012

Exit status: 0 nothing found, or notes only; 1 errors or warnings; 2 a file cannot be read, or wrong usage."""

_WIDTH: Final = 96
_LAST: Final = 1 << 62


@dataclass(frozen=True)
class StrictFlags:
    """How much is asked of a dump."""

    strict: Annotated[
        bool, typer.Option("--strict", help="Everything that iptables-restore and the kernel would refuse is an error.")
    ] = False
    ipset: Annotated[
        str | None,
        typer.Option("--ipset", metavar="FILE", help="Output of ipset save: rules may name no other sets."),
    ] = None


@grouped
def check(
    read: DumpFlags,
    flags: StrictFlags,
    more: LintFlags,
    rules: Annotated[
        list[str] | None,
        typer.Argument(metavar="RULES", help="Files as for the other commands; with --explain codes, none for all."),
    ] = None,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    explain: Annotated[bool, typer.Option("--explain", help="Tell what codes mean, such as IPT012.")] = False,
) -> None:
    """Tell everything that is wrong with rules, or odd."""
    one_of(output, ("text", "json"), "--format")
    if explain:
        write(_explained(rules or []))
        return
    if not rules:
        raise usage("no file is given", "check", "RULES, or --explain")
    sources = [read_input(name) for name in rules]
    found, labels = _findings(sources, read, flags, more)
    found = _sorted(found, sources)
    if output == "json":
        from iptc_sim.render.lint_json import findings_json

        write(findings_json(found, labels))
    else:
        from iptc_sim.render.lint_text import findings_text

        write(findings_text(found, labels, len(sources)))
    if any(item.diagnostic.severity != "note" for item in found):
        raise typer.Exit(NO)


def _findings(
    sources: list[SourceFile], read: DumpFlags, flags: StrictFlags, more: LintFlags
) -> tuple[list[Finding], Labels]:
    """Return everything that is found in the files, and names for the chains in them."""
    from iptc_sim.cli.lint_flags import linted
    from iptc_sim.kube.names_of import names_of
    from iptc_sim.lint.finding import Finding

    objects = None if flags.ipset is None else {"ipset": _sets(read_input(flags.ipset))}
    found = examine_sources(sources, read, strict=flags.strict, objects=objects)
    told = [Finding(item) for item in found.errors + found.ruleset.notes]
    told += linted(found, sources, read, more)
    return told, names_of(found.ruleset)


def _sets(source: SourceFile) -> frozenset[str]:
    """Return the names in the output of ``ipset save``."""
    return frozenset(re.findall(r"^create[ \t]+(\S+)", source.text, re.MULTILINE))


def _sorted(found: Sequence[Finding], sources: Sequence[SourceFile]) -> list[Finding]:
    """Return findings by file and line; those about a whole file come first."""
    files = {source.name: number for number, source in enumerate(sources)}

    def place(found: Finding) -> tuple[int, int, int]:
        item = found.diagnostic
        if item.span is None:
            return files.get(item.subject.partition(":")[0], _LAST), 0, 0
        return files.get(item.span.source.name, _LAST), item.span.line, item.span.column

    return sorted(found, key=place)


def _explained(codes: Sequence[str]) -> str:
    """Return what codes mean; without codes the list of all."""
    from textwrap import fill

    from iptc_sim.diagnostics import CODES, suggestion
    from iptc_sim.explanations import EXPLANATIONS

    if not codes:
        return "\n".join(f"{code}  {sentence}" for code, sentence in CODES.items())
    blocks = []
    for code in codes:
        if code.upper() not in CODES:
            expected = "a code such as IPT012; --explain alone lists them"
            raise usage(f"{code} is not a code", "--explain", expected, suggestion(code.upper(), CODES))
        known = EXPLANATIONS[code.upper()]
        lines = [f"{code.upper()}: {CODES[code.upper()]}", ""]
        lines += [
            fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  ") for text in (known.cause, known.advice)
        ]
        if known.example:
            lines += ["", "  for example:", *(f"    {line}" for line in known.example.rstrip("\n").split("\n"))]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("check", epilog=EPILOG)(check)
