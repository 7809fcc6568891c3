"""Canonical text: the corpora hold what both variants of real iptables 1.8.9 take and print."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from iptc_sim import Family, IptcError, Ruleset, SourceFile, parse, write_save
from iptc_sim.extension import Hook
from iptc_sim.syntax import write_listing
from iptc_sim.values import Variant

pytestmark = pytest.mark.corpora

#: Rows that say something else about iptables, or about the machine that they were made on, than about a dump.
EXCEPTIONS: Final = {
    "SECMARK --selctx": "that kernel had no security module",
    "nfacct-name wrong|CT .*--timeout|CT .*--helper rpc": "the objects that they name did not exist",
    "-set (foo|s_none) |nfacct-name none|cgroup .*--path": "the objects that they name did not exist",
    r"^legacy .*--comment \$x ": "the rows of legacy were made with a shell, which put nothing for $x",
    r"^legacy (v4 \S+ (-6|--ipv6)|v6 \S+ (-4|--ipv4)|v\d \S+ (-w|-t nat)) -j": "the command line is not iptables-restore",
    r"^\S+ v6 .*-s localhost": "that machine had no IPv6 address for localhost",
    r"^legacy .*DNAT --to-destination (10\.0\.0\.1)?:80(80)?$": "a rule of the row before was still there",
}

#: What is still missing, with what it needs.
NOT_YET: Final = {
    r"\[2001:db8::1\]-\[": "brackets in a range of addresses are refused",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of rules-v4.tsv or rules-v6.tsv, as one variant of iptables-restore sees it."""

    family: Family
    variant: Variant
    table: str
    chain: str
    args: str
    verdict: str
    canonical: str

    def __str__(self) -> str:
        return f"{self.variant} v{self.family} {self.table}/{self.chain} {self.args}"


def rows(corpora: Path, family: Family, variant: Variant) -> Iterator[Row]:
    """Yield the rows of a family; of legacy there is what the command line did, of nft what iptables-restore did."""
    for row in tsv(corpora / "iptables" / f"rules-v{family}.tsv"):
        if "env" in {row["verdict"], row["verdict_legacy"]}:
            continue
        args = row["args"].replace("tab\\tin", "tab\tin")  # the one tab in the table
        if variant is Variant.NFT:
            verdict = row["restore_verdict_nft"]
            canonical = row["restore_canonical_nft_if_different"] or row["canonical_nft"]
        else:
            args, verdict, canonical = restore_words(args), row["verdict_legacy"], row["canonical_legacy"]
        canonical = canonical.replace("tab\\tin", "tab\tin")
        yield Row(family, variant, row["table"], row["chain"], args, verdict, canonical)


