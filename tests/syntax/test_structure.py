"""Jumps, chains and sections as a whole: what iptables-restore 1.8.9 answered to each of these texts."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest

from iptc_sim import Family, SourceFile, examine, parse, write_save
from iptc_sim.values import Variant

NFT, LEGACY = Variant.NFT, Variant.LEGACY


def first(
    lines: str, variant: Variant = NFT, table: str = "filter", objects: Mapping[str, set[str]] | None = None
) -> tuple[str, int]:
    """Return the code of the first error of a table, and the line that iptables names; ("", 0) where it loads."""
    text = f"*{table}\n{lines}\nCOMMIT\n"
    errors = examine(text, family=Family.IPV4, strict=True, variant=variant, objects=objects).errors
    if not errors:
        return "", 0
    assert errors[0].span is not None
    return errors[0].code, errors[0].reported_line or errors[0].span.line


def ladder(length: int) -> str:
    names = [f"c{number}" for number in range(length + 1)]
    jumps = [f"-A {one} -j {other}" for one, other in pairwise(names)]
    return "\n".join([*(f":{name} - [0:0]" for name in names), *jumps, "-A INPUT -j c0"])


@pytest.mark.parametrize(
    ("lines", "code", "nft", "legacy"),
    [
        ("-A INPUT -j nosuch\n-A nosuch2", "IPT032", 4, 2),
        ("-A nosuch2\n-A INPUT -j ACCEPT", "IPT025", 2, 2),
        (":one - [0:0]\n-A INPUT -j OUTPUT", "IPT028", 3, 3),
        (":one - [0:0]\n-A one -j one", "", 0, 0),
        (":one - [0:0]\n-A INPUT -j one\n-A one -j one", "IPT033", 4, 5),
        (":one - [0:0]\n-A INPUT -j one\n-X one", "IPT029", 4, 4),
        (":one - [0:0]\n-A INPUT -j one\n-F INPUT\n-X one", "", 0, 0),
        (":one - [0:0]\n-X one\n-N one", "", 0, 0),
        ("-X INPUT", "IPT029", 2, 2),
        ("-N INPUT", "IPT026", 2, 2),
        ("-P one DROP", "IPT024", 2, 2),
        ("-F nosuch", "IPT025", 2, 2),
        (":one - [0:0]\n:two - [0:0]\n-E one two", "IPT026", 4, 4),
        ("-I INPUT 5", "IPT029", 2, 2),
        ("-A INPUT -o eth0", "IPT034", 2, 2),
    ],
)
def test_the_line_that_iptables_names(lines: str, code: str, nft: int, legacy: int) -> None:
    assert first(lines, NFT) == (code, nft)
    assert first(lines, LEGACY) == (code, legacy)


def test_a_rule_without_chain_and_aim() -> None:
    assert first("-A nosuch2 -j nosuch", NFT)[1] == 3
    assert first("-A nosuch2 -j nosuch", LEGACY)[1] == 2


def test_nft_reads_all_lines_before_it_looks_for_chains() -> None:
    assert first("-F nosuch\n-A INPUT bogus", NFT)[1] == 3
    assert first("-F nosuch\n-A INPUT bogus", LEGACY)[1] == 2


def test_nft_follows_jumps_when_it_has_taken_each_rule() -> None:
    circle = ":two - [0:0]\n-A PREROUTING -j two\n-A two -j two\n"
    assert first(circle.rstrip(), table="nat") == ("IPT033", 4)
    assert first(f"{circle}-A INPUT -j MASQUERADE", table="nat") == ("IPT027", 5)


def test_depth() -> None:
    assert first(ladder(14)) == ("", 0)
    assert first(ladder(15)) == ("IPT033", 33)
    assert first(ladder(15), LEGACY) == ("", 0)


def test_nat_is_not_for_filtering() -> None:
    for variant in Variant:
        assert first("-P INPUT DROP", variant, "nat") == ("IPT034", 2)
        assert first(":INPUT DROP [0:0]", variant, "nat") == ("", 0)


def test_objects_that_are_not_there() -> None:
    line = "-A INPUT -m set --match-set blocked src -j DROP"
    assert first(line) == ("", 0)
    assert first(line, objects={"ipset": set()}) == ("IPT035", 2)
    assert first(line, objects={"ipset": {"blocked"}}) == ("", 0)


def test_the_tolerant_reader_warns_with_a_hint() -> None:
    (note,) = parse("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j acept\nCOMMIT\n").notes
    assert (note.code, str(note.severity), note.hint) == ("IPT032", "warning", "did you mean ACCEPT?")


def test_a_second_section_replaces_the_first() -> None:
    text = "*filter\n-P OUTPUT DROP\n-A INPUT\nCOMMIT\n*filter\n-A OUTPUT\nCOMMIT\n"
    head = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT"
    nft, legacy = (parse(text, family=Family.IPV4, variant=variant) for variant in (NFT, LEGACY))
    assert [note.code for note in nft.notes] == ["IPT036"]
    assert write_save(nft) == f"{head} ACCEPT [0:0]\n-A OUTPUT\nCOMMIT\n"
    assert write_save(legacy, variant=LEGACY) == f"{head} DROP [0:0]\n-A OUTPUT\nCOMMIT\n"


@pytest.mark.parametrize(("lines", "chains"), [("", 0), ("-F\n", 0), ("-F INPUT\n", 5), ("-N a\n-X a\n", 5)])
def test_a_bare_section_is_no_table_of_nft(lines: str, chains: int) -> None:
    ruleset = parse(f"*mangle\n{lines}COMMIT\n", family=Family.IPV4, strict=True)
    assert write_save(ruleset).count("\n:") == chains
    assert write_save(ruleset, variant=LEGACY).count("\n:") == 5


def test_files_join() -> None:
    one = SourceFile("one", "*filter\n:a - [0:0]\n-A INPUT -j a\nCOMMIT\n")
    two = SourceFile("two", "*filter\n:b - [0:0]\n-A INPUT -j b\nCOMMIT\n*nat\nCOMMIT\n")
    ruleset = parse([one, two], family=Family.IPV4)
    chain = ruleset.chain("filter", "INPUT")
    assert chain is not None
    assert [rule.target.name for rule in chain.rules if rule.target] == ["a", "b"]
    assert list(ruleset.tables) == ["filter", "nat"]


def test_a_script_is_applied_in_order() -> None:
    script = (
        "iptables -N one\niptables -t nat -N two\niptables -A INPUT -j one\niptables -I INPUT -j ACCEPT\n"
        "iptables -t nat -A PREROUTING -j two\niptables -D INPUT -j one\niptables -X one\n"
    )
    ruleset = parse(script)
    lines = [line for line in write_save(ruleset).splitlines() if line.startswith("-A") or " - " in line]
    assert lines == ["-A INPUT -j ACCEPT", ":two - [0:0]", "-A PREROUTING -j two"]


def test_tables_in_turn_are_judged_as_those_in_one_piece() -> None:
    lines = [
        "iptables -t nat -A PREROUTING -j MASQUERADE",
        "iptables -t mangle -A INPUT -j MASQUERADE",
        "iptables -t nat -A POSTROUTING -j MASQUERADE",
        "iptables -t mangle -A OUTPUT -j MASQUERADE",
    ]

    def told(order: list[int]) -> list[str]:
        notes = examine("\n".join(lines[place] for place in order)).ruleset.notes
        return sorted(note.message for note in notes if note.code == "IPT027")

    assert told([0, 1, 2, 3]) == told([0, 2, 1, 3])
    assert len(told([0, 1, 2, 3])) == 3
