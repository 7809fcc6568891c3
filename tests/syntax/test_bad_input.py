"""Inputs that iptables-restore refuses, and some that it takes: the same verdict and the same line, for both variants."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from iptc_sim import Family, SourceFile, examine
from iptc_sim.values import Variant

pytestmark = pytest.mark.corpora

#: Where we name another line, or decide otherwise, with the reason.
EXCEPTIONS: dict[str, str] = {}

#: What existed on the machine where the corpus was made.
OBJECTS = dict.fromkeys(("ipset", "ct helper"), frozenset[str]())


def rows(corpora: Path) -> list[dict[str, str]]:
    with (corpora / "iptables" / "bad" / "INDEX.tsv").open() as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("variant", list(Variant))
def test_every_input_is_refused_at_the_same_line_or_taken(corpora: Path, variant: Variant) -> None:
    wrong = []
    for row in rows(corpora):
        if row["file"] in EXCEPTIONS:
            continue
        data = (corpora / "iptables" / "bad" / row["file"]).read_bytes()
        source = SourceFile(row["file"], data.decode(errors="surrogateescape"))
        found = examine(source, family=Family(int(row["family"])), strict=True, variant=variant, objects=OBJECTS)
        wanted = (row[f"verdict_{variant}"], row[f"line_{variant}"])
        first = found.errors[0] if found.errors else None
        line = "" if first is None or first.span is None else str(first.reported_line or first.span.line)
        ours = ("rejected" if first else "accepted", line)
        if ours != wanted:
            wrong.append((row["file"], wanted, ours, first.message if first else row[f"message_{variant}"][:80]))
    assert wrong == []
