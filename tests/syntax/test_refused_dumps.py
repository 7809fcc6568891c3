"""Dumps as found that real iptables refuses: the same line, or a warning there from the tolerant reader."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from iptc_sim import Family, SourceFile, examine

pytestmark = pytest.mark.corpora

_LINE = re.compile(r"(?:Error occurred at line: |line )(\d+)")


def test_a_strict_reading_stops_at_the_line_where_iptables_does(corpora: Path) -> None:
    """A listing is refused at its first line; iptables-restore takes none."""
    folder = corpora / "iptables" / "dumps"
    with (folder / "INDEX.tsv").open() as file:
        index = [
            row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["loads_nft"] == "no"
        ]
    wrong = []
    for row in index:
        # What CRLF damage hides is looked at without it, as the corpus did.
        text = (folder / row["file"]).read_bytes().decode(errors="surrogateescape")
        if "CRLF" in row["notes"]:
            text = text.replace("\r\n", "\n")
        error = row["test_error_nft"] if row["form"] == "-S" else row["load_error_nft"]
        found = _LINE.search(error)
        assert found is not None, row
        source = SourceFile(row["file"], text)
        family = Family(int(row["family"]))
        errors = examine(source, family=family, strict=True).errors
        place = errors[0].reported_line or (errors[0].span.line if errors[0].span else 0) if errors else 0
        if place != int(found[1]):
            wrong.append((row["file"], error[:100], errors[0].render() if errors else "accepted"))
    assert len(index) > 100
    assert wrong == []
