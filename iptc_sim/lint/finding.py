"""What lint says: a diagnostic about a rule or chain, with the other rules that it follows from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from iptc_sim.diagnostics import Diagnostic, Severity, SourceFile, Span
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Rule
from iptc_sim.syntax.write import write_rule

#: How much each finding weighs unless the place says otherwise.
SEVERITIES: Final[dict[str, Severity]] = {
    "IPT100": Severity.WARNING,
    "IPT101": Severity.WARNING,
    "IPT102": Severity.WARNING,
    "IPT103": Severity.WARNING,
    "IPT104": Severity.NOTE,
    "IPT105": Severity.WARNING,
    "IPT106": Severity.NOTE,
    "IPT107": Severity.NOTE,
    "IPT108": Severity.NOTE,
    "IPT110": Severity.WARNING,
    "IPT111": Severity.WARNING,
    "IPT112": Severity.WARNING,
    "IPT113": Severity.WARNING,
    "IPT114": Severity.NOTE,
    "IPT115": Severity.WARNING,
    "IPT116": Severity.NOTE,
    "IPT117": Severity.WARNING,
    "IPT118": Severity.NOTE,
    "IPT119": Severity.NOTE,
}

#: So many rules are named in one sentence.
_NAMED: Final = 5

#: How much of the hash is kept: two findings of 100,000 are the same by chance once in 10^9 files.
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Spot:
    """A rule, or a chain as a whole.

    Args:
        table: its table.
        chain: its chain.
        number: of the rule, from 1; 0 for the chain.
        rule: the rule; None for the chain.
    """

    table: str
    chain: str
    number: int = 0
    rule: Rule | None = None

    @property
    def line(self) -> int:
        """Its line in the dump; 0 where it has none."""
        return self.rule.line if self.rule else 0

    @property
    def text(self) -> str:
        """The rule in canonical form, else the chain's name: what stays the same wherever it stands."""
        return write_rule(self.rule, self.chain) if self.rule else self.chain

    def __str__(self) -> str:
        if not self.number:
            return f"{self.table} {self.chain}"
        line = f" (line {self.line})" if self.line else ""
        return f"{self.table} {self.chain} rule {self.number}{line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is said.

    Args:
        diagnostic: code, severity, sentence, hint and place in the text.
        spot: the rule or chain that it is about; None where it is about files.
        because: the other rules that it follows from.
        fingerprint: the same for the same finding in another version of the dump; empty where it has none.
    """

    diagnostic: Diagnostic
    spot: Spot | None = None
    because: tuple[Spot, ...] = ()
    fingerprint: str = ""

    @property
    def code(self) -> str:
        """Its code."""
        return self.diagnostic.code


def about(
    code: str,
    spot: Spot,
    message: str,
    because: Iterable[Spot] = (),
    hint: str = "",
    *,
    span: Span | None = None,
    severity: Severity | None = None,
) -> Finding:
    """Return a finding about a rule or chain.

    Args:
        code: such as ``IPT100``.
        spot: the rule or chain.
        message: one sentence that names it.
        because: the rules that it follows from.
        hint: what to do.
        span: where it stands, if it is not the rule's line.
        severity: if it is not the code's.
    """
    place = span or (spot.rule.span if spot.rule else None)
    weight = severity or SEVERITIES[code]
    subject = "" if place else f"{spot.table} {spot.chain}" + (f" rule {spot.number}" if spot.number else "")
    return Finding(Diagnostic(code, message, weight, place, subject, hint=hint), spot, tuple(because))


def about_file(code: str, source: SourceFile | None, message: str, hint: str = "", *, line: int = 0) -> Finding:
    """Return a finding about a file, or one of its lines."""
    span = Span(source, line) if source and line else None
    name = source.name if source and not span else ""
    return Finding(Diagnostic(code, message, SEVERITIES[code], span, name, hint=hint))


def with_fingerprints(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Give each finding about a rule or chain its fingerprint: it hangs on what they say, not on where they stand."""
    seen: dict[str, int] = {}
    made = []
    for finding in findings:
        spot = finding.spot
        if spot is None:
            made.append(finding)
            continue
        base = f"{finding.code}\0{spot.table}\0{spot.chain}\0{spot.text}"
        seen[base] = nth = seen.get(base, 0) + 1
        digest = sha256(f"{base}\0{nth}".encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]
        made.append(replace(finding, fingerprint=digest))
    return tuple(made)


def listed(words: Sequence[str]) -> str:
    """Return ``a, b and c``; of many the first ones and how many more there are."""
    shown = list(words)
    if len(shown) > _NAMED:
        shown = [*shown[: _NAMED - 1], f"{len(shown) - _NAMED + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""


def rules_named(spots: Sequence[Spot], *, places: bool = False) -> str:
    """Return ``rule 3 (line 12)`` or ``rules 3 (line 12) and 5 (line 14)``; with ``places`` also table and chain."""
    if places:
        return listed([str(spot) for spot in spots])
    parts = [f"{spot.number} (line {spot.line})" if spot.line else str(spot.number) for spot in spots]
    return f"rule{'s' * (len(parts) != 1)} {listed(parts)}"
