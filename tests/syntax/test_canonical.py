"""Canonical text: the corpora hold what real iptables 1.8.9 prints."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from iptc_sim import Family, IptcError, SourceFile, parse, write_save
from iptc_sim.syntax import write_listing

pytestmark = pytest.mark.corpora

#: Accepted rows about the language beyond the extensions that are modelled so far, with what they need.
NOT_YET = {
    r"--(ju|sou|dest|src|app|prot|in-|out-)\b|--(jum|matc|goto|proto)\b": "abbreviations of iptables' own options",
    r"(^|\s)-[46v]\b|--ipv[46]": "-4, -6 and -v in a rule",
    r"localhost|example|hostname": "host names",
    r"icmp-type 255/0:255": "a range of ICMP codes",
    r"reject-with icmp- ": "an abbreviation that fits several reject types",
    r"! --[sd]port :|! --[sd]port 0:65535": "nft drops the whole match of a negated full range",
    r"--dport 80 -m tcp --sport": "nft merges two -m tcp",
    r"! -p tcp": "nft takes -m tcp after ! -p tcp",
    r"-s (::|0\.0\.0\.0/0)": "addresses of the other family",
    r"tab.tin": "the table of rows escapes its tab",
}


def rows(corpora: Path, family: int) -> list[dict[str, str]]:
    with (corpora / "iptables" / f"rules-v{family}.tsv").open() as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("family", [4, 6])
def test_rules_of_modelled_extensions_are_written_as_iptables_writes_them(corpora: Path, family: int) -> None:
    seen: Counter[str] = Counter()
    wrong = []
    for row in rows(corpora, family):
        if row["restore_verdict_nft"] != "ok" or row["canonical_nft"] == "(nothing)":
            continue
        found = canonical(row, Family(family))
        if found is None:
            seen["not modelled"] += 1
            continue
        seen["compared"] += 1
        wanted = row["restore_canonical_nft_if_different"] or row["canonical_nft"]
        if found != wanted:
            wrong.append((row["args"] + " ", wanted, found))
    unexplained = [item for item in wrong if not any(re.search(pattern, item[0]) for pattern in NOT_YET)]
    assert unexplained == []
    assert seen["compared"] >= 1000
    assert len(wrong) <= 100


def canonical(row: dict[str, str], family: Family) -> str | None:
    """Return the canonical lines of a row, the error if it is refused, None if it is about what is not modelled."""
    try:
        ruleset = parse(f"*{row['table']}\n-A {row['chain']} {row['args']}\nCOMMIT\n", family=family)
    except IptcError as error:
        return error.diagnostics[0].message
    if any(note.code == "IPT032" or "word for word" in note.message for note in ruleset.notes):
        return None
    return " ␤ ".join(line for line in write_save(ruleset).splitlines() if line.startswith("-A"))


def test_dumps_of_modelled_extensions_are_written_as_iptables_save_prints_them(corpora: Path) -> None:
    folder = corpora / "iptables"
    with (folder / "dumps" / "INDEX.tsv").open() as file:
        index = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    same = 0
    for row in index:
        path = folder / "dumps" / row["file"]
        canonical = folder / "dumps-canonical" / "nft" / f"{row['file']}.canon"
        if row["loads_nft"] == "no" or not canonical.exists():
            continue
        ruleset = parse(SourceFile("canon", canonical.read_text()), family=Family(int(row["family"])))
        assert write_save(ruleset) == canonical.read_text(), path.name  # a fixpoint, extensions not modelled included
        same += 1
    assert same >= 680


def test_listings_read_and_write(corpora: Path) -> None:
    count = 0
    for path in sorted((corpora / "iptables" / "dumps").glob("*.S")):
        try:
            ruleset = parse(SourceFile(path.name, path.read_text(errors="replace")))
        except IptcError:
            continue
        for table in ruleset.tables.values():
            text = write_listing(table)
            assert write_listing(parse(text, table=table.name, family=ruleset.family).tables[table.name]) == text
        count += 1
    assert count >= 50
