"""Chains are known by what they hold, rules by what they say, wherever they stand; tables that say nothing are none."""

from __future__ import annotations

import json

import jsonschema
import pytest

from iptc_sim import Ruleset, diff, parse
from iptc_sim.compare.edits import Edit, MovedBetween, Renamed, TableAdded, TableRemoved
from iptc_sim.diagnostics import UsageError
from iptc_sim.render import diff_json, render_diff
from iptc_sim.resources import resource_text
from iptc_sim.values import Family


def rules(*lines: str, table: str = "filter") -> Ruleset:
    users = dict.fromkeys(line.split()[1] for line in lines if line.startswith("-A") and line.split()[1].islower())
    return parse("\n".join([f"*{table}", *(f":{name} - [0:0]" for name in users), *lines, "COMMIT", ""]))


def edits(a: Ruleset, b: Ruleset) -> list[Edit]:
    """The edits, the JSON of which fits the schema."""
    found = diff(a, b)
    schema = json.loads(resource_text("iptc_sim", "render", "schemas", "diff-3.json"))
    jsonschema.validate(json.loads(diff_json(found)), schema)
    return list(found.edits)


def kinds(a: Ruleset, b: Ruleset) -> list[str]:
    return [type(edit).__name__ for edit in edits(a, b)]


WEB = ("-A {0} -p tcp --dport 80 -j ACCEPT", "-A {0} -p tcp --dport 443 -j ACCEPT", "-A {0} -j RETURN")


def web(name: str, *more: str) -> Ruleset:
    return rules(f"-A INPUT -i eth0 -j {name}", *(line.format(name) for line in WEB), *more)


def test_a_chain_with_another_name_is_renamed_and_jumps_to_it_are_the_same() -> None:
    (edit,) = edits(web("old"), web("new"))
    assert edit == Renamed("filter", "new", "old", 3)
    text = render_diff(diff(web("old"), web("new")), ("a", "b"))
    assert text.splitlines()[2:] == [
        "filter new",
        "  = was called old, 3 rules",
        "1 difference: 1 renamed (5 chains, 4 rules compared)",
    ]


def test_a_renamed_chain_that_also_changed() -> None:
    more = "-A {} -s 10.0.0.9 -j DROP"
    assert kinds(web("old"), web("new", more.format("new"))) == ["Renamed", "Added"]
    assert kinds(web("old", more.format("old")), web("new")) == ["Renamed", "Removed"]


def test_chains_that_lead_to_each_other_are_renamed_together() -> None:
    def two(outer: str, inner: str) -> Ruleset:
        return rules(
            f"-A INPUT -j {outer}", f"-A {outer} -s 10.0.0.1 -j {inner}", f"-A {outer} -j DROP", f"-A {inner} -j ACCEPT"
        )

    assert kinds(two("a", "b"), two("c", "d")) == ["Renamed", "Renamed"]
    assert {(edit.former, edit.chain) for edit in edits(two("a", "b"), two("c", "d")) if isinstance(edit, Renamed)} == {
        ("a", "c"),
        ("b", "d"),
    }


def test_of_chains_with_the_same_rules_the_callers_decide() -> None:
    def pair(one: str, other: str) -> Ruleset:
        return rules(
            f"-A INPUT -i eth0 -j {one}", f"-A INPUT -i eth1 -j {other}", f"-A {one} -j DROP", f"-A {other} -j DROP"
        )

    found = edits(pair("a", "b"), pair("y", "x"))
    assert [(edit.former, edit.chain) for edit in found if isinstance(edit, Renamed)] == [("a", "y"), ("b", "x")]
    assert len(found) == 2


def test_a_name_that_iptables_cannot_give_is_a_new_chain() -> None:
    text = "*filter\n:{0} - [0:0]\n-A {0} -s 10.0.0.1 -j DROP\nCOMMIT\n"
    assert kinds(parse(text.format("old")), parse(text.format("LOG"))) == ["ChainRemoved", "ChainAdded"]


