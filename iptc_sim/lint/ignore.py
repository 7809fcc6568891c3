"""Findings that people have decided to live with: comments in the dump, and a file of fingerprints (IPT119)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from iptc_sim.diagnostics import CODES, SourceFile
from iptc_sim.lint.finding import SEVERITIES, Finding, Spot, about, about_file
from iptc_sim.records import dataclass
from iptc_sim.ruleset import Ruleset

_COMMENT: Final = re.compile(
    r"iptc:\s*ignore(?P<file>-file)?\b\s*(?P<codes>IPT\d{3}(?:\s*,\s*IPT\d{3})*)?\s*(?P<why>.*)"
)
_LINE: Final = re.compile(r"^[ \t]*#(?P<text>.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ignored:
    """An ignore comment.

    Args:
        code: what is ignored; empty where it names no code.
        why: the reason.
        file: whether it goes for the whole file.
        source: the file; None for a rule without a text.
        line: its own line.
        target: the line of the rule that it stands at; 0 for a whole file.
        spot: the rule whose comment it is; None for a line of its own.
    """

    code: str
    why: str
    file: bool
    source: SourceFile | None
    line: int
    target: int
    spot: Spot | None = None

    def fits(self, finding: Finding) -> bool:
        """Whether it goes for a finding."""
        if finding.code != self.code:
            return False
        span = finding.diagnostic.span
        if self.spot is not None and finding.spot is not None:
            mine, other = self.spot, finding.spot
            return (mine.table, mine.chain, mine.number) == (other.table, other.chain, other.number)
        if self.file:
            name = span.source.name if span else finding.diagnostic.subject
            return self.source is not None and (span is None or name == self.source.name)
        return (
            span is not None
            and self.source is not None
            and ((span.source.name, span.line) == (self.source.name, self.target))
        )


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
    kept = [finding for finding in findings if not any(one.fits(finding) for one in ignored)]
    if codes is not None and "IPT119" not in codes:
        return tuple(kept)
    return (*kept, *(found for one in ignored if (found := _fault(one, findings, codes)) is not None))


def _fault(one: Ignored, findings: Sequence[Finding], codes: Collection[str] | None) -> Finding | None:
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
    if looked_for and not any(one.fits(finding) for finding in findings):
        return told(f"the ignore comment hits nothing: there is no {one.code} here", "remove it")
    if not one.why:
        return told(f"the ignore comment for {one.code} gives no reason", "say behind the code why it is ignored")
    return None


def _in_files(sources: Iterable[SourceFile]) -> Iterator[Ignored]:
    for source in sources:
        if "iptc:" not in source.text:
            continue
        for found in _LINE.finditer(source.text):
            if "iptc:" in found["text"]:
                line = source.text.count("\n", 0, found.start()) + 1
                yield from _read(found["text"], source, line, _next_line(source, line))


def _next_line(source: SourceFile, line: int) -> int:
    """Return the first line behind a comment that is neither a comment nor empty."""
    last = source.text.count("\n") + 1
    for number in range(line + 1, last + 1):
        text = source.line(number).strip()
        if text and not text.startswith("#"):
            return number
    return last + 1


def _in_rules(ruleset: Ruleset) -> Iterator[Ignored]:
    for table, chain, number, rule in ruleset.rules():
        if rule.matches and "iptc:" in (comment := rule.comment):
            spot = Spot(table.name, chain.name, number, rule)
            yield from _read(comment, rule.source, rule.line, rule.line, spot)


def _read(text: str, source: SourceFile | None, line: int, target: int, spot: Spot | None = None) -> Iterator[Ignored]:
    found = _COMMENT.search(text)
    if found is None:
        return
    why, file = found["why"].strip(), bool(found["file"]) and spot is None
    for code in re.split(r"\s*,\s*", found["codes"] or ""):
        yield Ignored(code, why, file, source, line, 0 if file else target, spot)
