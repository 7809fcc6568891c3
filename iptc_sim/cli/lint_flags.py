"""The options of ``iptc-sim check --lint``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from iptc_sim.cli.common import DumpFlags, examine_sources, read_input, usable, usage
from iptc_sim.records import dataclass

if TYPE_CHECKING:
    from iptc_sim.diagnostics import SourceFile
    from iptc_sim.lint import Finding
    from iptc_sim.ruleset import Ruleset
    from iptc_sim.syntax import Findings

_CODES: Final = "IPT100 to IPT119"


@dataclass(frozen=True)
class LintFlags:
    """What is looked for in rules that load."""

    lint: Annotated[
        bool,
        typer.Option("--lint", help="Also rules that never match, unused chains, uneven odds, NAT that cannot work."),
    ] = False
    select: Annotated[
        str | None, typer.Option("--select", metavar="CODES", help="Of --lint these only: IPT100,IPT105.")
    ] = None
    ignore: Annotated[str | None, typer.Option("--ignore", metavar="CODES", help="Of --lint all but these.")] = None
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="FILE", help="Tell only what is not in this file.")
    ] = None
    write_baseline: Annotated[
        Path | None, typer.Option("--write-baseline", metavar="FILE", help="Write what is found to a file for that.")
    ] = None
    since: Annotated[
        str | None, typer.Option("--since", metavar="OLD", help="An older dump of the node: tell how it has grown.")
    ] = None
    beside: Annotated[
        str | None,
        typer.Option("--beside", metavar="OTHER", help="What the other iptables (legacy or nft) of the node prints."),
    ] = None


def linted(found: Findings, sources: list[SourceFile], read: DumpFlags, flags: LintFlags) -> tuple[Finding, ...]:
    """Return what lint finds in rules that load; nothing without ``--lint``, and for rules that do not load.

    Raises:
        UsageError: IPT004, an option of lint is given without it, or a code is none.
        InputError: another file cannot be read.
    """
    others = (flags.select, flags.ignore, flags.baseline, flags.write_baseline, flags.since, flags.beside)
    if not flags.lint:
        if any(one is not None for one in others):
            raise usage("options of lint are given without it", "check", "check --lint ...")
        return ()
    from iptc_sim.lint import baseline_text, lint, without_ignored, without_known

    codes = _codes(flags)
    since, beside = (
        _other(name, option, found.ruleset, read)
        for option, name in (("--since", flags.since), ("--beside", flags.beside))
    )
    if found.errors:
        return ()
    told = lint(found.ruleset, beside=beside, since=since, codes=codes)
    told = without_ignored(told, found.ruleset, sources, codes)
    if flags.write_baseline is not None:
        _write(flags.write_baseline, baseline_text(told))
    return told if flags.baseline is None else without_known(told, read_input(flags.baseline), codes)


def _codes(flags: LintFlags) -> frozenset[str] | None:
    """Return what is looked for; None for everything."""
    if flags.select is None and flags.ignore is None:
        return None
    from iptc_sim.lint import SEVERITIES

    wanted = frozenset(SEVERITIES) if flags.select is None else _listed(flags.select, "--select")
    left = wanted - (frozenset() if flags.ignore is None else _listed(flags.ignore, "--ignore"))
    if not left:
        raise usage("no code is left to look for", "--select" if flags.ignore is None else "--ignore", _CODES)
    return left


def _listed(text: str, option: str) -> frozenset[str]:
    from iptc_sim.diagnostics import suggestion
    from iptc_sim.lint import SEVERITIES

    codes = frozenset(word.upper() for word in re.split(r"[,\s]+", text) if word)
    for code in sorted(codes):
        if code not in SEVERITIES:
            raise usage(f"{code} is no code of lint", option, _CODES, suggestion(code, SEVERITIES))
    return codes


def _other(name: str | None, option: str, rules: Ruleset, read: DumpFlags) -> Ruleset | None:
    """Return the rules of another dump of the same node and family."""
    if name is None:
        return None
    other = usable(examine_sources([read_input(name)], read))
    if other.family is not rules.family:
        message = f"{name} is of IPv{int(other.family)}, and the rules are of IPv{int(rules.family)}"
        raise usage(message, option, hint="--family says of which family a dump is")
    return other


def _write(path: Path, text: str) -> None:
    from iptc_sim.diagnostics import Diagnostic, InputError

    try:
        path.write_text(text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(Diagnostic("IPT001", f"cannot write it: {reason}", subject=str(path))) from error
