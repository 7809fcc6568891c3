"""What lint says about a few rules."""

from __future__ import annotations

from collections.abc import Collection

from iptc_sim.diagnostics import SourceFile
from iptc_sim.lint import Finding, lint, without_ignored
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax import parse
from iptc_sim.values import Family

HEADS = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "raw": ("PREROUTING", "OUTPUT"),
}


def table(*rules: str, name: str = "filter", chains: Collection[str] = (), **policies: str) -> str:
    """A whole table: built-in chains are declared, and so are those that are told."""
    heads = [f":{chain} {policies.get(chain, 'ACCEPT')} [0:0]" for chain in HEADS[name]]
    return "\n".join([f"*{name}", *heads, *(f":{chain} - [0:0]" for chain in chains), *rules, "COMMIT", ""])


def read(text: str, family: Family | None = None) -> Ruleset:
    return parse(SourceFile("x.save", text), family=family)


def findings(text: str, *codes: str, family: Family | None = None) -> list[Finding]:
    """The findings, of some codes if such are told."""
    return list(lint(read(text, family), codes=set(codes) or None))


def told(text: str, *codes: str) -> list[str]:
    """The findings as ``IPT100 INPUT 3 because 1,2``."""
    rows = []
    for one in findings(text, *codes):
        place = f" {one.spot.chain} {one.spot.number}" if one.spot else ""
        because = ",".join(str(spot.number) for spot in one.because)
        rows.append(f"{one.code}{place}" + (f" because {because}" if because else ""))
    return rows


def after_ignoring(text: str, *codes: str) -> list[Finding]:
    source = SourceFile("x.save", text)
    ruleset = parse(source)
    return list(without_ignored(lint(ruleset, codes=set(codes) or None), ruleset, [source], set(codes) or None))
