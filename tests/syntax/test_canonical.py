"""Canonical text: the corpora hold what both variants of real iptables 1.8.9 take and print."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from iptc_sim import Family, IptcError, Ruleset, SourceFile, parse, write_rule, write_save
from iptc_sim.moment import Hook
from iptc_sim.ruleset import Rule, Table
from iptc_sim.syntax.nft_form import nft_matches
from iptc_sim.syntax.write import chain_order, table_order, write_listing
from iptc_sim.values import Variant

pytestmark = pytest.mark.corpora

#: What there was on the machine that the corpora were made on, of all that rules can name.
OBJECTS: Final[dict[str, frozenset[str]]] = {
    "ipset": frozenset({"s_ip", "s_ipport", "s_skb"}),
    "rate estimator": frozenset({"RE1", "RE2"}),
    "nfacct": frozenset(),
    "ct timeout": frozenset(),
    "ct helper": frozenset(),
    "control group": frozenset(),
    "security context": frozenset(),
}
_NOT_RESTORE: Final = "the command line is not iptables-restore: it refuses the other family, and takes -w and -t"
_SHELL: Final = "the rows of legacy were made with a shell, which put nothing for $x"
_LOCALHOST: Final = "that machine had no IPv6 address for localhost"
_ROW_BEFORE: Final = "a rule of the row before was still there"


def _in_filter(variant: Variant, family: Family, args: str, reason: str, *, without: str = "") -> dict[str, str]:
    hooks = (hook for hook in ("INPUT", "FORWARD", "OUTPUT") if hook != without)
    return {f"{variant} v{family} filter/{hook} {args}": reason for hook in hooks}


#: Rows that say something else about iptables, or about the machine that they were made on, than about a dump.
EXCEPTIONS: Final[dict[str, str]] = {
    **_in_filter(Variant.LEGACY, Family.IPV4, "-6 -j ACCEPT", _NOT_RESTORE),
    **_in_filter(Variant.LEGACY, Family.IPV4, "--ipv6 -j ACCEPT", _NOT_RESTORE),
    **_in_filter(Variant.LEGACY, Family.IPV6, "-4 -j ACCEPT", _NOT_RESTORE),
    **_in_filter(Variant.LEGACY, Family.IPV6, "--ipv4 -j ACCEPT", _NOT_RESTORE),
    **_in_filter(Variant.NFT, Family.IPV6, "-s localhost -j ACCEPT", _LOCALHOST),
    **_in_filter(Variant.LEGACY, Family.IPV6, "-s localhost -j ACCEPT", _LOCALHOST),
    "legacy v4 nat/OUTPUT -p tcp -j DNAT --to-destination 10.0.0.1:80": _ROW_BEFORE,
    "legacy v6 nat/OUTPUT -p tcp -j DNAT --to-destination :8080": _ROW_BEFORE,
    **_in_filter(Variant.LEGACY, Family.IPV4, "-m comment --comment $x -j ACCEPT", _SHELL),
    **_in_filter(Variant.LEGACY, Family.IPV4, "-w -j ACCEPT", _NOT_RESTORE),
    **_in_filter(Variant.LEGACY, Family.IPV4, "-t nat -j ACCEPT", _NOT_RESTORE, without="FORWARD"),
    **_in_filter(Variant.LEGACY, Family.IPV6, "-m comment --comment $x -j ACCEPT", _SHELL),
    **_in_filter(Variant.LEGACY, Family.IPV6, "-w -j ACCEPT", _NOT_RESTORE),
    **_in_filter(Variant.LEGACY, Family.IPV6, "-t nat -j ACCEPT", _NOT_RESTORE, without="FORWARD"),
}

_BLANK: Final = "iptables prints the blank without quotes"
_EVERY: Final = "iptables prints nothing of a range that has every value in it, negated or not"

#: Rules of which iptables prints less than they say, or what no reader can read, by variant.
LOSSY: Final[dict[Variant, dict[str, str]]] = {
    Variant.NFT: {
        "-p ipcomp -m ipcomp --ipcompspi :": _EVERY,
        "-p ipcomp -m ipcomp ! --ipcompspi :": _EVERY,
        '-i "a b" -j ACCEPT': _BLANK,
        '-j IDLETIMER --label "a b" --timeout 3': _BLANK,
    }
}
LOSSY[Variant.LEGACY] = {
    **LOSSY[Variant.NFT],
    "! -i +": "iptables-legacy prints nothing of it",
    "-p tcp -m tcp ! --dport 0:65535 -j ACCEPT": _EVERY,
    **{
        f"-p {protocol} -m {protocol} ! {option} :": _EVERY
        for protocol in ("tcp", "udp")
        for option in ("--dport", "--sport")
    },
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

    @property
    def text(self) -> str:
        """As a dump of its own."""
        declared = "" if self.chain in Hook.__members__ else f":{self.chain} - [0:0]\n"
        return f"*{self.table}\n{declared}-A {self.chain} {self.args}\nCOMMIT\n"

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
    wrong, excepted = [], set()
    lossy = set()
    for row in rows(corpora, family, variant):
        verdict, lines, rules = outcome(row)
        if (verdict, lines) != (row.verdict, row.canonical if row.verdict == "ok" else ""):
            wrong.append((str(row), row.verdict, row.canonical, verdict, lines))
            excepted.add(str(row))
        lossy |= {row.args for rule in rules if not is_read_again(row, rule)}
    assert [item for item in wrong if item[0] not in EXCEPTIONS] == []
    assert {row for row in EXCEPTIONS if row.startswith(f"{variant} v{family} ")} == excepted
    assert lossy == LOSSY[variant].keys()


def outcome(row: Row) -> tuple[str, str, Sequence[Rule]]:
    """Return what becomes of a row: ``ok`` with its lines and rules, or ``fail``."""
    try:
        ruleset = parse(row.text, family=row.family, strict=True, variant=row.variant, objects=OBJECTS)
    except IptcError:
        return "fail", "", ()
    lines = [line for line in write_save(ruleset, variant=row.variant).splitlines() if line.startswith("-A")]
    chain = ruleset.chain(row.table, row.chain)
    return "ok", " ␤ ".join(lines) or "(nothing)", chain.rules if chain else ()


def is_read_again(row: Row, rule: Rule) -> bool:
    """Whether a written rule is read as what it was."""
    text = f"*{row.table}\n:{row.chain} - [0:0]\n{write_rule(rule, row.chain, variant=row.variant)}\nCOMMIT\n"
    try:
        again = parse(text, family=row.family, variant=row.variant).tables[row.table].chains[row.chain].rules
    except IptcError:
        return False
    return list(again) == [as_printed(rule, row.variant)]


def as_printed(rule: Rule, variant: Variant) -> Rule:
    """Return the rule that iptables prints: the nft variant makes one of several ``-m tcp`` or ``-m udp``."""
    return replace(rule, matches=nft_matches(rule.matches)) if variant is Variant.NFT else rule


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


def printed(ruleset: Ruleset, variant: Variant) -> Ruleset:
    """Return the ruleset with its tables, chains and rules in the order and form in which iptables prints them."""
    tables = {}
    for table in table_order(ruleset, variant):
        chains = {}
        for chain in chain_order(table):
            policy = chain.policy or "ACCEPT" if chain.name in table.builtin else None
            rules = [as_printed(rule, variant) for rule in chain.rules]
            chains[chain.name] = replace(chain, rules=rules, policy=policy)
        tables[table.name] = Table(table.name, chains)
    return Ruleset(tables, ruleset.family)


@pytest.mark.parametrize("variant", Variant)
def test_dumps_are_written_as_iptables_save_prints_them(corpora: Path, variant: Variant) -> None:
    wrong = {}
    same = 0
    for dump in dumps(corpora, variant):
        try:
            ruleset = parse(SourceFile(dump.name, dump.text), family=dump.family, table=dump.table, variant=variant)
            written = write_save(ruleset, variant=variant)
            again = parse(written, family=dump.family, variant=variant)
            assert again == printed(ruleset, variant), dump.name
        except IptcError as error:
            written = error.diagnostics[0].message
        if (written if dump.is_counted else uncounted(written)) == dump.printed:
            same += 1
        else:
            wrong[dump.name] = written[:300]
    assert wrong == {}
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
