"""Findings that people have decided to live with: comments in the dump, and a file of fingerprints (IPT119)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from iptc_sim.diagnostics import CODES, SourceFile
from iptc_sim.lint.finding import SEVERITIES, Finding, Spot, about, about_file, with_fingerprints
from iptc_sim.records import dataclass
from iptc_sim.ruleset import Ruleset

_COMMENT: Final = re.compile(
    r"iptc:\s*ignore(?P<file>-file)?\b\s*(?P<codes>IPT\d{3}(?:\s*,\s*IPT\d{3})*)?\s*(?P<why>.*)"
)
_LINE: Final = re.compile(r"^[ \t]*#(?P<text>.*)$", re.MULTILINE)


#: A place that a finding and an ignore comment may have in common: the code, and a rule, a line of a file, or a file;
#: None stands for the file of findings that are about no line.
Place = tuple[str, str, str, int] | tuple[str, str, int] | tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Ignored:
    """An ignore comment.

    Args:
        code: what is ignored; empty where it names no code.
        why: the reason.
        places: where findings are ignored.
        source: the file; None for a rule without a text.
        line: its own line.
        spot: the rule whose comment it is; None for a line of its own.
    """

    code: str
    why: str
    places: frozenset[Place]
    source: SourceFile | None
    line: int
    spot: Spot | None = None


def without_ignored(
    findings: Sequence[Finding],
    ruleset: Ruleset,
    sources: Iterable[SourceFile] = (),
    codes: Collection[str] | None = None,
) -> tuple[Finding, ...]:
    """Leave out what comments say is to be ignored, and tell of comments that hit nothing or give no reason.

    Args:
        findings: what was found.
        ruleset: the rules, with their comments.
        sources: the files, with theirs.
        codes: what was looked for; None: everything. What was not looked for is not missed.
    """
    ignored = [*_in_files(sources), *_in_rules(ruleset)]
    quiet = {place for one in ignored for place in one.places}
    kept = [finding for finding in findings if quiet.isdisjoint(_places(finding))]
    if codes is not None and "IPT119" not in codes:
        return tuple(kept)
    hit = {place for finding in findings for place in _places(finding)}
    faults = [found for one in ignored if (found := _fault(one, hit, codes)) is not None]
    return (*kept, *with_fingerprints(faults))


def _places(finding: Finding) -> Iterator[Place]:
    """Yield where comments may stand, or what they may be for, that go for a finding."""
    code, spot, span = finding.code, finding.spot, finding.diagnostic.span
    if spot is not None:
        yield code, spot.table, spot.chain, spot.number
    if span is None:
        yield code, None
    else:
        yield code, span.source.name
        yield code, span.source.name, span.line


def _fault(one: Ignored, hit: set[Place], codes: Collection[str] | None) -> Finding | None:
    """Return what is wrong with a comment; ``hit``: the places of all findings."""

    def told(message: str, hint: str) -> Finding:
        if one.spot is not None:
            return about("IPT119", one.spot, message, hint=hint)
        return about_file("IPT119", one.source, message, hint, line=one.line)

    if not one.code:
        return told("the ignore comment names no code", "such as: # iptc: ignore IPT100 kept for the audit")
    if one.code not in SEVERITIES:
        what = "no finding of lint" if one.code in CODES else "no code"
        return told(f"the ignore comment names {one.code}, which is {what}", "check --explain lists the codes")
    looked_for = codes is None or one.code in codes
    if looked_for and hit.isdisjoint(one.places):
        return told(f"the ignore comment hits nothing: there is no {one.code} here", "remove it")
    if not one.why:
        return told(f"the ignore comment for {one.code} gives no reason", "say behind the code why it is ignored")
    return None


def _in_files(sources: Iterable[SourceFile]) -> Iterator[Ignored]:
    for source in sources:
        if "iptc:" not in source.text:
            continue
        target = 0
        for found in _LINE.finditer(source.text):
            if "iptc:" in found["text"]:
                line, _ = source.position(found.start())
                if target <= line:  # else only comments stand between the comment before and its rule
                    target = _next_line(source, line)
                for code, why, is_for_file in _read(found["text"]):
                    places: set[Place] = {(code, source.name), (code, None)} if is_for_file else set()
                    yield Ignored(code, why, frozenset(places or {(code, source.name, target)}), source, line)


def _next_line(source: SourceFile, line: int) -> int:
    """Return the first line behind a comment that is neither a comment nor empty."""
    last, _ = source.position(len(source.text))
    for number in range(line + 1, last + 1):
        text = source.line(number).strip()
        if text and not text.startswith("#"):
            return number
    return last + 1


def _in_rules(ruleset: Ruleset) -> Iterator[Ignored]:
    for table, chain, number, rule in ruleset.rules():
        if rule.matches and "iptc:" in (comment := rule.comment):
            spot = Spot(table.name, chain.name, number, rule)
            for code, why, _ in _read(comment):
                place = (code, spot.table, spot.chain, number)
                yield Ignored(code, why, frozenset({place}), rule.source, rule.line, spot)


def _read(text: str) -> Iterator[tuple[str, str, bool]]:
    """Yield the codes that a comment names, each with the reason, and whether it goes for the whole file."""
    found = _COMMENT.search(text)
    if found is not None:
        for code in re.split(r"\s*,\s*", found["codes"] or ""):
            yield code, found["why"].strip(), found["file"] is not None
