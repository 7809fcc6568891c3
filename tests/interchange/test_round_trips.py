"""What iptables takes is written and read again the same: the corpora and drawn rules as JSON, and bad/ as text too.

tests/syntax/test_canonical.py does the same with the text of all the rows and dumps, and tests/kernel with that of drawn
rules, as iptables alone knows which of them it prints as others.

A run takes a share of them, another one every day. ``IPTC_ROUND_TRIPS`` says otherwise: ``all``, or the number of a share
(that of a failure, to see it again).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import pytest

from iptc_sim import Family, IptcError, Ruleset, SourceFile, parse, ruleset_from_json, ruleset_to_json, write_save
from iptc_sim.values import Variant
from tests.drawn.rules import LOOSE, NEXT, draw_rules, extensions
from tests.syntax import test_bad_input as bad_input
from tests.syntax import test_canonical as canonical

pytestmark = pytest.mark.corpora

T = TypeVar("T")

WANTED: Final = os.environ.get("IPTC_ROUND_TRIPS", "")
#: How many shares there are, and which is taken.
SHARES: Final = 1 if WANTED == "all" else 12
SHARE: Final = int(WANTED) if WANTED.isdecimal() else datetime.now(UTC).toordinal()
#: Drawn rules with each extension; the share is their seed.
DRAWN: Final = 120 if WANTED == "all" else 4

_BREAK: Final = "a quote that stays open takes the line break in, which no text of one line can show"
#: Inputs of bad/ that are taken, and what they say is not printed so that it is read again.
NOT_AS_TEXT: Final = {
    "quote-unterminated.txt": _BREAK,
    "quote-unterminated-eol.txt": _BREAK,
    "quote-backslash-end.txt": _BREAK,
    "if-name-space.txt": "iptables prints the blank without quotes",
}
NOT_AS_JSON: Final = {name for name, reason in NOT_AS_TEXT.items() if reason == _BREAK}


@dataclass(frozen=True, slots=True)
class Given:
    """A text, and how it is to be read."""

    name: str
    text: str
    family: Family
    strict: bool = True
    table: str | None = None

    def read(self, variant: Variant) -> Ruleset | None:
        """Return the ruleset; None where it is refused."""
        source = SourceFile(self.name, self.text)
        try:
            return parse(source, family=self.family, strict=self.strict, table=self.table, variant=variant)
        except IptcError:
            return None


def shared(found: Iterable[T]) -> Iterator[T]:
    """Yield this run's share."""
    return islice(found, SHARE % SHARES, None, SHARES)


def rows(corpora: Path, variant: Variant) -> Iterator[Given]:
    for family in Family:
        for row in shared(canonical.rows(corpora, family, variant)):
            yield Given(str(row), row.text, family)


def dumps(corpora: Path, variant: Variant) -> Iterator[Given]:
    for dump in shared(canonical.dumps(corpora, variant)):
        yield Given(dump.name, dump.text, dump.family, strict=False, table=dump.table)


def bad(corpora: Path) -> Iterator[Given]:
    for row in bad_input.rows(corpora):
        text = (corpora / "iptables" / "bad" / row["file"]).read_bytes().decode(errors="surrogateescape")
        yield Given(row["file"], text, Family(int(row["family"])))


def drawn(_corpora: Path, _variant: Variant) -> Iterator[Given]:
    for family in Family:
        for extension in extensions(family):
            for rule in draw_rules(extension, family, DRAWN, seed=SHARE):
                text = f"*{rule.table}\n:{LOOSE} - [0:0]\n:{NEXT} - [0:0]\n{rule.line}\nCOMMIT\n"
                yield Given(rule.line, text, family)


def is_same_as_json(ruleset: Ruleset, variant: Variant) -> bool:
    """Whether what is written is read as the same ruleset, with its counters."""
    text = ruleset_to_json(ruleset)
    try:
        back = ruleset_from_json(text, variant=variant)
    except IptcError:
        return False
    counted = [write_save(each, counters=True, variant=variant) for each in (back, ruleset)]
    return back == ruleset and back.whole == ruleset.whole and ruleset_to_json(back) == text and len({*counted}) == 1


def is_same_as_text(given: Given, ruleset: Ruleset, variant: Variant) -> bool:
    """Whether what is written is read as what iptables would print."""
    again = Given(given.name, write_save(ruleset, counters=True, variant=variant), given.family).read(variant)
    return again == canonical.printed(ruleset, variant)


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("texts", [rows, dumps, drawn])
def test_as_json(corpora: Path, texts: Callable[[Path, Variant], Iterator[Given]], variant: Variant) -> None:
    count = 0
    for given in texts(corpora, variant):
        if (ruleset := given.read(variant)) is not None:
            assert is_same_as_json(ruleset, variant), f"{given.name} of share {SHARE}"
            count += 1
    assert count > 600 // SHARES


@pytest.mark.parametrize("variant", Variant)
def test_inputs_that_may_be_taken(corpora: Path, variant: Variant) -> None:
    taken = [(given, ruleset) for given in bad(corpora) if (ruleset := given.read(variant)) is not None]
    assert {given.name for given, ruleset in taken if not is_same_as_json(ruleset, variant)} == NOT_AS_JSON
    assert {
        given.name for given, ruleset in taken if not is_same_as_text(given, ruleset, variant)
    } == NOT_AS_TEXT.keys()
    assert len(taken) > 35