def tsv(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def restore_words(args: str) -> str:
    """Return the words of a shell as iptables-restore reads them."""
    return " ".join(
        word if re.fullmatch(r"""[^\s"'\\]+""", word) else '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'
        for word in shlex.split(args)
    )


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("family", Family)
def test_rules_are_taken_and_written_as_iptables_does(corpora: Path, family: Family, variant: Variant) -> None:
    wrong = []
    for row in rows(corpora, family, variant):
        found = outcome(row)
        if found != (row.verdict, row.canonical if row.verdict == "ok" else ""):
            wrong.append((str(row), row.verdict, row.canonical, *found))
    known = {**EXCEPTIONS, **NOT_YET}
    assert [item for item in wrong if not any(re.search(pattern, item[0]) for pattern in known)] == []


def outcome(row: Row) -> tuple[str, str]:
    """Return what becomes of a row: ``ok`` with its lines, or ``fail``."""
    declared = "" if row.chain in Hook.__members__ else f":{row.chain} - [0:0]\n"
    text = f"*{row.table}\n{declared}-A {row.chain} {row.args}\nCOMMIT\n"
    try:
        ruleset = parse(text, family=row.family, strict=True, variant=row.variant)
    except IptcError:
        return "fail", ""
    lines = [line for line in write_save(ruleset, variant=row.variant).splitlines() if line.startswith("-A")]
    return "ok", " ␤ ".join(lines) or "(nothing)"


# --- whole dumps ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump of the corpus that real iptables loads, and what it prints then."""

    name: str
    text: str
    family: Family
    table: str | None
    printed: str

    @property
    def is_counted(self) -> bool:
        """Whether it was loaded with ``iptables-restore -c``: the dumps that show the counters of rules were."""
        return bool(re.search(r"^\[\d+:\d+\] ", self.text, re.MULTILINE))

    def __str__(self) -> str:
        return self.name


def dumps(corpora: Path, variant: Variant) -> Iterator[Dump]:
    folder = corpora / "iptables"
    for row in tsv(folder / "dumps" / "INDEX.tsv"):
        path = folder / "dumps-canonical" / variant / f"{row['file']}.canon"
        if row[f"loads_{variant}"] == "no":
            continue
        text = (folder / "dumps" / row["file"]).read_bytes().decode()
        table = row["tables"].strip("()") if row["file"].endswith(".S") else None
        yield Dump(row["file"], as_loaded(text), Family(int(row["family"])), table, path.read_bytes().decode())


def as_loaded(text: str) -> str:
    """Return a dump as it was handed to iptables-restore, with an address where it was blacked out."""
    return text.replace("XX:XX:XX:XX:XX:XX", "00:00:00:00:00:01")


def uncounted(text: str) -> str:
    """Return iptables-save text without counters: iptables-restore without -c forgets those of the dump."""
    return re.sub(r"^(:\S+ \S+) \[\d+:\d+\]$", r"\1 [0:0]", text, flags=re.MULTILINE)


#: What dumps have in them that is not yet read as iptables reads it.
DUMPS_NOT_YET: Final = {
    r"^\*\w+\nCOMMIT": "iptables-nft makes no table of one without chains",
}


def is_not_yet(dump: Dump) -> bool:
    return any(re.search(pattern, dump.text, re.MULTILINE) for pattern in DUMPS_NOT_YET)


@pytest.mark.parametrize("variant", Variant)
def test_dumps_are_written_as_iptables_save_prints_them(corpora: Path, variant: Variant) -> None:
    wrong = {}
    same = 0
    for dump in dumps(corpora, variant):
        try:
            ruleset = parse(SourceFile(dump.name, dump.text), family=dump.family, table=dump.table, variant=variant)
            written = write_save(ruleset, variant=variant)
        except IptcError as error:
            written = error.diagnostics[0].message
        if (written if dump.is_counted else uncounted(written)) == dump.printed:
            same += 1
        else:
            wrong[dump] = written[:300]
    unexplained = {dump.name: text for dump, text in wrong.items() if not is_not_yet(dump)}
    assert unexplained == {}
    assert same >= 670


@pytest.mark.parametrize("variant", Variant)
def test_what_iptables_save_prints_is_written_as_it_stands(corpora: Path, variant: Variant) -> None:
    compared = 0
    for dump in dumps(corpora, variant):
        ruleset = parse(SourceFile("canon", dump.printed), family=dump.family, variant=variant)
        tables = [*ruleset.tables][::-1] if variant is Variant.LEGACY else ruleset.tables  # loading turns them round
        again = Ruleset({name: ruleset.tables[name] for name in tables}, dump.family)
        assert write_save(again, variant=variant) == dump.printed, dump.name
        compared += 1
    assert compared >= 650


def test_listings_read_and_write(corpora: Path) -> None:
    compared = 0
    for path in sorted((corpora / "iptables" / "dumps").glob("*.S")):
        try:
            ruleset = parse(SourceFile(path.name, path.read_text(errors="replace")))
        except IptcError:
            continue
        for table in ruleset.tables.values():
            text = write_listing(table)
            assert write_listing(parse(text, table=table.name, family=ruleset.family).tables[table.name]) == text
        compared += 1
    assert compared >= 50