def test_empty_chains_are_told_apart_by_what_leads_to_them() -> None:
    def empty(name: str, *lines: str) -> Ruleset:
        return parse("\n".join(["*filter", f":{name} - [0:0]", *lines, "COMMIT", ""]))

    assert kinds(empty("a"), empty("b")) == ["ChainRemoved", "ChainAdded"]
    assert kinds(empty("a", "-A INPUT -j a"), empty("b", "-A INPUT -j b")) == ["Renamed"]


def test_chains_in_a_circle_are_compared_all_the_same() -> None:
    def circle(one: str, other: str) -> Ruleset:
        return rules(f"-A {one} -s 10.0.0.1 -j {other}", f"-A {other} -s 10.0.0.2 -j {one}")

    assert set(kinds(circle("a", "b"), circle("c", "d"))) <= {"Renamed", "ChainAdded", "ChainRemoved"}
    assert not edits(circle("a", "b"), circle("b", "a")) or kinds(circle("a", "b"), circle("b", "a"))


def test_rules_move_to_other_chains() -> None:
    rule, plain = "-s 10.0.0.1 -j DROP", "-j RETURN"
    a = rules(f"-A INPUT {rule}", "-A INPUT -j mine", f"-A mine {plain}")
    b = rules("-A INPUT -j mine", f"-A mine {rule}", f"-A mine {plain}")
    (moved,) = edits(a, b)
    assert isinstance(moved, MovedBetween)
    assert (moved.chain, moved.before, moved.to, moved.after) == ("INPUT", 1, "mine", 1)
    new = rules("-A INPUT -j mine", "-A INPUT -j other", f"-A mine {plain}", f"-A other {rule}")
    assert kinds(a, new) == ["MovedBetween", "Added", "ChainAdded"]
    assert kinds(new, a) == ["Removed", "ChainRemoved", "MovedBetween"]
    assert "MovedBetween" not in kinds(rules("-A INPUT -j DROP"), rules("-A FORWARD -j DROP"))


def test_a_table_that_says_nothing_is_none() -> None:
    a = rules("-A INPUT -j DROP")
    text = "*filter\n-A INPUT -j DROP\nCOMMIT\n*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [5:5]\n{}COMMIT\n"
    assert not edits(a, parse(text.format("")))
    assert not edits(parse(text.format("")), a)
    (added,) = edits(a, parse(text.format("-A OUTPUT -j ACCEPT\n")))
    assert isinstance(added, TableAdded)
    (removed,) = edits(parse(text.replace("OUTPUT ACCEPT", "OUTPUT DROP").format("")), a)
    assert isinstance(removed, TableRemoved)
    shown = render_diff(diff(a, parse(text.format("-A OUTPUT -j ACCEPT\n"))), ("a", "b"))
    assert shown.splitlines()[2:6] == [
        "nat",
        "  + the table, 1 chain, 1 rule",
        "    + OUTPUT",
        "      + -j ACCEPT",
    ]


def test_edits_come_in_the_order_of_the_rules() -> None:
    numbers = range(1, 21)
    a = rules(*(f"-A INPUT -s 10.0.0.{number} -j DROP" for number in numbers))
    b = rules(*(f"-A INPUT -s 10.0.{number % 7 == 0:d}.{number} -j DROP" for number in numbers if number % 5))
    text = render_diff(diff(a, b), ("a", "b"))
    assert [line.split()[2].rstrip(":") for line in text.splitlines() if line.startswith("  ") and " rule " in line] == [
        "5", "7", "6", "10", "14", "15", "12", "20",
    ]  # fmt: skip


def test_of_a_long_chain_that_was_turned_round_one_run_stays() -> None:
    lines = [f"-A INPUT -s 10.0.{number // 250}.{number % 250} -j DROP" for number in range(2000)]
    assert kinds(rules(*lines), rules(*lines[1000:], *lines[:1000])) == ["Moved"] * 1000


def test_two_families_are_not_compared() -> None:
    with pytest.raises(UsageError, match=r"IPT004: A is of IPv4 and B of IPv6"):
        diff(rules("-A INPUT -s 10.0.0.1"), parse("*filter\n-A INPUT -s fd00::1\nCOMMIT\n", family=Family.IPV6))
